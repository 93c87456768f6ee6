//! One connection: its handshake, its turn of reading, echoing and writing.

use std::io::{self, IoSlice, Read, Write};
use std::mem;
use std::net::{Shutdown, SocketAddr};
use std::time::Duration;

use bytes::Buf;
use embed::alarms::Alarm;
use embed::session::{HIGH_WATER, SHARED, Session, Terms};
use mio::event::Event as Readiness;
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use sockeye::{Duty, Inbox, IoError, Outbox};

use crate::pool::{Buffers, LARGEST, Pool, space};

/// A connection, and all that an idle one takes of this program's memory.
pub(crate) struct Peer {
    session: Session,
    /// What has arrived or is to leave; an idle connection has none.
    kept: Option<Box<Buffers>>,
    stream: TcpStream,
    pub(crate) alarm: Alarm,
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

/// What all connections share.
pub(crate) struct Common {
    pub(crate) registry: Registry,
    pub(crate) pool: Pool,
    pub(crate) terms: Terms,
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
            session: Session::new(address, now),
            kept: None,
            stream,
            alarm: Alarm::default(),
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
            self.session.failed(&error, &common.terms);
            Next::Drop
        });
        self.kept = common.pool.take_back(buffers);
        next
    }

    /// Queues a close frame: the server stops. Whether there is something to wait for.
    pub(crate) fn stop(&mut self, common: &mut Common) -> bool {
        let mut buffers = common.pool.lend(self.kept.take());
        let stays = self.session.stop(&mut buffers.outbox);
        self.kept = common.pool.take_back(buffers);
        stays
    }

    /// When something is due, if nothing happens until then.
    pub(crate) fn deadline(&self, terms: &Terms) -> Option<Duration> {
        self.session.deadline(&terms.timeouts)
    }

    fn work(&mut self, buffers: &mut Buffers, key: usize, common: &Common) -> Result<Next, IoError> {
        if mem::take(&mut self.rung) {
            // Memory that an idle connection holds is that of compression alone.
            self.session.tick(&mut buffers.outbox, &common.terms.timeouts, common.now)?;
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

    fn read(&mut self, inbox: &mut Inbox, common: &Common) -> Result<(), IoError> {
        let space = space(inbox);
        let room = space.len();
        match self.stream.read(space) {
            Ok(0) => {
                self.readable = false;
                // All that came before was taken: the connection is not behind.
                self.session.ended(common.now)?;
            }
            Ok(count) => {
                inbox.filled(count);
                self.session.heard(common.now);
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

    /// Takes what has arrived.
    fn take(&mut self, Buffers { inbox, outbox, shared, outgrown }: &mut Buffers, common: &Common) {
        let taken = self.session.take(inbox, outbox, &common.terms, common.now);
        self.behind = taken.behind;
        *shared |= taken.longest >= Some(SHARED);
        *outgrown |= taken.longest > Some(LARGEST);
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
                        self.session.heard(common.now);
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
        let duty = self.session.duty();
        if duty != Duty::Carry && !self.shut {
            self.stream.shutdown(Shutdown::Write)?;
            self.shut = true;
        }
        Ok(duty == Duty::Drop)
    }
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

/// Reads of one turn. After them the others have theirs.
const STEPS: usize = 4;

/// Pieces of the outbox that leave in one write: a large message is two.
const SLICES: usize = 16;

#[cfg(test)]
mod tests;
