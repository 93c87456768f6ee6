//! A connection over a stream that is polled.

use core::fmt;
use core::future::{Future, poll_fn};
use core::pin::Pin;
use core::task::{Context, Poll, Waker, ready};
use std::boxed::Box;
use std::io::{self, IoSlice};
use std::sync::Arc;

use bytes::Buf;
use futures_core::{FusedStream, Stream};
use futures_sink::Sink;

use super::Runtime;
use super::split::{Receiver, Sender};
use super::wakers::{Place, Wakers};
use crate::adapter::{Driver, Received, Sent, Step, memory};
use crate::{Broadcast, CloseFrame, Connection, Ending, Error, Inbox, IoError, Message, Part, Upgrade};

/// A WebSocket connection over a stream of type `S`, in the runtime `R`: a `Stream` of messages and a `Sink` for them.
///
/// Messages are received until `None`, and [`ending`](Self::ending) then says how the connection ended. An error is
/// handed out once, after the peer was told and given the time of [`Timeouts::close_wait`](crate::Timeouts::close_wait) to hear it; `None`
/// follows it.
///
/// While it waits for bytes it holds no buffer: reads go through memory that the connections of a thread share. It has
/// at most 448 bytes over tokio's `TcpStream` and 528 over smol's, and at most 192 bytes of heap beside them while it is
/// idle, or 640 where it is a client, which has masking keys.
pub struct WebSocket<S, R> {
    stream: S,
    driver: Driver,
    clock: R,
    wakers: Arc<Wakers>,
    /// Whether `wakers` may know of a task that receives.
    receives: bool,
    /// Whether the stream has taken bytes that it was not asked to flush since.
    unflushed: bool,
    /// Whether the stream has had no room since it last took bytes.
    stalled: bool,
    /// Whether the stream has held bytes, as TLS does, for which what is below it had no room when it was flushed.
    held: bool,
    /// Reads since the stream last had nothing to give.
    reads: u8,
    /// Whether `None` was handed out.
    ended: bool,
    subprotocol: Option<Box<str>>,
}

impl<S, R: Runtime<S>> WebSocket<S, R> {
    /// A connection whose opening handshake has ended: bytes that came after it are in the inbox.
    pub(super) fn new(stream: S, inbox: Inbox, mut upgrade: Upgrade) -> Self {
        let subprotocol = upgrade.subprotocol.take();
        let clock = R::start();
        Self {
            stream,
            driver: Driver::new(upgrade, inbox, clock.now()),
            clock,
            wakers: Arc::default(),
            receives: false,
            unflushed: false,
            stalled: false,
            held: false,
            reads: 0,
            ended: false,
            subprotocol,
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
    /// Whatever waits in the outbox is written while this waits.
    ///
    /// Cancel-safe: a message that was not returned is returned by the next call.
    ///
    /// # Errors
    /// [`IoError`], once; then `None`. But [`Misuse::MessageInPieces`](crate::Misuse::MessageInPieces) each time, while a
    /// message that has begun in parts goes on: nothing is lost, and [`receive_part`](Self::receive_part) has the rest.
    pub async fn receive(&mut self) -> Result<Option<Message>, IoError> {
        poll_fn(|context| self.poll_receive(context)).await.transpose()
    }

    /// The next part of a message as it arrives, or control frame; `None` at the end of the connection. What is received
    /// so need not fit into memory. A message that has begun in parts ends in parts.
    ///
    /// Cancel-safe: a part that was not returned is returned by the next call.
    ///
    /// # Errors
    /// [`IoError`], once; then `None`.
    pub async fn receive_part(&mut self) -> Result<Option<Part>, IoError> {
        poll_fn(|context| self.poll_receive(context)).await.transpose()
    }

    /// Sends a message and writes all that waits.
    ///
    /// Cancel-safe: the message is sent whole or not at all. Once it is queued it leaves with any later call.
    ///
    /// # Errors
    /// [`IoError`]; nothing was queued then, or the transport has failed.
    pub async fn send(&mut self, message: impl Into<Message>) -> Result<(), IoError> {
        self.feed(message).await?;
        self.flush().await
    }

    /// Queues a message, after waiting until it fits. It leaves with a later [`flush`](Self::flush), or when
    /// [`receive`](Self::receive) waits, together with others in one write.
    ///
    /// Cancel-safe: the message is queued or not at all.
    ///
    /// # Errors
    /// [`IoError`]; nothing was queued then. [`Error::OutboxFull`](crate::Error::OutboxFull) only for a message that is
    /// larger by itself than the outbox's limit.
    pub fn feed(&mut self, message: impl Into<Message>) -> impl Future<Output = Result<(), IoError>> {
        let message = message.into();
        poll_fn(move |context| self.poll_feed(&message, Place::WHOLE, context))
    }

    /// Sends a fragment of a message, or a control frame, and writes all that waits. Until the last fragment, no other
    /// message can be sent (RFC 6455 section 5.4).
    ///
    /// Cancel-safe: the fragment is sent whole or not at all. Once it is queued it leaves with any later call.
    ///
    /// # Errors
    /// [`IoError`]; nothing was queued then, or the transport has failed.
    pub async fn send_part(&mut self, part: Part) -> Result<(), IoError> {
        poll_fn(|context| self.poll_feed(&part, Place::WHOLE, context)).await?;
        self.flush().await
    }

    /// Queues a message without waiting.
    ///
    /// # Errors
    /// [`Error::OutboxFull`](crate::Error::OutboxFull) past the outbox's limit, where nothing is lost; and others.
    pub fn try_send(&mut self, message: &Message) -> Result<(), IoError> {
        self.start_sending(message)
    }

    /// Queues a message that was framed once for many connections, without waiting. Servers only.
    ///
    /// # Errors
    /// As [`try_send`](Self::try_send).
    pub fn try_broadcast(&mut self, message: &Broadcast) -> Result<(), IoError> {
        self.start_sending(message)
    }

    /// Writes all that waits.
    ///
    /// Cancel-safe: the rest leaves with any later call.
    ///
    /// # Errors
    /// [`IoError::Io`] where the transport fails, [`IoError::TimedOut`] where the peer takes nothing for longer than
    /// the [`Timeouts`](crate::Timeouts) allow.
    pub async fn flush(&mut self) -> Result<(), IoError> {
        poll_fn(|context| self.poll_written(Place::WHOLE, context)).await
    }

    /// Closes the connection: sends a close frame where none was sent, discards what the peer still sends, and waits for
    /// the end.
    ///
    /// Cancel-safe: called again, it goes on waiting, as [`receive`](Self::receive) does.
    ///
    /// # Errors
    /// [`IoError`], such as [`IoError::TimedOut`] where the peer does not answer.
    pub async fn close(&mut self, frame: Option<CloseFrame<'_>>) -> Result<Ending, IoError> {
        self.start_closing(frame.as_ref())?;
        while self.receive_part().await?.is_some() {}
        Ok(self.driver.ended())
    }

    /// Splits the connection into halves for two tasks. Receiving also writes, so keep polling the receiver.
    pub fn split(self) -> (Sender<S, R>, Receiver<S, R>) {
        super::split::split(self)
    }

    pub(super) fn wakers(&self) -> &Arc<Wakers> {
        &self.wakers
    }

    #[inline]
    pub(super) fn poll_receive<T: Received>(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<T, IoError>>> {
        let received = match self.step::<T>() {
            // What is there already waits for nobody.
            Step::Deliver(received) if received.is_data() => Some(Ok(received)),
            step => {
                self.wakers.receiving(context);
                self.receives = true;
                let waker = Waker::from(Arc::clone(&self.wakers));
                ready!(self.poll_step(step, &mut Context::from_waker(&waker)))
            }
        };
        if core::mem::take(&mut self.receives) {
            self.wakers.received();
        }
        Poll::Ready(received)
    }

    #[inline]
    fn step<T: Received>(&mut self) -> Step<T> {
        self.driver.step(|| self.clock.now())
    }

    fn poll_step<T: Received>(
        &mut self,
        mut step: Step<T>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<T, IoError>>> {
        loop {
            match step {
                Step::Deliver(received) => {
                    if !received.is_data() {
                        // An answer to a control frame does not wait for the caller's next call.
                        let _ = self.poll_write_on(context);
                    }
                    return Poll::Ready(Some(Ok(received)));
                }
                Step::Refuse(error) => return Poll::Ready(Some(Err(error.into()))),
                Step::End(failure) => {
                    self.ended |= failure.is_none();
                    self.driver.outbox.release();
                    self.wakers.wake_sending();
                    return Poll::Ready(failure.map(Err));
                }
                Step::ShutDown => match self.poll_shutdown(context) {
                    Poll::Ready(Ok(())) => self.driver.shut_down(),
                    Poll::Ready(Err(error)) => self.unwritable(error),
                    // A peer that is stuck in sending does not read what this end has to say before it is read.
                    Poll::Pending if self.driver.is_readable() => ready!(self.poll_fill(context)),
                    Poll::Pending => ready!(self.poll_deadline(context)),
                },
                Step::Exchange => {
                    if !matches!(self.poll_write_on(context), Poll::Ready(Err(()))) {
                        ready!(self.poll_fill(context));
                    }
                }
            }
            step = self.step();
        }
    }

    /// Writes what the stream takes, for whoever receives: senders that wait are woken where that has made room, and
    /// an error is noted for the end.
    fn poll_write_on(&mut self, context: &mut Context<'_>) -> Poll<Result<(), ()>> {
        let before = (self.driver.outbox.len(), self.unflushed);
        let written = self.poll_write(context);
        if (self.driver.outbox.len(), self.unflushed) != before {
            self.wakers.wake_sending();
        }
        written.map_err(|error| self.unwritable(error))
    }

    /// Reads, or sees to a deadline that has passed.
    fn poll_fill(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.reads += 1;
        if self.reads > READS {
            self.reads = 0;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        match self.poll_read(context) {
            Poll::Ready(Ok(0)) => self.driver.eof(self.clock.now()),
            Poll::Ready(Ok(count)) => self.driver.read(count, self.clock.now()),
            Poll::Ready(Err(error)) => self.driver.unreadable(error),
            Poll::Pending => {
                self.reads = 0;
                memory::reclaim(&mut self.driver.inbox);
                self.driver.outbox.release();
                ready!(self.poll_deadline(context));
            }
        }
        Poll::Ready(())
    }

    /// Queues a message as soon as little waits and it fits.
    #[inline]
    pub(super) fn poll_feed(
        &mut self,
        message: &impl Sent,
        place: usize,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), IoError>> {
        ready!(self.poll_room(place, context))?;
        loop {
            match self.start_sending(message) {
                Err(IoError::Connection(Error::OutboxFull(full))) if full.waiting > 0 => {
                    ready!(self.poll_drained(full.waiting - 1, place, context))?;
                }
                sent => return Poll::Ready(sent),
            }
        }
    }

    /// Waits until the outbox has room for a message of common size.
    pub(super) fn poll_room(&mut self, place: usize, context: &mut Context<'_>) -> Poll<Result<(), IoError>> {
        let rest = HIGH_WATER.min(self.driver.outbox.limit() / 2);
        if self.driver.outbox.len() <= rest {
            return Poll::Ready(Ok(()));
        }
        self.poll_drained(rest, place, context)
    }

    #[inline]
    pub(super) fn start_sending(&mut self, message: &impl Sent) -> Result<(), IoError> {
        self.driver.send(message, || self.clock.now())?;
        if self.receives {
            self.wakers.wake_receiving();
        }
        Ok(())
    }

    fn start_closing(&mut self, frame: Option<&CloseFrame<'_>>) -> Result<(), IoError> {
        self.driver.close(frame)?;
        self.wakers.wake_receiving();
        Ok(())
    }

    pub(super) fn poll_closed(&mut self, place: usize, context: &mut Context<'_>) -> Poll<Result<(), IoError>> {
        self.start_closing(None)?;
        self.poll_written(place, context)
    }

    pub(super) fn poll_written(&mut self, place: usize, context: &mut Context<'_>) -> Poll<Result<(), IoError>> {
        self.poll_drained(0, place, context)
    }

    /// Waits until the outbox holds no more than `rest` bytes, and where that is none until the stream is flushed. The
    /// deadlines run meanwhile, as a caller that waits here does not receive.
    fn poll_drained(&mut self, rest: usize, place: usize, context: &mut Context<'_>) -> Poll<Result<(), IoError>> {
        let waker = Waker::from(Arc::clone(&self.wakers));
        let shared = &mut Context::from_waker(&waker);
        let mut drained = self.poll_drained_on(rest, shared);
        if drained.is_pending() {
            // Once it is known who waits, the stream is asked again: it may have room since.
            self.wakers.sending(place, context);
            drained = self.poll_drained_on(rest, shared);
        }
        if drained.is_ready() {
            self.wakers.sent(place);
        }
        drained
    }

    fn poll_drained_on(&mut self, rest: usize, context: &mut Context<'_>) -> Poll<Result<(), IoError>> {
        loop {
            match self.poll_write(context) {
                Poll::Ready(Ok(())) => return Poll::Ready(self.driver.flushed()),
                Poll::Ready(Err(error)) => {
                    self.unwritable(error);
                    self.wakers.wake_receiving();
                    return Poll::Ready(self.driver.flushed());
                }
                Poll::Pending if rest > 0 && self.driver.outbox.len() <= rest => return Poll::Ready(Ok(())),
                Poll::Pending => {
                    ready!(self.poll_deadline(context));
                    self.wakers.wake_receiving();
                }
            }
        }
    }

    fn unwritable(&mut self, error: io::Error) {
        self.driver.unwritable(error, self.clock.now());
    }

    /// Writes the outbox and flushes the stream.
    fn poll_write(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.driver.is_writable() {
            return Poll::Ready(Ok(()));
        }
        while self.driver.outbox.has_remaining() {
            let Poll::Ready(count) = self.poll_write_some(context)? else {
                self.stalled = true;
                return Poll::Pending;
            };
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.driver.outbox.advance(count);
            self.unflushed = true;
            if core::mem::take(&mut self.stalled) {
                self.driver.taken(self.clock.now());
            }
        }
        if self.unflushed {
            let Poll::Ready(flushed) = R::poll_flush(&mut self.stream, context) else {
                self.held = true;
                return Poll::Pending;
            };
            flushed?;
            self.unflushed = false;
            if core::mem::take(&mut self.held) {
                self.driver.taken(self.clock.now());
            }
        }
        Poll::Ready(Ok(()))
    }

    fn poll_write_some(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let outbox = &self.driver.outbox;
        if outbox.chunk().len() < outbox.len() && R::is_write_vectored(&self.stream) {
            let mut slices = [IoSlice::new(&[]); SLICES];
            let filled = outbox.chunks_vectored(&mut slices);
            R::poll_write_vectored(&mut self.stream, context, &slices[..filled])
        } else {
            R::poll_write(&mut self.stream, context, outbox.chunk())
        }
    }

    fn poll_shutdown(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_write(context))?;
        R::poll_shutdown(&mut self.stream, context)
    }

    fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        super::io::poll_read::<S, R>(&mut self.stream, context, &mut self.driver.inbox)
    }

    /// Ready where a deadline has passed and was seen to.
    fn poll_deadline(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let deadline = self.driver.deadline(|| self.clock.now());
        ready!(self.clock.poll_deadline(deadline, context));
        self.driver.tick(self.clock.now());
        Poll::Ready(())
    }
}

impl<S, R> WebSocket<S, R> {
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
impl<S: Unpin, R: Runtime<S>> Stream for WebSocket<S, R> {
    type Item = Result<Message, IoError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_receive(context)
    }
}

impl<S: Unpin, R: Runtime<S>> FusedStream for WebSocket<S, R> {
    fn is_terminated(&self) -> bool {
        self.ended
    }
}

impl<S: Unpin, R: Runtime<S>> Sink<Message> for WebSocket<S, R> {
    type Error = IoError;

    /// Waits until little waits: 64 KiB, or half of the outbox's limit where that is less. A message larger than what is
    /// left of the limit then is refused, while [`feed`](Self::feed), which knows the message, waits until it fits.
    fn poll_ready(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), IoError>> {
        self.get_mut().poll_room(Place::WHOLE, context)
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), IoError> {
        self.get_mut().start_sending(&message)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), IoError>> {
        self.get_mut().poll_written(Place::WHOLE, context)
    }

    /// Sends a close frame without a body, where none was sent, and writes all that waits. The stream goes on until
    /// the peer has answered.
    fn poll_close(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), IoError>> {
        self.get_mut().poll_closed(Place::WHOLE, context)
    }
}

impl<S, R> fmt::Debug for WebSocket<S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocket")
            .field("connection", &self.driver.connection)
            .field("subprotocol", &self.subprotocol)
            .finish_non_exhaustive()
    }
}

/// While more than this waits, sending waits too: what a socket takes in one go, roughly.
const HIGH_WATER: usize = 64 << 10;

/// Reads before other tasks have their turn: a peer that never stops sending keeps none of them from it, in a runtime that
/// does not see to that itself either.
const READS: u8 = 32;

/// Pieces of the outbox that go into one write.
const SLICES: usize = 16;
