//! One connection: its handshake, its turn of reading, echoing and writing.

use std::fmt;
use std::io::{self, IoSlice, Read, Write};
use std::mem;
use std::net::{IpAddr, Ipv6Addr, Shutdown, SocketAddr};
use std::time::Duration;

use bytes::Buf;
use mio::event::Event as Readiness;
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use sockeye::deflate::Options;
use sockeye::handshake::{Acceptance, HandshakeError, OriginPolicy, Request, RequestReader, Response};
use sockeye::{
    CloseCode, CloseFrame, Config, Connection, Due, Duty, Error, Event, Inbox, IoError, Keepalive, Outbox, Timeouts,
};

use crate::alarms::Alarm;
use crate::pool::{Buffers, LARGEST, Pool, SHARED, space};

/// A connection, and all that an idle one takes of this program's memory.
pub(crate) struct Peer {
    stage: Stage,
    /// What has arrived or is to leave; an idle connection has none.
    kept: Option<Box<Buffers>>,
    stream: TcpStream,
    pub(crate) alarm: Alarm,
    keepalive: Keepalive,
    address: Address,
    /// Whether the socket may have bytes to read.
    readable: bool,
    /// Whether the end of the stream, or an error, stands behind these bytes.
    ends: bool,
    /// Whether the socket has no room for more, as far as is known.
    stuck: bool,
    /// Whether the poll watches for room. It does only where something is stuck.
    watched: bool,
    /// Whether the writing half is shut down.
    shut: bool,
    /// Whether events were left in the inbox, as too much waits in the outbox.
    behind: bool,
    /// Whether the alarm has rung, and something may be due.
    pub(crate) rung: bool,
    /// Whether the connection stands in the queue for its turn.
    pub(crate) queued: bool,
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

/// What all connections share.
pub(crate) struct Common {
    pub(crate) registry: Registry,
    pub(crate) pool: Pool,
    pub(crate) config: Config,
    pub(crate) options: Options,
    pub(crate) timeouts: Timeouts,
    /// The time since the start, read once after each poll.
    pub(crate) now: Duration,
}

/// What is to become of a connection after its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// It waits for its socket or its alarm.
    Wait,
    /// It has more to do, when the others have had their turn.
    Again,
    Drop,
}

impl Peer {
    /// A connection that was just accepted, and that the poll watches for bytes.
    pub(crate) fn new(stream: TcpStream, address: SocketAddr, now: Duration) -> Self {
        Self {
            stage: Stage::Opening(RequestReader::default()),
            kept: None,
            stream,
            alarm: Alarm::default(),
            keepalive: Keepalive::new(now),
            address: Address::new(address),
            readable: false,
            ends: false,
            stuck: false,
            watched: false,
            shut: false,
            behind: false,
            rung: false,
            queued: false,
        }
    }

    /// Takes note of what the poll says.
    pub(crate) fn mark(&mut self, readiness: &Readiness) {
        self.ends |= readiness.is_read_closed() || readiness.is_error();
        self.readable |= readiness.is_readable() || self.ends;
        if readiness.is_writable() {
            self.stuck = false;
        }
    }

    /// Does what there is to do, but not for long.
    pub(crate) fn turn(&mut self, key: usize, common: &mut Common) -> Next {
        let mut buffers = common.pool.lend(self.kept.take());
        let next = self.work(&mut buffers, key, common).unwrap_or_else(|error| {
            // How a transport ends after the connection is over is of no interest.
            if !self.is_over() {
                self.complain(&error);
            }
            Next::Drop
        });
        self.kept = common.pool.take_back(buffers);
        next
    }

    /// Queues a close frame: the server stops. Whether there is something to wait for.
    pub(crate) fn stop(&mut self, common: &mut Common) -> bool {
        match &mut self.stage {
            Stage::Opening(_) => return false,
            Stage::Open(connection) => {
                let mut buffers = common.pool.lend(self.kept.take());
                let farewell = CloseFrame::new(CloseCode::GOING_AWAY, "the server stops");
                // A connection that closes already needs no other close frame.
                let _ = connection.close(Some(&farewell), &mut buffers.outbox);
                self.kept = common.pool.take_back(buffers);
            }
            Stage::Refused | Stage::Over => {}
        }
        true
    }

    /// When something is due, if nothing happens until then.
    pub(crate) fn deadline(&self, timeouts: &Timeouts) -> Option<Duration> {
        self.keepalive.deadline(timeouts)
    }

    fn work(&mut self, buffers: &mut Buffers, key: usize, common: &Common) -> Result<Next, IoError> {
        if mem::take(&mut self.rung) {
            self.tick(&mut buffers.outbox, common)?;
        }
        if !buffers.outbox.is_empty() {
            self.write(&mut buffers.outbox, key, common)?;
        }
        for _ in 0..STEPS {
            // Whoever does not read what it is sent is not read from either.
            if buffers.outbox.len() < HIGH_WATER && !self.behind && self.readable {
                self.read(&mut buffers.inbox, common)?;
            }
            self.take(buffers, common);
            self.write(&mut buffers.outbox, key, common)?;
            if buffers.outbox.is_empty() && self.end()? {
                return Ok(Next::Drop);
            }
            let full = buffers.outbox.len() >= HIGH_WATER;
            if full || !(self.behind || self.readable) {
                return Ok(Next::Wait);
            }
        }
        Ok(Next::Again)
    }

    /// Sees to what is due.
    fn tick(&mut self, outbox: &mut Outbox, common: &Common) -> Result<(), IoError> {
        match (self.keepalive.due(&common.timeouts, common.now), &mut self.stage) {
            (None, _) => {}
            (Some(Due::Ping), Stage::Open(connection)) => connection.ping(&[], outbox)?,
            (Some(Due::Idle), Stage::Open(connection)) => connection.release_idle(),
            (Some(due), _) => return Err(IoError::TimedOut(due)),
        }
        Ok(())
    }

    fn read(&mut self, inbox: &mut Inbox, common: &Common) -> Result<(), IoError> {
        let space = space(inbox);
        let room = space.len();
        match self.stream.read(space) {
            Ok(0) => {
                self.readable = false;
                self.keepalive.closing(common.now);
                match &mut self.stage {
                    Stage::Opening(_) => return Err(IoError::HandshakeCut),
                    // All that came before was taken: the connection is not behind.
                    Stage::Open(connection) => connection.receive_eof(),
                    Stage::Refused | Stage::Over => self.stage = Stage::Over,
                }
            }
            Ok(count) => {
                inbox.filled(count);
                self.keepalive.heard(common.now);
                // Less than there was room for was all that there is, and epoll tells of what comes next. It has told
                // of the end already.
                self.readable = count == room || self.ends || !cfg!(target_os = "linux");
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.readable = false,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Takes what has arrived: the request, then messages. What is wrong with it, the peer is told.
    fn take(&mut self, buffers: &mut Buffers, common: &Common) {
        if let Stage::Opening(reader) = &mut self.stage {
            let accepted = match reader.read(buffers.inbox.unread()) {
                Ok(None) => return,
                Ok(Some((request, length))) => {
                    buffers.inbox.consume(length);
                    accept(&request, common)
                }
                Err(error) => Err(error),
            };
            self.answer(accepted, &mut buffers.outbox, common);
        }
        let Stage::Open(connection) = &mut self.stage else {
            return buffers.inbox.consume(usize::MAX);
        };
        let was_over = connection.ending().is_some();
        let echoed = echo(connection, buffers, &mut self.keepalive, common.now);
        if connection.is_closing() {
            self.keepalive.closing(common.now);
        }
        match echoed {
            Ok(behind) => self.behind = behind,
            Err(error) => {
                self.behind = false;
                if !was_over {
                    self.complain(&error.into());
                }
            }
        }
    }

    fn answer(
        &mut self,
        accepted: Result<(Response, Connection), HandshakeError>,
        outbox: &mut Outbox,
        common: &Common,
    ) {
        match accepted {
            Ok((response, connection)) => {
                outbox.extend(&response.write());
                self.stage = Stage::Open(connection);
                self.keepalive.opened(common.now);
            }
            Err(error) => {
                outbox.extend(&error.response().write());
                self.complain(&error.into());
                self.stage = Stage::Refused;
                self.keepalive.closing(common.now);
            }
        }
    }

    /// Writes what the socket takes, and has the poll watch for room where it does not take all.
    fn write(&mut self, outbox: &mut Outbox, key: usize, common: &Common) -> Result<(), IoError> {
        while !outbox.is_empty() && !self.stuck {
            let (offered, written) = write(&mut self.stream, outbox);
            match written {
                Ok(0) => return Err(io::Error::from(io::ErrorKind::WriteZero).into()),
                Ok(written) => {
                    outbox.advance(written);
                    if self.watched {
                        self.keepalive.heard(common.now);
                    }
                    self.stuck = written < offered;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.stuck = true,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        let waits = !outbox.is_empty();
        if waits != self.watched {
            let interest = if waits { Interest::READABLE | Interest::WRITABLE } else { Interest::READABLE };
            common.registry.reregister(&mut self.stream, Token(key), interest)?;
            self.watched = waits;
        }
        Ok(())
    }

    /// Once all was written: what the connection owes the transport. Whether nothing.
    fn end(&mut self) -> io::Result<bool> {
        let duty = match &self.stage {
            Stage::Opening(_) => Duty::Carry,
            Stage::Open(connection) => connection.duty(),
            Stage::Refused => Duty::ShutDown,
            Stage::Over => Duty::Drop,
        };
        if duty != Duty::Carry && !self.shut {
            self.stream.shutdown(Shutdown::Write)?;
            self.shut = true;
        }
        Ok(duty == Duty::Drop)
    }

    fn is_over(&self) -> bool {
        match &self.stage {
            Stage::Opening(_) => false,
            Stage::Open(connection) => connection.ending().is_some(),
            Stage::Refused | Stage::Over => true,
        }
    }

    fn complain(&self, error: &IoError) {
        eprintln!("connection from {}: {error}", self.address);
    }
}

/// Accepts a request, with compression where the client offers it. An echo serves every page: it has nothing that a page
/// of another site could steal.
fn accept(request: &Request, common: &Common) -> Result<(Response, Connection), HandshakeError> {
    OriginPolicy::Any.check(request)?;
    let mut connection = Connection::server(&common.config);
    let mut acceptance = Acceptance::new();
    if let Some((extension, parameters)) = common.options.answer(&request.extensions()?) {
        acceptance = acceptance.with_extension(extension)?;
        connection = connection.with_deflate(parameters, &common.options);
    }
    Ok((request.accept(&acceptance)?.0, connection))
}

/// Sends back every message that has arrived, until too much waits to leave. Whether it has come to that.
fn echo(
    connection: &mut Connection,
    Buffers { inbox, outbox, shared, outgrown }: &mut Buffers,
    keepalive: &mut Keepalive,
    now: Duration,
) -> Result<bool, Error> {
    while outbox.len() < HIGH_WATER {
        let Some(event) = connection.receive(inbox, outbox)? else { return Ok(false) };
        let length = match &event {
            Event::Text(text) => text.len(),
            Event::Binary(data) => data.len(),
            Event::Ping(_) | Event::Pong(_) | Event::Close(_) => continue,
        };
        // A message that comes after our close frame is not answered.
        if !connection.is_open() {
            continue;
        }
        if connection.is_compressed() {
            keepalive.stirred(now);
        }
        *outgrown |= length > LARGEST;
        match event {
            event if length >= SHARED => {
                *shared = true;
                connection.send(&event.into_message(), outbox)?;
            }
            Event::Text(text) => connection.send_text(&text, outbox)?,
            Event::Binary(data) => connection.send_binary(&data, outbox)?,
            _ => {}
        }
    }
    Ok(true)
}

/// Writes once: how many bytes were offered, and how many were taken.
fn write(stream: &mut TcpStream, outbox: &Outbox) -> (usize, io::Result<usize>) {
    let first = outbox.chunk();
    if first.len() == outbox.len() {
        return (first.len(), stream.write(first));
    }
    let mut slices = [IoSlice::new(&[]); SLICES];
    let count = outbox.chunks_vectored(&mut slices);
    let offered = slices[..count].iter().map(|slice| slice.len()).sum();
    (offered, stream.write_vectored(&slices[..count]))
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

/// Reads of one turn. After them the others have theirs.
const STEPS: usize = 4;

/// While so much waits to leave, nothing is read and no message is taken.
const HIGH_WATER: usize = 64 << 10;

/// Pieces of the outbox that leave in one write: a large message is two.
const SLICES: usize = 16;

#[cfg(test)]
mod tests;
