//! Halves of a connection, for two threads.

use core::fmt;
use core::mem;
use core::time::Duration;
use std::boxed::Box;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use super::transport::{Duplex, has_waited, read, shut_down, write_some};
use super::websocket::{Clock, HIGH_WATER, WebSocket};
use crate::adapter::{Driver, Received, Sent, Step, memory};
use crate::{Broadcast, CloseFrame, Ending, Error, IoError, Message, Outbox, Part};

pub(super) fn split<S: Duplex>(websocket: WebSocket<S>) -> Result<(Sender<S>, Receiver<S>), IoError> {
    let WebSocket { mut stream, driver, clock, subprotocol, unflushed, .. } = websocket;
    let batch = Outbox::with_limit(driver.outbox.limit());
    // A write looks at the deadlines as often as a read, whatever wait the stream was told last.
    stream.set_wait(Some(LOOK))?;
    let reading = stream.duplicate()?;
    let writer = Mutex::new(Writer { stream, batch, unflushed });
    let shared = Arc::new(Shared { driver: Mutex::new(driver), writer, clock });
    let sender = Sender { shared: Arc::clone(&shared) };
    Ok((sender, Receiver { stream: reading, shared, wait: Duration::ZERO, subprotocol }))
}

/// What both halves hold. The driver is locked only for moments, the writer for as long as a write takes.
struct Shared<S> {
    driver: Mutex<Driver>,
    writer: Mutex<Writer<S>>,
    clock: Clock,
}

struct Writer<S> {
    stream: S,
    /// What is being written: it was taken from the driver, so that others can queue meanwhile.
    batch: Outbox,
    /// Whether the stream has taken bytes that it was not asked to flush since.
    unflushed: bool,
}

impl<S: Duplex> Shared<S> {
    fn driver(&self) -> MutexGuard<'_, Driver> {
        lock(&self.driver)
    }

    /// Writes all that waits, after whoever is writing now.
    fn write(&self) -> Result<(), IoError> {
        let written = self.write_by(&mut lock(&self.writer));
        if written.is_ok() {
            // Whoever found the writer at work has left what was queued after the last look at the outbox.
            let _ = self.write_or_leave();
        }
        self.driver().flushed()
    }

    /// Writes all that waits, unless another thread is writing: that one then takes what waits with it. Whether
    /// nothing is left.
    fn write_or_leave(&self) -> Result<bool, Failed> {
        // The writer looks once more after it has let go, so that what was queued in between is not left behind.
        while !self.driver().outbox.is_empty() {
            let Some(mut writer) = self.try_writer() else { return Ok(false) };
            self.write_by(&mut writer)?;
        }
        Ok(true)
    }

    /// Writes all that waits and shuts the writing half down, unless another thread is writing. Whether it was done.
    fn shut_down_or_leave(&self) -> bool {
        let Some(mut writer) = self.try_writer() else { return false };
        if self.write_by(&mut writer).is_ok() {
            let shut_down = shut_down(&mut writer.stream);
            let mut driver = self.driver();
            match shut_down {
                Ok(true) => driver.shut_down(),
                Ok(false) => driver.ended_whole(),
                Err(error) => driver.unwritable(error, self.clock.now()),
            }
        }
        true
    }

    /// The writer, where no other thread has it.
    fn try_writer(&self) -> Option<MutexGuard<'_, Writer<S>>> {
        match self.writer.try_lock() {
            Ok(writer) => Some(writer),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// Writes until nothing waits. An error is noted for the end.
    fn write_by(&self, Writer { stream, batch, unflushed }: &mut Writer<S>) -> Result<(), Failed> {
        loop {
            mem::swap(&mut self.driver().outbox, batch);
            if batch.is_empty() && !*unflushed {
                return Ok(());
            }
            // Whether the stream has had no room for all: where it takes more after that, the peer has read.
            let mut stalled = false;
            loop {
                let before = batch.len();
                let written = write_some(stream, batch, unflushed);
                let now = self.clock.now();
                // A stream that holds bytes of its own has had room for them where it could be flushed.
                if stalled && (batch.len() < before || matches!(written, Ok(false))) {
                    self.driver().heard(|| now);
                }
                stalled = true;
                match written {
                    Ok(true) => {}
                    Ok(false) => break,
                    Err(error) => self.wait_on(error, now).inspect_err(|Failed| {
                        *batch = Outbox::with_limit(batch.limit());
                        *unflushed = false;
                    })?,
                }
            }
        }
    }
}

impl<S> Shared<S> {
    /// Sees to the deadline where a write has only waited. Other errors are noted for the end.
    fn wait_on(&self, error: io::Error, now: Duration) -> Result<(), Failed> {
        let mut driver = lock(&self.driver);
        if has_waited(&error) {
            driver.deadline(|| now);
            driver.tick(true, now);
            if !driver.is_gone() {
                return Ok(());
            }
        }
        driver.unwritable(error, now);
        Err(Failed)
    }
}

/// Writing has failed, and the driver knows why.
struct Failed;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The half that sends. Clones send over the same connection.
pub struct Sender<S> {
    shared: Arc<Shared<S>>,
}

impl<S: Duplex> Sender<S> {
    /// Sends a message and writes all that waits; see [`WebSocket::send`].
    ///
    /// # Errors
    /// [`IoError`]; nothing was queued then, or the transport has failed.
    pub fn send(&self, message: impl Into<Message>) -> Result<(), IoError> {
        self.feed(message)?;
        self.flush()
    }

    /// Queues a message, after writing what waits where it is much or the message does not fit; see [`WebSocket::feed`].
    ///
    /// # Errors
    /// [`IoError`]; nothing was queued then.
    pub fn feed(&self, message: impl Into<Message>) -> Result<(), IoError> {
        self.queue(&message.into())
    }

    /// Sends a fragment of a message, or a control frame, and writes all that waits. Until the last fragment, no other
    /// message can be sent, by any clone (RFC 6455 section 5.4).
    ///
    /// # Errors
    /// [`IoError`]; nothing was queued then, or the transport has failed.
    pub fn send_part(&self, part: Part) -> Result<(), IoError> {
        self.queue(&part)?;
        self.flush()
    }

    /// Queues a message without writing. It leaves with the next write of any half.
    ///
    /// # Errors
    /// [`Error::OutboxFull`] past the outbox's limit, where nothing is lost; and others.
    pub fn try_send(&self, message: &Message) -> Result<(), IoError> {
        self.try_queue(message)
    }

    /// Queues a message that was framed once for many connections, without writing. Servers only.
    ///
    /// # Errors
    /// As [`try_send`](Self::try_send).
    pub fn try_broadcast(&self, message: &Broadcast) -> Result<(), IoError> {
        self.try_queue(message)
    }

    /// Writes all that waits.
    ///
    /// # Errors
    /// [`IoError::Io`] where the transport fails.
    pub fn flush(&self) -> Result<(), IoError> {
        self.shared.write()
    }

    /// Begins the closing handshake, and writes all that waits. The receiver sees the rest of it.
    ///
    /// # Errors
    /// [`IoError`], such as [`Misuse::Closed`](crate::Misuse::Closed) where it has begun.
    pub fn close(&self, frame: Option<CloseFrame<'_>>) -> Result<(), IoError> {
        self.try_send(&Message::Close(frame.map(CloseFrame::into_owned)))?;
        self.flush()
    }

    /// Queues, after writing what waits where it is much or leaves no room.
    fn queue(&self, message: &impl Sent) -> Result<(), IoError> {
        if self.shared.driver().outbox.len() > HIGH_WATER {
            self.flush()?;
        }
        loop {
            match self.try_queue(message) {
                // Other senders may be faster, time and again.
                Err(IoError::Connection(Error::OutboxFull(full))) if full.waiting > 0 => self.flush()?,
                queued => return queued,
            }
        }
    }

    fn try_queue(&self, message: &impl Sent) -> Result<(), IoError> {
        Ok(self.shared.driver().send(message, || self.shared.clock.now())?)
    }
}

impl<S> Clone for Sender<S> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

/// The half that receives. It writes too: keep calling it.
pub struct Receiver<S: Duplex> {
    stream: S,
    shared: Arc<Shared<S>>,
    /// The wait that the stream was told; zero before the first.
    wait: Duration,
    subprotocol: Option<Box<str>>,
}

impl<S: Duplex> Receiver<S> {
    /// The next message or control frame; `None` at the end of the connection. See [`WebSocket::receive`].
    ///
    /// # Errors
    /// [`IoError`], once; then `None`. But [`Misuse::MessageInPieces`](crate::Misuse::MessageInPieces) each time, while a
    /// message that has begun in parts goes on: nothing is lost, and [`receive_part`](Self::receive_part) has the rest.
    pub fn receive(&mut self) -> Result<Option<Message>, IoError> {
        self.receive_as()
    }

    /// The next part of a message as it arrives, or control frame; `None` at the end of the connection. What is received
    /// so need not fit into memory. A message that has begun in parts ends in parts.
    ///
    /// # Errors
    /// [`IoError`], once; then `None`.
    pub fn receive_part(&mut self) -> Result<Option<Part>, IoError> {
        self.receive_as()
    }

    fn receive_as<T: Received>(&mut self) -> Result<Option<T>, IoError> {
        loop {
            let step = self.shared.driver().step::<T>(|| self.shared.clock.now());
            match step {
                Step::Deliver(received) => return Ok(Some(received)),
                Step::Answer(received) => {
                    // An error is noted for the end.
                    let _ = self.shared.write_or_leave();
                    return Ok(Some(received));
                }
                Step::Refuse(error) => return Err(error.into()),
                Step::End(failure) => {
                    // A sender that waits for a peer that does not read stops waiting.
                    let _ = self.stream.end();
                    return failure.map_or(Ok(None), Err);
                }
                Step::ShutDown => {
                    if !self.shared.shut_down_or_leave() {
                        self.read_or_wait();
                    }
                }
                Step::Exchange => {
                    // An error is noted for the end.
                    let _ = self.shared.write_or_leave();
                    self.read(LOOK);
                }
            }
        }
    }

    /// Lets a sender finish.
    fn read_or_wait(&mut self) {
        if self.shared.driver().is_readable() {
            // A peer that is stuck in sending reads nothing before it is read.
            self.read(LOOK_CLOSING);
        } else {
            drop(lock(&self.shared.writer));
        }
    }

    /// Reads without holding the driver. Nobody else uses the inbox.
    fn read(&mut self, look: Duration) {
        let clock = self.shared.clock;
        let (mut inbox, deadline) = {
            let mut driver = self.shared.driver();
            memory::reclaim(&mut driver.inbox);
            (mem::take(&mut driver.inbox), driver.deadline(|| clock.now()))
        };
        // A sender may begin to close while this waits, which gives a deadline: look for one now and then.
        let wait = clock.until(deadline).map_or(look, |wait| wait.min(look));
        let read = self.tell_wait(wait).and_then(|()| read(&mut self.stream, memory::space(&mut inbox)));
        let now = clock.now();
        let mut driver = self.shared.driver();
        driver.inbox = inbox;
        match read {
            Ok(0) => driver.eof(now),
            Ok(count) => driver.read(count, || now),
            Err(error) if has_waited(&error) => driver.tick(true, now),
            Err(error) => driver.unreadable(error),
        }
    }

    /// Tells the stream how long to wait, where that has changed.
    fn tell_wait(&mut self, wait: Duration) -> io::Result<()> {
        if wait != self.wait {
            self.stream.set_wait(Some(wait))?;
            self.wait = wait;
        }
        Ok(())
    }

    /// How the connection ended; `None` while messages may still come.
    pub fn ending(&self) -> Option<Ending> {
        self.shared.driver().connection.ending()
    }

    /// The subprotocol that was agreed on.
    pub fn subprotocol(&self) -> Option<&str> {
        self.subprotocol.as_deref()
    }
}

/// Yields what [`receive`](Self::receive) does: in the middle of a message in parts, the same error without end.
impl<S: Duplex> Iterator for Receiver<S> {
    type Item = Result<Message, IoError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.receive().transpose()
    }
}

impl<S> fmt::Debug for Sender<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Sender").field(&lock(&self.shared.driver).connection).finish()
    }
}

impl<S: Duplex> fmt::Debug for Receiver<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Receiver").field(&lock(&self.shared.driver).connection).finish()
    }
}

/// How often a receiver looks whether a sender has begun to close.
const LOOK: Duration = Duration::from_secs(1);

/// How often it looks whether the last sender has finished, to shut down behind it.
const LOOK_CLOSING: Duration = Duration::from_millis(20);
