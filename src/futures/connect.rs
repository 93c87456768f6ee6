//! Connecting over TCP, with or without TLS.

use super::{Stream, WebSocket};
use crate::adapter::polled;
use crate::handshake::Url;
use crate::{Client, IoError};

/// Connects to a `ws://` or `wss://` URL with the default options. For `wss://` it reads whom the system trusts each time: who
/// connects often keeps a [`Client`].
///
/// Cancel-safe: dropping the future drops the connection.
///
/// # Errors
/// [`IoError`]: the transport, TLS, the handshake, or its deadline.
pub async fn connect(url: &str) -> Result<WebSocket<Stream>, IoError> {
    connect_with(&Client::new(), url).await
}

/// Connects to a `ws://` or `wss://` URL. The deadline of the handshake is that of TCP, TLS and HTTP together.
///
/// Of connections to one host, one at a time may be in its opening handshake (RFC 6455 section 4.1): a caller that
/// opens many to the same host is to wait for each.
///
/// Cancel-safe: dropping the future drops the connection.
///
/// # Errors
/// [`IoError`]: the transport, TLS, the handshake, or its deadline.
pub async fn connect_with(client: &Client, url: &str) -> Result<WebSocket<Stream>, IoError> {
    let url = Url::parse(url)?;
    polled::connect_over(client, &url, Stream::connect(client, &url)).await
}
