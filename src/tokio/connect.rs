//! Connecting over TCP.

use ::tokio::net::TcpStream;

use super::WebSocket;
use crate::adapter::polled;
use crate::handshake::Url;
use crate::{Client, IoError};

/// Connects to a `ws://` URL with the default options.
///
/// Cancel-safe: dropping the future drops the connection.
///
/// # Errors
/// [`IoError`]: the transport, the handshake, or its deadline.
pub async fn connect(url: &str) -> Result<WebSocket<TcpStream>, IoError> {
    connect_with(&Client::new(), url).await
}

/// Connects to a `ws://` URL.
///
/// Of connections to one host, one at a time may be in its opening handshake (RFC 6455 section 4.1): a caller that
/// opens many to the same host is to wait for each.
///
/// Cancel-safe: dropping the future drops the connection.
///
/// # Errors
/// [`IoError`]: the transport, the handshake, or its deadline.
pub async fn connect_with(client: &Client, url: &str) -> Result<WebSocket<TcpStream>, IoError> {
    let url = Url::parse(url)?;
    if url.is_secure() {
        return Err(IoError::NoTls);
    }
    polled::connect_over(client, &url, open(&url)).await
}

/// A connection over TCP to the URL's host.
async fn open(url: &Url) -> Result<TcpStream, IoError> {
    let stream = TcpStream::connect((url.host(), url.port())).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}
