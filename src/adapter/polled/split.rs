//! Halves of a connection, for two tasks.

use core::fmt;
use core::future::poll_fn;
use core::pin::Pin;
use core::task::{Context, Poll};
use std::string::String;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_core::Stream;
use futures_sink::Sink;

use super::Runtime;
use super::wakers::Place;
use super::websocket::WebSocket;
use crate::adapter::Received;
use crate::{Broadcast, CloseFrame, Ending, IoError, Message, Part};

/// The connection that both halves hold. It is locked for the time of a poll, never while a task waits.
type Shared<S, R> = Arc<Mutex<WebSocket<S, R>>>;

pub(super) fn split<S, R: Runtime<S>>(websocket: WebSocket<S, R>) -> (Sender<S, R>, Receiver<S, R>) {
    let subprotocol = websocket.subprotocol().map(String::from);
    let place = Place::new(&websocket.wakers);
    let shared = Arc::new(Mutex::new(websocket));
    (Sender { shared: Arc::clone(&shared), place }, Receiver { shared, subprotocol })
}

fn lock<S, R>(shared: &Shared<S, R>) -> MutexGuard<'_, WebSocket<S, R>> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The half that sends: a `Sink` for messages. Clones send over the same connection.
pub struct Sender<S, R> {
    shared: Shared<S, R>,
    /// Where it waits as a `Sink`.
    place: Place,
}

impl<S, R: Runtime<S>> Sender<S, R> {
    /// Sends a message and writes all that waits; see [`WebSocket::send`].
    ///
    /// Cancel-safe: the message is sent whole or not at all. Once it is queued it leaves with any later call, or
    /// while the receiver is polled.
    ///
    /// # Errors
    /// [`IoError`]; nothing was queued then, or the transport has failed.
    pub async fn send(&self, message: impl Into<Message>) -> Result<(), IoError> {
        self.feed(message).await?;
        self.flush().await
    }

    /// Queues a message, after waiting until it fits; see [`WebSocket::feed`].
    ///
    /// Cancel-safe: the message is queued or not at all.
    ///
    /// # Errors
    /// [`IoError`]; nothing was queued then.
    pub async fn feed(&self, message: impl Into<Message>) -> Result<(), IoError> {
        let message = message.into();
        // Room and queueing under one lock, so that another clone cannot take the room in between.
        let place = self.place();
        poll_fn(|context| lock(&self.shared).poll_feed(&message, place.number(), context)).await
    }

    /// Sends a fragment of a message, or a control frame, and writes all that waits. Until the last fragment, no other
    /// message can be sent, by any clone (RFC 6455 section 5.4).
    ///
    /// Cancel-safe: the fragment is sent whole or not at all. Once it is queued it leaves with any later call, or while
    /// the receiver is polled.
    ///
    /// # Errors
    /// [`IoError`]; nothing was queued then, or the transport has failed.
    pub async fn send_part(&self, part: Part) -> Result<(), IoError> {
        let place = self.place();
        poll_fn(|context| lock(&self.shared).poll_feed(&part, place.number(), context)).await?;
        self.flush().await
    }

    /// Queues a message without waiting, and wakes the task that receives to write it.
    ///
    /// # Errors
    /// [`Error::OutboxFull`](crate::Error::OutboxFull) past the outbox's limit, where nothing is lost; and others.
    pub fn try_send(&self, message: &Message) -> Result<(), IoError> {
        lock(&self.shared).try_send(message)
    }

    /// Queues a message that was framed once for many connections, without waiting, and wakes the task that receives
    /// to write it. Servers only.
    ///
    /// # Errors
    /// As [`try_send`](Self::try_send).
    pub fn try_broadcast(&self, message: &Broadcast) -> Result<(), IoError> {
        lock(&self.shared).try_broadcast(message)
    }

    /// Writes all that waits.
    ///
    /// Cancel-safe: the rest leaves with any later call, or while the receiver is polled.
    ///
    /// # Errors
    /// [`IoError::Io`] where the transport fails.
    pub async fn flush(&self) -> Result<(), IoError> {
        let place = self.place();
        poll_fn(|context| lock(&self.shared).poll_written(place.number(), context)).await
    }

    /// Begins the closing handshake, and writes all that waits. The receiver sees the rest of it.
    ///
    /// Cancel-safe: once the close frame is queued it leaves with any later call, or while the receiver is polled.
    ///
    /// # Errors
    /// [`IoError`], such as [`Misuse::Closed`](crate::Misuse::Closed) where it has begun.
    pub async fn close(&self, frame: Option<CloseFrame<'_>>) -> Result<(), IoError> {
        self.try_send(&Message::Close(frame.map(CloseFrame::into_owned)))?;
        self.flush().await
    }
}

impl<S, R> Sender<S, R> {
    /// A place to wait in: several calls may wait at once, and each may be given up.
    fn place(&self) -> Place {
        Place::new(self.place.wakers())
    }
}

impl<S, R> Clone for Sender<S, R> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), place: self.place() }
    }
}

impl<S, R: Runtime<S>> Sink<Message> for Sender<S, R> {
    type Error = IoError;

    fn poll_ready(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), IoError>> {
        lock(&self.shared).poll_room(self.place.number(), context)
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), IoError> {
        lock(&self.shared).start_sending(&message)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), IoError>> {
        lock(&self.shared).poll_written(self.place.number(), context)
    }

    fn poll_close(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), IoError>> {
        lock(&self.shared).poll_closed(self.place.number(), context)
    }
}

/// The half that receives: a `Stream` of messages. It writes too: keep polling it.
pub struct Receiver<S, R> {
    shared: Shared<S, R>,
    subprotocol: Option<String>,
}

impl<S, R: Runtime<S>> Receiver<S, R> {
    /// The next message or control frame; `None` at the end of the connection. See [`WebSocket::receive`].
    ///
    /// Cancel-safe: a message that was not returned is returned by the next call.
    ///
    /// # Errors
    /// [`IoError`], once; then `None`. But [`Misuse::MessageInPieces`](crate::Misuse::MessageInPieces) each time, while a
    /// message that has begun in parts goes on: nothing is lost, and [`receive_part`](Self::receive_part) has the rest.
    pub async fn receive(&mut self) -> Result<Option<Message>, IoError> {
        self.receive_as().await
    }

    /// The next part of a message as it arrives, or control frame; `None` at the end of the connection. What is received
    /// so need not fit into memory. A message that has begun in parts ends in parts.
    ///
    /// Cancel-safe: a part that was not returned is returned by the next call.
    ///
    /// # Errors
    /// [`IoError`], once; then `None`.
    pub async fn receive_part(&mut self) -> Result<Option<Part>, IoError> {
        self.receive_as().await
    }

    async fn receive_as<T: Received>(&mut self) -> Result<Option<T>, IoError> {
        let mut begins = true;
        poll_fn(|context| {
            let mut whole = lock(&self.shared);
            if core::mem::take(&mut begins) {
                whole.driver.receives_anew();
            }
            whole.poll_receive(context)
        })
        .await
    }
}

impl<S, R> Receiver<S, R> {
    /// How the connection ended; `None` while messages may still come.
    pub fn ending(&self) -> Option<Ending> {
        lock(&self.shared).ending()
    }

    /// The subprotocol that was agreed on.
    pub fn subprotocol(&self) -> Option<&str> {
        self.subprotocol.as_deref()
    }
}

/// Yields what [`receive`](Self::receive) does: in the middle of a message in parts, the same error without end.
impl<S, R: Runtime<S>> Stream for Receiver<S, R> {
    type Item = Result<Message, IoError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        lock(&self.shared).poll_receive(context).map(Result::transpose)
    }
}

impl<S, R> fmt::Debug for Sender<S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Sender").field(&*lock(&self.shared)).finish()
    }
}

impl<S, R> fmt::Debug for Receiver<S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Receiver").field(&*lock(&self.shared)).finish()
    }
}
