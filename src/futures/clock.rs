//! async-io's clock, and the streams of futures-io.

use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;
use std::boxed::Box;
use std::io::{self, IoSlice};
use std::time::Instant;

use async_io::Timer;
use bytes::BytesMut;
use futures_io::{AsyncRead, AsyncWrite};

use crate::adapter::polled::Runtime;
use crate::adapter::polled::io::{Io, Time};

/// The runtime of a connection under any executor: async-io's clock, and the streams of futures-io. It is named where a
/// type is to hold for every [`Runtime`] of [`polled`](crate::polled).
pub struct Clock {
    origin: Instant,
    /// Exists only while there is a deadline.
    alarm: Option<Box<Alarm>>,
}

struct Alarm {
    at: Instant,
    timer: Timer,
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
        while Instant::now() < deadline {
            // To set a timer costs a system call, and every byte of the peer puts a deadline off: an alarm that rings
            // too early is left as it is, and set anew when it has rung.
            let alarm = match &mut self.alarm {
                Some(alarm) if alarm.at <= deadline => alarm,
                alarm => alarm.insert(Box::new(Alarm { at: deadline, timer: Timer::at(deadline) })),
            };
            ready!(Pin::new(&mut alarm.timer).poll(context));
            self.alarm = None;
        }
        Poll::Ready(())
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Io<S> for Clock {
    fn poll_read(
        stream: &mut S,
        context: &mut Context<'_>,
        space: &mut BytesMut,
        most: usize,
    ) -> Poll<io::Result<usize>> {
        let most = most.min(space.capacity());
        if space.len() < most {
            space.resize(most, 0);
        }
        Pin::new(stream).poll_read(context, &mut space[..most])
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

    /// A stream that has no more to offer takes the first slice, which is as good.
    fn is_write_vectored(_stream: &S) -> bool {
        true
    }

    fn poll_flush(stream: &mut S, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(stream).poll_flush(context)
    }

    fn poll_shutdown(stream: &mut S, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(stream).poll_close(context)
    }
}

#[cfg(test)]
mod tests {
    use core::future::poll_fn;

    use super::*;

    const MOMENT: Duration = Duration::from_millis(50);

    /// Polls once, which is too early.
    async fn is_early(clock: &mut Clock, deadline: Duration) {
        poll_fn(|context| {
            assert!(clock.poll_deadline(Some(deadline), context).is_pending());
            Poll::Ready(())
        })
        .await;
    }

    /// Waits for the deadline, which must come.
    async fn is_kept(clock: &mut Clock, deadline: Duration) {
        let waiting = poll_fn(|context| clock.poll_deadline(Some(deadline), context));
        let hanging = async {
            Timer::after(Duration::from_secs(30)).await;
            panic!("it hangs");
        };
        smol::future::or(hanging, waiting).await;
        assert!(clock.now() >= deadline);
    }

    #[test]
    fn a_deadline_that_is_put_off_is_kept() {
        smol::block_on(async {
            let mut clock = Clock::start();
            let early = clock.now() + MOMENT;
            is_early(&mut clock, early).await;
            is_kept(&mut clock, early + MOMENT).await;
        });
    }

    #[test]
    fn a_deadline_that_is_brought_forward_is_kept() {
        smol::block_on(async {
            let mut clock = Clock::start();
            is_early(&mut clock, Duration::from_secs(3600)).await;
            let soon = clock.now() + MOMENT;
            is_kept(&mut clock, soon).await;
        });
    }

    #[test]
    fn there_is_no_alarm_without_a_deadline() {
        smol::block_on(async {
            let mut clock = Clock::start();
            is_early(&mut clock, Duration::from_secs(3600)).await;
            poll_fn(|context| {
                assert!(clock.poll_deadline(None, context).is_pending());
                Poll::Ready(())
            })
            .await;
            assert!(clock.alarm.is_none());
            is_early(&mut clock, Duration::MAX).await;
            assert!(clock.alarm.is_none(), "a deadline that never comes");
        });
    }
}
