//! A connection over a blocking stream.

use core::fmt;
use core::time::Duration;
use std::boxed::Box;
use std::io;
use std::time::Instant;

use super::split::{Receiver, Sender};
use super::transport::{Duplex, Transport, has_waited, read, shut_down, write_all};
use crate::adapter::{Driver, Received, Sent, Step, memory};
use crate::{Broadcast, CloseFrame, Connection, Ending, Error, Inbox, IoError, Message, Part, Upgrade};

/// A WebSocket connection over a blocking stream.
///
/// Messages are received until `None`, and [`ending`](Self::ending) then says how the connection ended. An error is
/// handed out once, after the peer was told and given the time of [`Timeouts::close_wait`](crate::Timeouts::close_wait) to hear it; `None`
/// follows it. As an iterator it yields the same.
pub struct WebSocket<S> {
    pub(super) stream: S,
    pub(super) driver: Driver,
    pub(super) clock: Clock,
    pub(super) subprotocol: Option<Box<str>>,
    /// Whether the stream has taken bytes that it was not asked to flush since.
    pub(super) unflushed: bool,
    /// Whether the stream has had no room since it last took bytes.
    stalled: bool,
    /// The wait that the stream was told.
    wait: Option<Duration>,
}

/// Time since the connection began.
#[derive(Clone, Copy)]
pub(super) struct Clock(Instant);

impl Clock {
    pub(super) fn now(&self) -> Duration {
        self.0.elapsed()
    }

    /// The wait from now to a deadline, and up to a thirty-second longer: so it stays the same while traffic puts the
    /// deadline off, and the stream need not be told. A socket cannot be told to wait for nothing.
    pub(super) fn until(&self, deadline: Option<Duration>) -> Option<Duration> {
        deadline.map(|deadline| {
            let left = deadline.saturating_sub(self.now());
            let step = (left / 64).as_millis().next_power_of_two();
            let steps = left.as_millis() / step + 1;
            Duration::from_millis(u64::try_from(steps * step).unwrap_or(u64::MAX))
        })
    }
}

impl<S: Transport> WebSocket<S> {
    /// A connection whose opening handshake has ended: bytes that came after it are in the inbox.
    pub(super) fn new(stream: S, inbox: Inbox, mut upgrade: Upgrade) -> Self {
        let subprotocol = upgrade.subprotocol.take();
        let clock = Clock(Instant::now());
        Self {
            stream,
            driver: Driver::new(upgrade, inbox, clock.now()),
            clock,
            subprotocol,
            unflushed: false,
            stalled: false,
            // Whatever the handshake has set is replaced before the first wait.
            wait: Some(Duration::ZERO),
        }
    }

    /// A connection over a stream whose opening handshake somebody else has carried, such as an HTTP library: the
    /// request and the response that `upgrade` was made of have gone over it. `unread` is what has been read of the
    /// stream behind them.
    ///
    /// The stream is the caller's to set up: for TCP, set `nodelay`.
    pub fn upgraded(stream: S, upgrade: Upgrade, unread: &[u8]) -> Self {
        let mut inbox = Inbox::new();
        inbox.extend(unread);
        Self::new(stream, inbox, upgrade)
    }

    /// The next message or control frame; `None` at the end of the connection.
    ///
    /// Whatever waits in the outbox is written before this waits.
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
            match self.driver.step::<T>(|| self.clock.now()) {
                Step::Deliver(received) => return Ok(Some(received)),
                Step::Answer(received) => {
                    self.write();
                    return Ok(Some(received));
                }
                Step::Refuse(error) => return Err(error.into()),
                Step::End(failure) => {
                    self.driver.outbox.release();
                    return failure.map_or(Ok(None), Err);
                }
                Step::ShutDown => {
                    if self.write() {
                        match shut_down(&mut self.stream) {
                            Ok(true) => self.driver.shut_down(),
                            Ok(false) => self.driver.ended_whole(),
                            Err(error) => self.driver.unwritable(error, self.clock.now()),
                        }
                    }
                }
                Step::Exchange => {
                    if self.write() {
                        self.read();
                    }
                }
            }
        }
    }

    /// Sends a message and writes all that waits.
    ///
    /// # Errors
    /// [`IoError`]; nothing was queued then, or the transport has failed.
    pub fn send(&mut self, message: impl Into<Message>) -> Result<(), IoError> {
        self.feed(message)?;
        self.flush()
    }

    /// Queues a message, after writing what waits where it is much or the message does not fit. It leaves with a later
    /// [`flush`](Self::flush), or when [`receive`](Self::receive) waits, together with others in one write.
    ///
    /// # Errors
    /// [`IoError`]; nothing was queued then. [`Error::OutboxFull`] only for a message that is larger by itself than the
    /// outbox's limit.
    pub fn feed(&mut self, message: impl Into<Message>) -> Result<(), IoError> {
        self.queue(&message.into())
    }

    /// Sends a fragment of a message, or a control frame, and writes all that waits. Until the last fragment, no other
    /// message can be sent (RFC 6455 section 5.4).
    ///
    /// # Errors
    /// [`IoError`]; nothing was queued then, or the transport has failed.
    pub fn send_part(&mut self, part: Part) -> Result<(), IoError> {
        self.queue(&part)?;
        self.flush()
    }

    /// Queues a message without writing.
    ///
    /// # Errors
    /// [`Error::OutboxFull`] past the outbox's limit, where nothing is lost; and others.
    pub fn try_send(&mut self, message: &Message) -> Result<(), IoError> {
        self.try_queue(message)
    }

    /// Queues a message that was framed once for many connections, without writing. Servers only.
    ///
    /// # Errors
    /// As [`try_send`](Self::try_send).
    pub fn try_broadcast(&mut self, message: &Broadcast) -> Result<(), IoError> {
        self.try_queue(message)
    }

    /// Writes all that waits.
    ///
    /// # Errors
    /// [`IoError::Io`] where the transport fails, [`IoError::TimedOut`] where the peer takes nothing for longer than
    /// the [`Timeouts`](crate::Timeouts) allow.
    pub fn flush(&mut self) -> Result<(), IoError> {
        while !self.write() && self.driver.is_writable() {}
        self.driver.flushed()
    }

    /// Closes the connection: sends a close frame where none was sent, discards what the peer still sends, and waits for the end.
    ///
    /// # Errors
    /// [`IoError`], such as [`IoError::TimedOut`] where the peer does not answer.
    pub fn close(&mut self, frame: Option<CloseFrame<'_>>) -> Result<Ending, IoError> {
        self.driver.close(frame.as_ref())?;
        while self.receive_part()?.is_some() {}
        Ok(self.driver.ended())
    }

    /// Queues, after writing what waits where it is much or leaves no room.
    fn queue(&mut self, message: &impl Sent) -> Result<(), IoError> {
        if self.driver.outbox.len() > HIGH_WATER {
            self.flush()?;
        }
        match self.try_queue(message) {
            Err(IoError::Connection(Error::OutboxFull(full))) if full.waiting > 0 => {
                self.flush()?;
                self.try_queue(message)
            }
            queued => queued,
        }
    }

    fn try_queue(&mut self, message: &impl Sent) -> Result<(), IoError> {
        Ok(self.driver.send(message, || self.clock.now())?)
    }

    /// Writes the outbox, and notes an error for the end. Whether all of it was written.
    fn write(&mut self) -> bool {
        if let Err(error) = self.try_write() {
            self.driver.unwritable(error, self.clock.now());
            return false;
        }
        self.driver.outbox.is_empty() && !self.unflushed
    }

    /// Writes the outbox, or sees to the deadline that has passed meanwhile.
    fn try_write(&mut self) -> io::Result<()> {
        if !self.driver.is_writable() {
            self.unflushed = false;
            return Ok(());
        }
        let before = self.driver.outbox.len();
        if before == 0 && !self.unflushed {
            return Ok(());
        }
        self.tell_wait()?;
        let written = write_all(&mut self.stream, &mut self.driver.outbox, &mut self.unflushed);
        let now = self.clock.now();
        // A stream that holds bytes of its own has had room for them where it could be flushed.
        let has_taken = self.driver.outbox.len() < before || written.is_ok();
        if has_taken && core::mem::take(&mut self.stalled) {
            self.driver.heard(|| now);
        }
        match written {
            Err(error) if has_waited(&error) => {
                self.stalled = true;
                self.driver.tick(false, now);
                Ok(())
            }
            written => written,
        }
    }

    fn read(&mut self) {
        memory::reclaim(&mut self.driver.inbox);
        self.driver.outbox.release();
        let read = self.tell_wait().and_then(|()| read(&mut self.stream, memory::space(&mut self.driver.inbox)));
        let now = self.clock.now();
        match read {
            Ok(0) => self.driver.eof(now),
            Ok(count) => self.driver.read(count, || now),
            Err(error) if has_waited(&error) => self.driver.tick(true, now),
            Err(error) => self.driver.unreadable(error),
        }
    }

    /// Tells the stream how long to wait, where that has changed.
    fn tell_wait(&mut self) -> io::Result<()> {
        let wait = self.clock.until(self.driver.deadline(|| self.clock.now()));
        if wait != self.wait {
            self.stream.set_wait(wait)?;
            self.wait = wait;
        }
        Ok(())
    }
}

impl<S: Duplex> WebSocket<S> {
    /// Splits the connection into halves for two threads. Receiving also writes, so keep calling the receiver.
    ///
    /// # Errors
    /// [`IoError::Io`] where the stream gives no second handle.
    pub fn split(self) -> Result<(Sender<S>, Receiver<S>), IoError> {
        super::split::split(self)
    }
}

impl<S> WebSocket<S> {
    /// How the connection ended; `None` while messages may still come.
    pub fn ending(&self) -> Option<Ending> {
        self.driver.connection.ending()
    }

    /// The subprotocol that was agreed on.
    pub fn subprotocol(&self) -> Option<&str> {
        self.subprotocol.as_deref()
    }

    /// The protocol's state.
    pub fn connection(&self) -> &Connection {
        &self.driver.connection
    }

    /// The stream below.
    pub fn stream(&self) -> &S {
        &self.stream
    }
}

/// Yields what [`receive`](Self::receive) does: in the middle of a message in parts, the same error without end.
impl<S: Transport> Iterator for WebSocket<S> {
    type Item = Result<Message, IoError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.receive().transpose()
    }
}

impl<S> fmt::Debug for WebSocket<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocket")
            .field("connection", &self.driver.connection)
            .field("subprotocol", &self.subprotocol)
            .finish_non_exhaustive()
    }
}

/// While more than this waits, feeding writes first: what a socket takes in one go, roughly.
pub(super) const HIGH_WATER: usize = 64 << 10;
