//! The opening handshake over a tokio stream.

use core::future::ready;

use ::tokio::io::{AsyncRead, AsyncWrite};

use super::{Incoming, WebSocket};
use crate::adapter::polled;
use crate::handshake::{OriginPolicy, Url};
use crate::{Client, IoError, Server};

/// Connects over a stream to the URL's host that the caller has made, with TLS for `wss://`.
///
/// Cancel-safe: dropping the future drops the stream.
///
/// # Errors
/// [`IoError`]: the transport, the handshake, or its deadline.
pub async fn connect_over<S>(client: &Client, url: &str, stream: S) -> Result<WebSocket<S>, IoError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    polled::connect_over(client, &Url::parse(url)?, ready(Ok(stream))).await
}

/// Accepts a connection with the default options, from pages of the same origin and from whatever is not a browser;
/// see [`OriginPolicy`].
///
/// Cancel-safe: dropping the future drops the stream.
///
/// # Errors
/// [`IoError`]: the transport, the handshake, or its deadline. Of a request that is refused the peer has been told.
pub async fn accept<S>(stream: S) -> Result<WebSocket<S>, IoError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    accept_with(&Server::new(OriginPolicy::SameOrigin), stream).await
}

/// Accepts a connection.
///
/// Cancel-safe: dropping the future drops the stream.
///
/// # Errors
/// [`IoError`]: the transport, the handshake, or its deadline. Of a request that is refused the peer has been told.
pub async fn accept_with<S>(server: &Server, stream: S) -> Result<WebSocket<S>, IoError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    polled::accept_with(server, stream).await
}

/// Reads a request, for the caller to look at before it is answered. Any HTTP request is one, so that a port can serve
/// pages and their sockets.
///
/// Cancel-safe: dropping the future drops the stream.
///
/// # Errors
/// [`IoError`]: the transport, a request that is not HTTP/1.1 or too large, or the deadline. Of a request that is
/// refused the peer has been told.
pub async fn incoming<S>(server: &Server, stream: S) -> Result<Incoming<'_, S>, IoError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    polled::incoming(server, stream).await
}
