//! A connection over a stream that is polled.

use core::fmt;
use core::future::{Future, poll_fn};
use core::pin::Pin;
use core::task::{Context, Poll};
use std::boxed::Box;
use std::sync::Arc;

use futures_core::{FusedStream, Stream};
use futures_sink::Sink;

use super::Runtime;
use super::split::{Receiver, Sender};
use super::wakers::{Place, Wakers};
use crate::adapter::Driver;
use crate::{Broadcast, CloseFrame, Connection, Ending, Inbox, IoError, Message, Part, Upgrade};

/// A WebSocket connection over a stream of type `S`, in the runtime `R`: a `Stream` of messages and a `Sink` for them.
///
/// Messages are received until `None`, and [`ending`](Self::ending) then says how the connection ended. An error is
/// handed out once, after the peer was told and given the time of [`Timeouts::close_wait`](crate::Timeouts::close_wait) to hear it; `None`
/// follows it.
///
/// While it waits for bytes it holds no buffer: reads go through memory that the connections of a thread share. It has
/// at most 448 bytes over tokio's `TcpStream` and 528 over smol's, and at most 96 bytes of heap beside them while it is
/// idle, or 544 where it is a client, which has masking keys.
pub struct WebSocket<S, R> {
    pub(super) stream: S,
    pub(super) driver: Driver,
    pub(super) clock: R,
    pub(super) wakers: Arc<Wakers>,
    /// Whether a task waits to receive, which `wakers` knows.
    pub(super) receives: bool,
    /// Whether the stream has taken bytes that it was not asked to flush since.
    pub(super) unflushed: bool,
    /// Whether the stream has had no room since it last took bytes.
    pub(super) stalled: bool,
    /// Whether the stream has held bytes, as TLS does, for which what is below it had no room when it was flushed.
    pub(super) held: bool,
    /// Reads since the stream last had nothing to give.
    pub(super) reads: u8,
    /// Whether `None` was handed out.
    pub(super) ended: bool,
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
    pub fn receive(&mut self) -> impl Future<Output = Result<Option<Message>, IoError>> {
        self.driver.receives_anew();
        poll_fn(|context| self.poll_receive(context))
    }

    /// The next part of a message as it arrives, or control frame; `None` at the end of the connection. What is received
    /// so need not fit into memory. A message that has begun in parts ends in parts.
    ///
    /// Cancel-safe: a part that was not returned is returned by the next call.
    ///
    /// # Errors
    /// [`IoError`], once; then `None`.
    pub fn receive_part(&mut self) -> impl Future<Output = Result<Option<Part>, IoError>> {
        self.driver.receives_anew();
        poll_fn(|context| self.poll_receive(context))
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
        self.get_mut().poll_receive(context).map(Result::transpose)
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
