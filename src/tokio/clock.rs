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

#[cfg(test)]
mod tests {
    use core::future::poll_fn;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Polls once, which is too early.
    async fn is_early(clock: &mut Clock, deadline: Option<Duration>) {
        poll_fn(|context| {
            assert!(clock.poll_deadline(deadline, context).is_pending());
            Poll::Ready(())
        })
        .await;
    }

    /// Waits for the deadline: how late it is.
    async fn lateness(clock: &mut Clock, deadline: Duration) -> Duration {
        poll_fn(|context| clock.poll_deadline(Some(deadline), context)).await;
        clock.now().checked_sub(deadline).expect("the deadline is not early")
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_that_is_put_off_is_kept() {
        let mut clock = Clock::start();
        for put_off in 1..5 {
            is_early(&mut clock, Some(put_off * SECOND)).await;
        }
        assert_eq!(clock.alarm.as_ref().map(|alarm| alarm.deadline()), Some(clock.origin + SECOND), "set once");
        assert!(lateness(&mut clock, 5 * SECOND).await < SECOND);
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_that_is_brought_forward_is_kept() {
        let mut clock = Clock::start();
        is_early(&mut clock, Some(3600 * SECOND)).await;
        assert!(lateness(&mut clock, SECOND).await < SECOND);
        assert!(lateness(&mut clock, 2 * SECOND).await < SECOND, "another one, after one that has passed");
    }

    #[tokio::test(start_paused = true)]
    async fn there_is_no_alarm_without_a_deadline() {
        let mut clock = Clock::start();
        is_early(&mut clock, Some(SECOND)).await;
        is_early(&mut clock, None).await;
        assert!(clock.alarm.is_none());
        is_early(&mut clock, Some(Duration::MAX)).await;
        assert!(clock.alarm.is_none(), "a deadline that never comes");
    }
}
