//! The opening handshake over a tokio stream.

use core::fmt;
use core::future::{Future, poll_fn};
use core::pin::Pin;
use core::time::Duration;
use std::boxed::Box;

use ::tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use ::tokio::time::timeout;
use bytes::Bytes;

use super::stream::Stream;
use super::websocket::WebSocket;
use crate::adapter::memory;
use crate::handshake::{Acceptance, HandshakeError, Limits, OriginPolicy, Request, RequestReader, Response, Url};
use crate::{Client, Due, Entropy, Inbox, IoError, Server, SystemEntropy, Timeouts};

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
    let parsed = Url::parse(url)?;
    within(client.timeouts.handshake, async {
        let stream = Stream::connect(client, &parsed).await?;
        shake(client, &parsed, stream).await
    })
    .await
}

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
    let parsed = Url::parse(url)?;
    within(client.timeouts.handshake, shake(client, &parsed, stream)).await
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
    incoming(server, stream).await?.accept().await
}

/// Reads a request, for the caller to look at before it is answered. Any HTTP request is one, so that a port can serve
/// pages and their sockets.
///
/// Cancel-safe: dropping the future drops the stream.
///
/// # Errors
/// [`IoError`]: the transport, a request that is not HTTP/1.1 or too large, or the deadline. Of a request that is
/// refused the peer has been told.
pub async fn incoming<S>(server: &Server, mut stream: S) -> Result<Incoming<'_, S>, IoError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut inbox = Inbox::new();
    let read = read_request(server.limits, &mut stream, &mut inbox);
    match within(server.timeouts.handshake, read).await? {
        Ok(request) => Ok(Incoming { server, request, inbox, stream }),
        Err(error) => {
            // Whether the peer takes the answer changes nothing of why it is refused.
            let _ = answer(&mut stream, inbox, &error.response(), &server.timeouts).await;
            Err(error.into())
        }
    }
}

/// A request that was read and not answered yet.
pub struct Incoming<'s, S> {
    server: &'s Server,
    request: Request,
    inbox: Inbox,
    stream: S,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Incoming<'_, S> {
    /// The request.
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// Accepts the request as the [`Server`] says: its origins, its subprotocols.
    ///
    /// Cancel-safe: dropping the future drops the stream.
    ///
    /// # Errors
    /// [`IoError`]: the transport, the handshake, or its deadline. Of a request that is refused the peer has been told.
    pub async fn accept(self) -> Result<WebSocket<S>, IoError> {
        match self.server.acceptance(&self.request) {
            Ok(acceptance) => self.accept_as(&acceptance).await,
            Err(error) => self.refuse(error).await,
        }
    }

    /// Accepts the request with an acceptance of the caller's, who has judged the origin.
    ///
    /// Cancel-safe: dropping the future drops the stream.
    ///
    /// # Errors
    /// [`IoError`]: the transport, the handshake, or its deadline. Of a request that is refused the peer has been told.
    pub async fn accept_as(mut self, acceptance: &Acceptance) -> Result<WebSocket<S>, IoError> {
        let (response, established) = match self.server.establish(&self.request, acceptance) {
            Ok(accepted) => accepted,
            Err(error) => return self.refuse(error).await,
        };
        within(self.server.timeouts.handshake, write(&mut self.stream, &response.write())).await?;
        Ok(WebSocket::new(self.stream, self.inbox, established))
    }

    /// Answers with a response of the caller's, such as a page or a rejection, and shuts the stream down.
    ///
    /// # Errors
    /// [`IoError`]: the transport, or the deadline.
    pub async fn respond(mut self, response: &Response) -> Result<(), IoError> {
        answer(&mut self.stream, self.inbox, response, &self.server.timeouts).await
    }

    /// The request, the bytes that came after its head, and the stream: for an HTTP server of the caller's.
    pub fn into_parts(self) -> (Request, Bytes, S) {
        let rest = Bytes::copy_from_slice(self.inbox.unread());
        (self.request, rest, self.stream)
    }

    /// Tells the peer why its request is refused.
    async fn refuse<T>(self, error: HandshakeError) -> Result<T, IoError> {
        // Whether the peer takes the answer changes nothing of why it is refused.
        let _ = self.respond(&error.response()).await;
        Err(error.into())
    }
}

impl<S> fmt::Debug for Incoming<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming").field("request", &self.request).finish_non_exhaustive()
    }
}

async fn shake<S>(client: &Client, url: &Url, mut stream: S) -> Result<WebSocket<S>, IoError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut entropy = SystemEntropy::new();
    let mut nonce = [0; 16];
    entropy.fill(&mut nonce);
    let (request, mut handshake) = client.whole_offer()?.begin(url, nonce);
    write(&mut stream, &request.write()).await?;
    let mut inbox = Inbox::new();
    let established = loop {
        read(&mut stream, &mut inbox).await?;
        if let Some(established) = handshake.read(inbox.unread())? {
            break established;
        }
    };
    inbox.consume(established.length);
    let established = client.establish(established.agreement, Box::new(entropy))?;
    Ok(WebSocket::new(stream, inbox, established))
}

/// Reads until the head of a request is there, or the error that answers it.
async fn read_request<S>(
    limits: Limits,
    stream: &mut S,
    inbox: &mut Inbox,
) -> Result<Result<Request, HandshakeError>, IoError>
where
    S: AsyncRead + Unpin,
{
    let mut reader = RequestReader::new(limits);
    loop {
        read(stream, inbox).await?;
        match reader.read(inbox.unread()) {
            Ok(None) => {}
            Ok(Some((request, length))) => {
                inbox.consume(length);
                return Ok(Ok(request));
            }
            Err(error) => return Ok(Err(error)),
        }
    }
}

/// Sends a response that is not followed by frames, and ends the stream.
async fn answer<S>(stream: &mut S, mut inbox: Inbox, response: &Response, timeouts: &Timeouts) -> Result<(), IoError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    within(timeouts.handshake, async {
        write(stream, &response.write()).await?;
        Ok(stream.shutdown().await?)
    })
    .await?;
    // A socket that is closed with unread bytes is reset, and the peer might lose the response. Whether the peer ends
    // its half in time is of no interest.
    let _ = within(timeouts.close_wait, async {
        while read(stream, &mut inbox).await.is_ok() {
            inbox.consume(inbox.len());
        }
        Ok(())
    })
    .await;
    Ok(())
}

/// Reads once. A peer that is awaited holds no buffer.
async fn read<S: AsyncRead + Unpin>(stream: &mut S, inbox: &mut Inbox) -> Result<(), IoError> {
    let count = poll_fn(|context| {
        let mut space = ReadBuf::new(memory::space(inbox));
        let polled = Pin::new(&mut *stream).poll_read(context, &mut space);
        let count = space.filled().len();
        if polled.is_pending() {
            memory::reclaim(inbox);
        }
        polled.map_ok(|()| count)
    });
    match count.await? {
        0 => Err(IoError::HandshakeCut),
        count => {
            inbox.filled(count);
            Ok(())
        }
    }
}

async fn write<S: AsyncWrite + Unpin>(stream: &mut S, bytes: &[u8]) -> Result<(), IoError> {
    stream.write_all(bytes).await?;
    stream.flush().await?;
    Ok(())
}

async fn within<T>(limit: Option<Duration>, work: impl Future<Output = Result<T, IoError>>) -> Result<T, IoError> {
    match limit {
        Some(limit) => timeout(limit, work).await.unwrap_or(Err(IoError::TimedOut(Due::Handshake))),
        None => work.await,
    }
}
