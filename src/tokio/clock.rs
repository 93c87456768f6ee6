//! tokio's clock, as durations since the connection began.

use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;
use std::boxed::Box;

use ::tokio::time::{Instant, Sleep, sleep_until};

/// A clock and at most one alarm, which exists only while there is a deadline.
pub(super) struct Clock {
    origin: Instant,
    alarm: Option<Pin<Box<Sleep>>>,
}

impl Clock {
    pub(super) fn new() -> Self {
        Self { origin: Instant::now(), alarm: None }
    }

    pub(super) fn now(&self) -> Duration {
        self.origin.elapsed()
    }

    /// Ready where the deadline has passed; otherwise the task is woken when it does.
    pub(super) fn poll_deadline(&mut self, deadline: Option<Duration>, context: &mut Context<'_>) -> Poll<()> {
        let Some(deadline) = deadline.and_then(|deadline| self.origin.checked_add(deadline)) else {
            self.alarm = None;
            return Poll::Pending;
        };
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if alarm.deadline() != deadline {
            alarm.as_mut().reset(deadline);
        }
        alarm.as_mut().poll(context)
    }
}
