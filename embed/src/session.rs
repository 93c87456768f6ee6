//! What an echo server does on a connection, whatever carries its bytes: the opening handshake, the messages, the deadlines and
//! the end.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use sockeye::deflate::Options;
use sockeye::handshake::{Acceptance, HandshakeError, OriginPolicy, Request, RequestReader, Response};
use sockeye::{
    CloseCode, CloseFrame, Config, Connection, Due, Duty, Error, Event, Inbox, IoError, Keepalive, Outbox, Timeouts,
};

/// What is the same for all connections.
pub struct Terms {
    /// The limits.
    pub config: Config,
    /// What is agreed to of compression.
    pub deflate: Options,
    /// How long to wait for a peer.
    pub timeouts: Timeouts,
    /// Hears, in one line, why a connection does not end in order.
    pub complain: Box<dyn Fn(&str)>,
}

impl Terms {
    /// The terms of an echo server with this limit, which complains on stderr.
    pub fn new(max_message: u64) -> Self {
        Self {
            config: Config::default().message_limit(max_message).frame_limit(max_message),
            deflate: Options::new(),
            timeouts: Timeouts::default(),
            complain: Box::new(|line| eprintln!("{line}")),
        }
    }
}

/// A connection from its first byte to its last, without its transport.
pub struct Session {
    stage: Stage,
    keepalive: Keepalive,
    address: Address,
}

/// How far the connection has come.
enum Stage {
    Opening(RequestReader),
    Open(Connection),
    /// The request was refused: the answer leaves, and what the peer still sends is passed over.
    Refused,
    /// The peer has ended the stream after that.
    Over,
}

/// How far what has arrived was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Whether events were left in the inbox, as too much waits in the outbox.
    pub behind: bool,
    /// The length of the longest message, where there was one.
    pub longest: Option<usize>,
}

impl Session {
    /// A connection that was just accepted.
    pub fn new(address: SocketAddr, now: Duration) -> Self {
        Self {
            stage: Stage::Opening(RequestReader::default()),
            keepalive: Keepalive::new(now),
            address: Address::new(address),
        }
    }

    /// Bytes have arrived, or the peer has made room for more.
    pub fn heard(&mut self, now: Duration) {
        self.keepalive.heard(now);
    }

    /// There is memory to give back when no message has come for a while.
    pub fn stirred(&mut self, now: Duration) {
        self.keepalive.stirred(now);
    }

    /// The peer has ended its half of the stream, after all that was taken.
    ///
    /// # Errors
    /// Where it had to say more before.
    pub fn ended(&mut self, now: Duration) -> Result<(), IoError> {
        // What waits for the peer waits no longer than this.
        self.keepalive.closing(now);
        match &mut self.stage {
            Stage::Opening(_) => return Err(IoError::HandshakeCut),
            Stage::Open(connection) => connection.receive_eof(),
            Stage::Refused | Stage::Over => self.stage = Stage::Over,
        }
        Ok(())
    }

    /// Takes what has arrived: the request, then messages, which are sent back until too much waits to leave. What is wrong
    /// with it, the peer is told.
    pub fn take(&mut self, inbox: &mut Inbox, outbox: &mut Outbox, terms: &Terms, now: Duration) -> Taken {
        let mut taken = Taken { behind: false, longest: None };
        if let Stage::Opening(reader) = &mut self.stage {
            let accepted = match reader.read(inbox.unread()) {
                Ok(None) => return taken,
                Ok(Some((request, length))) => {
                    inbox.consume(length);
                    accept(&request, terms)
                }
                Err(error) => Err(error),
            };
            self.answer(accepted, outbox, terms, now);
        }
        let Stage::Open(connection) = &mut self.stage else {
            inbox.consume(usize::MAX);
            return taken;
        };
        let was_over = connection.ending().is_some();
        let echoed = echo(connection, &mut self.keepalive, inbox, outbox, &mut taken);
        if !taken.behind && terms.timeouts.message.is_some() && (connection.is_receiving() || !inbox.is_empty()) {
            self.keepalive.receiving(now);
        }
        if taken.longest.is_some() && connection.is_compressed() {
            self.keepalive.stirred(now);
        }
        if connection.is_closing() {
            self.keepalive.closing(now);
        }
        if let Err(error) = echoed
            && !was_over
        {
            self.complain(&error.into(), terms);
        }
        taken
    }

    fn answer(
        &mut self,
        accepted: Result<(Response, Connection), HandshakeError>,
        outbox: &mut Outbox,
        terms: &Terms,
        now: Duration,
    ) {
        match accepted {
            Ok((response, connection)) => {
                outbox.extend(&response.write());
                self.stage = Stage::Open(connection);
                self.keepalive.opened(now);
            }
            Err(error) => {
                outbox.extend(&error.response().write());
                self.complain(&error.into(), terms);
                self.stage = Stage::Refused;
                self.keepalive.closing(now);
            }
        }
    }

    /// When something is due, if nothing happens until then.
    pub fn deadline(&self, timeouts: &Timeouts) -> Option<Duration> {
        self.keepalive.deadline(timeouts)
    }

    /// Sees to what is due. Whether the connection is idle: memory is to be given back.
    ///
    /// # Errors
    /// What the peer was waited for in vain.
    pub fn tick(&mut self, outbox: &mut Outbox, timeouts: &Timeouts, now: Duration) -> Result<bool, IoError> {
        match (self.keepalive.due(timeouts, now), &mut self.stage) {
            (None, _) => {}
            (Some(Due::Ping), Stage::Open(connection)) => connection.ping(&[], outbox)?,
            (Some(Due::Idle), Stage::Open(connection)) => {
                connection.release_idle();
                return Ok(true);
            }
            (Some(due), _) => return Err(IoError::TimedOut(due)),
        }
        Ok(false)
    }

    /// Queues a close frame: the server stops. Whether there is something to wait for.
    pub fn stop(&mut self, outbox: &mut Outbox) -> bool {
        match &mut self.stage {
            Stage::Opening(_) => return false,
            Stage::Open(connection) => {
                // A connection that closes already needs no other close frame.
                let _ = connection.close(Some(&CloseFrame::new(CloseCode::GOING_AWAY, "the server stops")), outbox);
            }
            Stage::Refused | Stage::Over => {}
        }
        true
    }

    /// What the connection owes the transport, once all was written.
    pub fn duty(&self) -> Duty {
        match &self.stage {
            Stage::Opening(_) => Duty::Carry,
            Stage::Open(connection) => connection.duty(),
            Stage::Refused => Duty::ShutDown,
            Stage::Over => Duty::Drop,
        }
    }

    /// The transport has failed. How it ends after the connection is over is of no interest.
    pub fn failed(&self, error: &IoError, terms: &Terms) {
        let is_over = match &self.stage {
            Stage::Opening(_) => false,
            Stage::Open(connection) => connection.ending().is_some(),
            Stage::Refused | Stage::Over => true,
        };
        if !is_over {
            self.complain(error, terms);
        }
    }

    fn complain(&self, error: &IoError, terms: &Terms) {
        (terms.complain)(&format!("connection from {}: {error}", self.address));
    }
}

/// Accepts a request, with compression where the client offers it. An echo serves every page: it has nothing that a page
/// of another site could steal.
fn accept(request: &Request, terms: &Terms) -> Result<(Response, Connection), HandshakeError> {
    OriginPolicy::Any.check(request)?;
    let mut connection = Connection::server(&terms.config);
    let mut acceptance = Acceptance::new();
    if let Some((extension, parameters)) = terms.deflate.answer(&request.extensions()?) {
        acceptance = acceptance.with_extension(extension)?;
        connection = connection.with_deflate(parameters, &terms.deflate);
    }
    Ok((request.accept(&acceptance)?.0, connection))
}

/// Sends back every message that has arrived, until too much waits to leave. What comes after a close frame is not answered,
/// and is taken so that the peer gets round to reading.
fn echo(
    connection: &mut Connection,
    keepalive: &mut Keepalive,
    inbox: &mut Inbox,
    outbox: &mut Outbox,
    taken: &mut Taken,
) -> Result<(), Error> {
    while outbox.len() < HIGH_WATER || !connection.is_open() {
        let Some(event) = connection.receive(inbox, outbox)? else { return Ok(()) };
        if !connection.is_receiving() {
            keepalive.received();
        }
        let length = match &event {
            Event::Text(text) => text.len(),
            Event::Binary(data) => data.len(),
            Event::Ping(_) | Event::Pong(_) | Event::Close(_) => continue,
        };
        if !connection.is_open() {
            continue;
        }
        taken.longest = taken.longest.max(Some(length));
        match event {
            event if length >= SHARED => connection.send(&event.into_message(), outbox)?,
            Event::Text(text) => connection.send_text(&text, outbox)?,
            Event::Binary(data) => connection.send_binary(&data, outbox)?,
            _ => {}
        }
    }
    taken.behind = true;
    Ok(())
}

/// An address in 18 bytes and not in the 32 of a [`SocketAddr`], as there may be many connections.
struct Address {
    ip: Ipv6Addr,
    port: [u8; 2],
}

impl Address {
    fn new(address: SocketAddr) -> Self {
        let ip = match address.ip() {
            IpAddr::V4(ip) => ip.to_ipv6_mapped(),
            IpAddr::V6(ip) => ip,
        };
        Self { ip, port: address.port().to_be_bytes() }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        SocketAddr::new(self.ip.to_canonical(), u16::from_be_bytes(self.port)).fmt(f)
    }
}

/// While so much waits to leave, nothing is read and no message is taken.
pub const HIGH_WATER: usize = 64 << 10;

/// Messages of at least this many bytes are not copied into the outbox: it shares their memory.
pub const SHARED: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes these bytes, `at` so many seconds after the connection came.
    fn take(session: &mut Session, inbox: &mut Inbox, bytes: &[u8], terms: &Terms, at: u64) {
        inbox.extend(bytes);
        session.heard(Duration::from_secs(at));
        session.take(inbox, &mut Outbox::new(), terms, Duration::from_secs(at));
    }

    #[test]
    fn a_message_that_drips_ends_the_connection() {
        let seconds = Duration::from_secs;
        let timeouts = Timeouts { message: Some(seconds(60)), idle: None, ..Timeouts::default() };
        let terms = Terms { timeouts, ..Terms::new(1000) };
        let (mut session, mut inbox) = (Session::new(([127, 0, 0, 1], 1).into(), seconds(0)), Inbox::new());
        let request = b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
            Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
        take(&mut session, &mut inbox, request, &terms, 1);
        assert_eq!(session.deadline(&timeouts), None);
        take(&mut session, &mut inbox, &[0x82, 0x82, 0], &terms, 10);
        take(&mut session, &mut inbox, &[0, 0], &terms, 20);
        assert_eq!(session.deadline(&timeouts), Some(seconds(70)));
        take(&mut session, &mut inbox, &[0, b'a', b'b'], &terms, 30);
        assert_eq!(session.deadline(&timeouts), None, "it has come");
        take(&mut session, &mut inbox, &[0x02, 0x80, 0, 0, 0, 0], &terms, 40);
        take(&mut session, &mut inbox, &[0x89, 0x80, 0, 0, 0, 0], &terms, 50);
        let due = session.tick(&mut Outbox::new(), &timeouts, seconds(100));
        assert!(matches!(due, Err(IoError::TimedOut(Due::Message))), "{due:?}");
    }

    #[test]
    fn addresses_are_shown_as_they_came() {
        for shown in ["127.0.0.1:9001", "[::1]:80", "[2001:db8::1]:65535"] {
            assert_eq!(Address::new(shown.parse().unwrap()).to_string(), shown);
        }
    }
}
