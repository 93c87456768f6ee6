//! The opening handshake over a blocking stream.

use core::fmt;
use core::time::Duration;
use std::io;
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Instant;

use bytes::Bytes;

use super::transport::{Transport, flush, has_waited, read, shut_down};
use super::websocket::WebSocket;
use crate::adapter::memory;
use crate::handshake::{Acceptance, HandshakeError, OriginPolicy, Request, RequestReader, Response, Url};
use crate::{Client, Due, Inbox, IoError, Server, Timeouts, Upgrade};

/// Connects to a `ws://` URL with the default options.
///
/// # Errors
/// [`IoError`]: the transport, the handshake, or its deadline.
pub fn connect(url: &str) -> Result<WebSocket<TcpStream>, IoError> {
    connect_with(&Client::new(), url)
}

/// Connects to a `ws://` URL.
///
/// Of connections to one host, one at a time may be in its opening handshake (RFC 6455 section 4.1): a caller that
/// opens many to the same host is to wait for each.
///
/// # Errors
/// [`IoError`]: the transport, the handshake, or its deadline.
pub fn connect_with(client: &Client, url: &str) -> Result<WebSocket<TcpStream>, IoError> {
    let parsed = Url::parse(url)?;
    if parsed.is_secure() {
        return Err(IoError::NoTls);
    }
    let deadline = Deadline::after(client.timeouts.handshake);
    let stream = deadline.connect(parsed.host(), parsed.port())?;
    stream.set_nodelay(true)?;
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

/// The time by which something of the handshake has to be done.
#[derive(Clone, Copy)]
struct Deadline(Option<Instant>);

impl Deadline {
    fn after(wait: Option<Duration>) -> Self {
        Self(wait.and_then(|wait| Instant::now().checked_add(wait)))
    }

    /// The wait that is left.
    fn left(self) -> Result<Option<Duration>, IoError> {
        let left = self.0.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) { Err(IoError::TimedOut(Due::Handshake)) } else { Ok(left) }
    }

    /// Connects to the first address of the host that answers.
    fn connect(self, host: &str, port: u16) -> Result<TcpStream, IoError> {
        let mut failure = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
        for address in (host, port).to_socket_addrs()? {
            let connected = match self.left()? {
                Some(left) => TcpStream::connect_timeout(&address, left),
                None => TcpStream::connect(address),
            };
            match connected {
                Ok(stream) => return Ok(stream),
                Err(error) => failure = error,
            }
        }
        Err(failure.into())
    }

    fn read<S: Transport>(self, stream: &mut S, inbox: &mut Inbox) -> Result<(), IoError> {
        stream.set_wait(self.left()?)?;
        match read(stream, memory::space(inbox)) {
            Ok(0) => Err(IoError::HandshakeCut),
            Ok(count) => {
                inbox.filled(count);
                Ok(())
            }
            Err(error) => Err(Self::failed(error)),
        }
    }

    /// Writes all of it. A peer that takes it byte by byte puts nothing off.
    fn write<S: Transport>(self, stream: &mut S, mut bytes: &[u8]) -> Result<(), IoError> {
        while !bytes.is_empty() {
            stream.set_wait(self.left()?)?;
            match stream.write(bytes) {
                Ok(0) => return Err(io::Error::from(io::ErrorKind::WriteZero).into()),
                Ok(count) => bytes = &bytes[count..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Self::failed(error)),
            }
        }
        stream.set_wait(self.left()?)?;
        flush(stream).map_err(Self::failed)
    }

    /// A wait that has ended is the end of the handshake's time.
    fn failed(error: io::Error) -> IoError {
        if has_waited(&error) { IoError::TimedOut(Due::Handshake) } else { error.into() }
    }
}
