//! tokio's clock and its streams.

use core::future::Future;
use core::pin::{Pin, pin};
use core::task::{Context, Poll, ready};
use core::time::Duration;
use std::boxed::Box;
use std::io::{self, IoSlice};

use ::tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use ::tokio::time::{Instant, Sleep, sleep_until};
use bytes::{BufMut, BytesMut};

use crate::adapter::polled::Runtime;
use crate::adapter::polled::io::{Io, Time};

/// tokio, as the runtime of a connection: its clock and its streams. It is named where a type is to hold for every
/// [`Runtime`] of [`polled`](crate::polled).
pub struct Clock {
    origin: Instant,
    /// Exists only while there is a deadline.
    alarm: Option<Pin<Box<Sleep>>>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Runtime<S> for Clock {}

impl Time for Clock {
    fn start() -> Self {
        Self { origin: Instant::now(), alarm: None }
    }

    fn now(&self) -> Duration {
        self.origin.elapsed()
    }

    fn poll_deadline(&mut self, deadline: Option<Duration>, context: &mut Context<'_>) -> Poll<()> {
        let Some(deadline) = deadline.and_then(|deadline| self.origin.checked_add(deadline)) else {
            self.alarm = None;
            return Poll::Pending;
        };
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if deadline < alarm.deadline() {
            alarm.as_mut().reset(deadline);
        }
        // Every byte of the peer puts a deadline off: an alarm that rings too early is left as it is, and set anew when it
        // has rung.
        while alarm.deadline() < deadline {
            ready!(alarm.as_mut().poll(context));
            alarm.as_mut().reset(deadline);
        }
        alarm.as_mut().poll(context)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Io<S> for Clock {
    /// Into memory that need not be initialised.
    fn poll_read(
        stream: &mut S,
        context: &mut Context<'_>,
        space: &mut BytesMut,
        most: usize,
    ) -> Poll<io::Result<usize>> {
        space.clear();
        let mut space = space.limit(most);
        pin!(stream.read_buf(&mut space)).poll(context)
    }

    fn poll_write(stream: &mut S, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        stream: &mut S,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(stream: &S) -> bool {
        stream.is_write_vectored()
    }

    fn poll_flush(stream: &mut S, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(stream).poll_flush(context)
    }

    fn poll_shutdown(stream: &mut S, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(stream).poll_shutdown(context)
    }
}
