//! What a connection asks of its runtime: the time, and to poll the stream.

use core::future::Future;
use core::pin::pin;
use core::task::{Context, Poll};
use core::time::Duration;
use std::io::{self, IoSlice};

use bytes::BytesMut;

use crate::adapter::memory;
use crate::{Due, Inbox, IoError};

/// A clock that begins with the connection, and one alarm.
pub trait Time: Sized + Unpin {
    /// A clock that reads zero.
    fn start() -> Self;

    /// Time since the start.
    fn now(&self) -> Duration;

    /// Ready where the deadline has passed; otherwise the task is woken when it does. There is one deadline at a time: the
    /// last one that was given, or none.
    fn poll_deadline(&mut self, deadline: Option<Duration>, context: &mut Context<'_>) -> Poll<()>;
}

/// How a runtime polls a stream. Each is like the function of its name in the runtime's traits.
pub trait Io<S>: Time {
    /// Reads at most so many bytes to the front of `space`, in the capacity that it has, whose length covers what was read
    /// then; nothing is the end of the peer's half.
    fn poll_read(
        stream: &mut S,
        context: &mut Context<'_>,
        space: &mut BytesMut,
        most: usize,
    ) -> Poll<io::Result<usize>>;

    /// Writes as much as the stream takes.
    fn poll_write(stream: &mut S, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>>;

    /// Writes as much of all slices as the stream takes.
    fn poll_write_vectored(
        stream: &mut S,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>>;

    /// Whether the stream takes more than the first slice.
    fn is_write_vectored(stream: &S) -> bool;

    /// Hands on what the stream itself holds back.
    fn poll_flush(stream: &mut S, context: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Ends the writing half. Reading goes on.
    fn poll_shutdown(stream: &mut S, context: &mut Context<'_>) -> Poll<io::Result<()>>;
}

/// Reads into the space of an inbox, which does not count the bytes yet.
pub(super) fn poll_read<S, R: Io<S>>(
    stream: &mut S,
    context: &mut Context<'_>,
    inbox: &mut Inbox,
) -> Poll<io::Result<usize>> {
    let (mut space, most) = memory::take_space(inbox);
    let read = R::poll_read(stream, context, &mut space, most);
    inbox.put_space(space, 0);
    read
}

/// Work that has so long for its end, before it is given up as late for the handshake.
pub(super) async fn within<C: Time, T>(
    limit: Option<Duration>,
    work: impl Future<Output = Result<T, IoError>>,
) -> Result<T, IoError> {
    let Some(limit) = limit else { return work.await };
    let mut clock = C::start();
    let mut work = pin!(work);
    core::future::poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Pending => clock.poll_deadline(Some(limit), context).map(|()| Err(IoError::TimedOut(Due::Handshake))),
        done => done,
    })
    .await
}
