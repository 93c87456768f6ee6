//! The opening handshake over a blocking stream.

use core::fmt;

use bytes::Bytes;

use super::deadline::Deadline;
use super::stream::Stream;
use super::transport::{Transport, shut_down};
use super::websocket::WebSocket;
use crate::handshake::{Acceptance, HandshakeError, OriginPolicy, Request, RequestReader, Response, Url};
use crate::{Client, Inbox, IoError, Server, Timeouts, Upgrade};

/// Connects to a `ws://` or `wss://` URL with the default options. For `wss://` it reads whom the system trusts each time: who
/// connects often keeps a [`Client`].
///
/// # Errors
/// [`IoError`]: the transport, TLS, the handshake, or its deadline.
pub fn connect(url: &str) -> Result<WebSocket<Stream>, IoError> {
    connect_with(&Client::new(), url)
}

/// Connects to a `ws://` or `wss://` URL. The deadline of the handshake is that of TCP, TLS and HTTP together.
///
/// The lookup of the host's name is the system's: its time counts, but nothing ends it before the system does. Where the
/// host has several addresses, each is tried for an equal share of the time that is left.
///
/// Of connections to one host, one at a time may be in its opening handshake (RFC 6455 section 4.1): a caller that
/// opens many to the same host is to wait for each.
///
/// # Errors
/// [`IoError`]: the transport, TLS, the handshake, or its deadline.
pub fn connect_with(client: &Client, url: &str) -> Result<WebSocket<Stream>, IoError> {
    let parsed = Url::parse(url)?;
    let deadline = Deadline::after(client.timeouts.handshake);
    let stream = Stream::connect(client, &parsed, deadline)?;
    shake(client, &parsed, stream, deadline)
}

/// Connects over a stream to the URL's host that the caller has made, with TLS for `wss://`.
///
/// # Errors
/// [`IoError`]: the transport, the handshake, or its deadline.
pub fn connect_over<S: Transport>(client: &Client, url: &str, stream: S) -> Result<WebSocket<S>, IoError> {
    let parsed = Url::parse(url)?;
    shake(client, &parsed, stream, Deadline::after(client.timeouts.handshake))
}

/// Accepts a connection with the default options, from pages of the same origin and from whatever is not a browser;
/// see [`OriginPolicy`].
///
/// # Errors
/// [`IoError`]: the transport, the handshake, or its deadline. Of a request that is refused the peer has been told.
pub fn accept<S: Transport>(stream: S) -> Result<WebSocket<S>, IoError> {
    accept_with(&Server::new(OriginPolicy::SameOrigin), stream)
}

/// Accepts a connection.
///
/// # Errors
/// [`IoError`]: the transport, the handshake, or its deadline. Of a request that is refused the peer has been told.
pub fn accept_with<S: Transport>(server: &Server, stream: S) -> Result<WebSocket<S>, IoError> {
    incoming(server, stream)?.accept()
}

/// Reads a request, for the caller to look at before it is answered. Any HTTP request is one, so that a port can serve
/// pages and their sockets.
///
/// # Errors
/// [`IoError`]: the transport, a request that is not HTTP/1.1 or too large, or the deadline. Of a request that is
/// refused the peer has been told.
pub fn incoming<S: Transport>(server: &Server, mut stream: S) -> Result<Incoming<'_, S>, IoError> {
    let deadline = Deadline::after(server.timeouts.handshake);
    let mut reader = RequestReader::new(server.limits);
    let mut inbox = Inbox::new();
    loop {
        deadline.read(&mut stream, &mut inbox)?;
        match reader.read(inbox.unread()) {
            Ok(None) => {}
            Ok(Some((request, length))) => {
                inbox.consume(length);
                return Ok(Incoming { server, request, inbox, stream });
            }
            Err(error) => {
                // Whether the peer takes the answer changes nothing of why it is refused.
                let _ = answer(&mut stream, inbox, &error.response(), &server.timeouts);
                return Err(error.into());
            }
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

impl<S: Transport> Incoming<'_, S> {
    /// The request.
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// Accepts the request as the [`Server`] says: its origins, its subprotocols.
    ///
    /// # Errors
    /// [`IoError`]: the transport, the handshake, or its deadline. Of a request that is refused the peer has been told.
    pub fn accept(self) -> Result<WebSocket<S>, IoError> {
        let answered = self.server.answer(&self.request);
        self.conclude(answered)
    }

    /// Accepts the request with an acceptance of the caller's, who has judged the origin.
    ///
    /// # Errors
    /// [`IoError`]: the transport, the handshake, or its deadline. Of a request that is refused the peer has been told.
    pub fn accept_as(self, acceptance: &Acceptance) -> Result<WebSocket<S>, IoError> {
        let answered = self.server.answer_as(&self.request, acceptance);
        self.conclude(answered)
    }

    /// Answers with a response of the caller's, such as a page or a rejection, and shuts the stream down.
    ///
    /// # Errors
    /// [`IoError`]: the transport, or the deadline.
    pub fn respond(mut self, response: &Response) -> Result<(), IoError> {
        answer(&mut self.stream, self.inbox, response, &self.server.timeouts)
    }

    /// The request, the bytes that came after its head, and the stream: for an HTTP server of the caller's.
    pub fn into_parts(self) -> (Request, Bytes, S) {
        let rest = Bytes::copy_from_slice(self.inbox.unread());
        (self.request, rest, self.stream)
    }

    /// Sends the acceptance, or tells the peer why its request is refused.
    fn conclude(mut self, answered: Result<(Response, Upgrade), HandshakeError>) -> Result<WebSocket<S>, IoError> {
        match answered {
            Ok((response, upgrade)) => {
                Deadline::after(self.server.timeouts.handshake).write(&mut self.stream, &response.write())?;
                Ok(WebSocket::new(self.stream, self.inbox, upgrade))
            }
            Err(error) => {
                // Whether the peer takes the answer changes nothing of why it is refused.
                let _ = self.respond(&error.response());
                Err(error.into())
            }
        }
    }
}

impl<S> fmt::Debug for Incoming<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming").field("request", &self.request).finish_non_exhaustive()
    }
}

fn shake<S: Transport>(client: &Client, url: &Url, mut stream: S, deadline: Deadline) -> Result<WebSocket<S>, IoError> {
    let (request, mut upgrading) = client.begin(url)?;
    deadline.write(&mut stream, &request.write())?;
    let mut inbox = Inbox::new();
    loop {
        deadline.read(&mut stream, &mut inbox)?;
        if let Some((upgrade, length)) = upgrading.read(inbox.unread())? {
            inbox.consume(length);
            return Ok(WebSocket::new(stream, inbox, upgrade));
        }
    }
}

/// Sends a response that is not followed by frames, and ends the stream.
fn answer<S: Transport>(
    stream: &mut S,
    mut inbox: Inbox,
    response: &Response,
    timeouts: &Timeouts,
) -> Result<(), IoError> {
    Deadline::after(timeouts.handshake).write(stream, &response.write())?;
    if !shut_down(stream)? {
        return Ok(());
    }
    // A socket that is closed with unread bytes is reset, and the peer might lose the response. Whether the peer ends
    // its half in time is of no interest.
    let deadline = Deadline::after(timeouts.close_wait);
    while deadline.read(stream, &mut inbox).is_ok() {
        inbox.consume(inbox.len());
    }
    Ok(())
}
