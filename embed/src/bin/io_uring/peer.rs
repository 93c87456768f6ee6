//! One connection: the read and the write that are under way, and what follows when one completes.
//!
//! The kernel owns the memory of an operation from its submission to its completion. So the inbox gives its space away for
//! each read and gets it back with what has arrived, and a whole outbox leaves with a write while the next answers gather
//! in another one.

use std::io;
use std::mem;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::rc::Rc;
use std::task::Waker;
use std::time::Duration;

use compio_buf::{IntoInner, IoBuf};
use compio_driver::op::{Recv, Send};
use compio_driver::{ErrorExt, PollFirst};
use embed::alarms::Alarm;
use embed::session::{HIGH_WATER, SHARED, Session, Terms};
use rustix::net::{RecvFlags, SendFlags};
use sockeye::bytes::{Buf, BytesMut};
use sockeye::{Duty, Inbox, IoError, Outbox};

use crate::ring::{Ring, UnderWay, bell};

/// A connection.
pub(crate) struct Peer {
    session: Session,
    /// Operations hold it too, until they have completed.
    stream: Rc<TcpStream>,
    /// Rings when the read or the write has completed.
    bell: Waker,
    reading: Option<UnderWay<Recv<BytesMut, Rc<TcpStream>>>>,
    writing: Option<UnderWay<Send<Answers, Rc<TcpStream>>>>,
    inbox: Inbox,
    /// Answers that wait until the write has completed.
    waiting: Option<Box<Outbox>>,
    pub(crate) alarm: Alarm,
    /// Whether the alarm has rung, and something may be due.
    pub(crate) rung: bool,
    /// Bytes to offer to the next read, by what the last ones took.
    room: usize,
    /// Whether the transport has taken a part of a write: what it takes next, the peer has made room for.
    stalled: bool,
    /// Whether the writing half is shut down.
    shut: bool,
}

/// Answers on their way: the first piece of them, time after time.
struct Answers(Box<Outbox>);

impl IoBuf for Answers {
    fn as_init(&self) -> &[u8] {
        self.0.chunk()
    }
}

/// What all connections share.
pub(crate) struct Common {
    pub(crate) ring: Ring,
    pub(crate) terms: Terms,
    pub(crate) pool: Pool,
    /// The time since the start, read once after each wait.
    pub(crate) now: Duration,
}

impl Peer {
    /// A connection that was just accepted.
    pub(crate) fn new(stream: TcpStream, address: SocketAddr, key: usize, now: Duration) -> Self {
        Self {
            session: Session::new(address, now),
            stream: Rc::new(stream),
            bell: bell(key),
            reading: None,
            writing: None,
            inbox: Inbox::new(),
            waiting: None,
            alarm: Alarm::default(),
            rung: false,
            room: LEAST_ROOM,
            stalled: false,
            shut: false,
        }
    }

    /// Does what there is to do. Whether the connection goes on.
    pub(crate) fn turn(&mut self, common: &mut Common) -> bool {
        self.work(common).unwrap_or_else(|error| {
            self.session.failed(&error, &common.terms);
            false
        })
    }

    /// Queues a close frame: the server stops. Whether there is something to wait for.
    pub(crate) fn stop(&mut self) -> bool {
        self.session.stop(self.waiting.get_or_insert_default())
    }

    /// When something is due, if nothing happens until then.
    pub(crate) fn deadline(&self, common: &Common) -> Option<Duration> {
        self.session.deadline(&common.terms.timeouts)
    }

    fn work(&mut self, common: &mut Common) -> Result<bool, IoError> {
        self.written(common)?;
        self.arrived(common)?;
        if mem::take(&mut self.rung) {
            self.tick(common)?;
        }
        let mut behind = self.take(common);
        if self.writing.is_none()
            && let Some(answers) = self.waiting.take()
        {
            self.write(Answers(answers), common)?;
            // What the kernel writes has left its place to the next answers.
            behind = behind && self.take(common);
        }
        let duty = self.session.duty();
        if self.writing.is_none() && duty != Duty::Carry && !self.shut {
            self.stream.shutdown(Shutdown::Write)?;
            self.shut = true;
        }
        if self.shut && duty == Duty::Drop {
            return Ok(false);
        }
        // Whoever does not read what it is sent is not read from either.
        if self.reading.is_none() && !behind && duty != Duty::Drop {
            self.read(common)?;
        }
        Ok(true)
    }

    /// Answers what has arrived. Whether events were left, as too much waits.
    fn take(&mut self, common: &mut Common) -> bool {
        if self.inbox.is_empty() {
            return false;
        }
        let mut waiting = self.waiting.take().unwrap_or_else(|| common.pool.blank());
        let taken = self.session.take(&mut self.inbox, &mut waiting, &common.terms, common.now);
        if waiting.is_empty() {
            common.pool.keep(waiting)
        } else {
            self.waiting = Some(waiting)
        }
        taken.behind
    }

    /// Memory for a read: little while the connection is quiet, more where there is more to read, and the rest of a
    /// message in its place.
    fn read(&mut self, common: &mut Common) -> io::Result<()> {
        let held = self.inbox.len();
        if held >= LARGE && self.inbox.capacity() < 2 * held {
            common.pool.lend(&mut self.inbox);
        } else if held == 0 && self.inbox.capacity() > self.room {
            self.inbox.release();
        }
        let mut space = self.inbox.take_space(held.clamp(self.room, MOST_ROOM));
        // What was initialised once stays so.
        space.resize(space.capacity(), 0);
        let mut read = Recv::new(Rc::clone(&self.stream), space, RecvFlags::empty());
        // Most often the peer waits for what is written now: there is nothing to read yet.
        read.poll_first();
        self.reading = Some(common.ring.submit(read, &self.bell)?);
        Ok(())
    }

    /// A read may have completed; one of no bytes is the end of the peer's half.
    fn arrived(&mut self, common: &mut Common) -> Result<(), IoError> {
        let Some((count, read)) = common.ring.completed(&mut self.reading) else { return Ok(()) };
        let space = read.into_inner();
        let count = match count {
            Err(error) if error.is_cancelled() => {
                self.inbox.put_space(space, 0);
                return Ok(());
            }
            count => count?,
        };
        if count == space.len() {
            self.room = (4 * self.room).min(MOST_ROOM);
        }
        self.inbox.put_space(space, count);
        if count == 0 {
            return self.session.ended(common.now);
        }
        self.session.heard(common.now);
        if self.room > LEAST_ROOM {
            self.session.stirred(common.now);
        }
        Ok(())
    }

    fn write(&mut self, answers: Answers, common: &mut Common) -> io::Result<()> {
        // The header of a large message leaves with it.
        let has_more = answers.as_init().len() < answers.0.len();
        let flags = if has_more { SendFlags::MORE } else { SendFlags::empty() };
        let write = Send::new(Rc::clone(&self.stream), answers, flags);
        self.writing = Some(common.ring.submit(write, &self.bell)?);
        Ok(())
    }

    /// A write may have completed; what it left is to be written next.
    fn written(&mut self, common: &mut Common) -> io::Result<()> {
        let Some((count, write)) = common.ring.completed(&mut self.writing) else { return Ok(()) };
        let (count, mut answers) = (count?, write.into_inner());
        if self.stalled {
            self.session.heard(common.now);
        }
        let was_stalled = mem::replace(&mut self.stalled, count < answers.as_init().len());
        answers.0.advance(count);
        if !answers.0.is_empty() {
            return self.write(answers, common);
        }
        if count >= SHARED {
            common.pool.take_back(&mut self.inbox);
        }
        if count < 2 * HIGH_WATER && !was_stalled {
            common.pool.keep(answers.0);
        }
        Ok(())
    }

    /// Sees to what is due.
    fn tick(&mut self, common: &mut Common) -> Result<(), IoError> {
        let waiting = self.waiting.get_or_insert_default();
        let is_idle = self.session.tick(waiting, &common.terms.timeouts, common.now)?;
        if waiting.is_empty() {
            self.waiting = None;
        }
        if is_idle {
            self.inbox.release();
            // A read of much memory is called back, and comes anew with less. It is waited for, as it may have bytes already.
            if mem::replace(&mut self.room, LEAST_ROOM) > LEAST_ROOM
                && let Some(read) = &self.reading
            {
                common.ring.call_back(read);
            }
        }
        Ok(())
    }
}

impl Drop for Peer {
    /// What is under way holds the stream: it is to complete, and then to close it.
    fn drop(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

/// Memory that connections share.
#[derive(Default)]
pub(crate) struct Pool {
    /// Outboxes with nothing in them. Those that were used last are used next, as they are in the processor's cache.
    #[expect(clippy::vec_box, reason = "connections keep the boxes, which move as eight bytes")]
    blank: Vec<Box<Outbox>>,
    /// The memory of large messages that have left, for the next ones.
    large: Vec<BytesMut>,
}

impl Pool {
    fn blank(&mut self) -> Box<Outbox> {
        self.blank.pop().unwrap_or_default()
    }

    fn keep(&mut self, blank: Box<Outbox>) {
        if self.blank.len() < BLANK_LIMIT {
            self.blank.push(blank);
        }
    }

    /// Has a message that is under way go on in memory that need not grow.
    pub(crate) fn lend(&mut self, inbox: &mut Inbox) {
        if let Some(memory) = self.large.pop() {
            inbox.exchange(memory);
        }
    }

    /// Takes the memory of a message that has left, where nothing else has come in its place.
    pub(crate) fn take_back(&mut self, inbox: &mut Inbox) {
        if self.large.len() < LARGE_LIMIT && inbox.is_empty() && inbox.capacity() == 0 {
            let memory = inbox.exchange(BytesMut::new());
            if (4 * LARGE..=LARGEST).contains(&memory.capacity()) {
                self.large.push(memory);
            }
        }
    }
}

/// What a quiet connection holds for its next read.
const LEAST_ROOM: usize = 512;

/// The most that one read is offered, but for the rest of a large message.
const MOST_ROOM: usize = 64 << 10;

/// From here on memory that grows is worth to be kept.
const LARGE: usize = 64 << 10;

/// The most memory that is kept of one message: that of a message of 1 MiB, which has grown by doubling.
const LARGEST: usize = (2 << 20) + LARGE;

/// Pieces of memory that are kept: some 32 MiB, once so many large messages have come.
const LARGE_LIMIT: usize = 16;

/// Outboxes that are kept: as many as leave with the operations of one wait, where it is busy.
const BLANK_LIMIT: usize = 128;
