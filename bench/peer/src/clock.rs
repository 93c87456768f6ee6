//! The clocks: what the thread has computed, and what has passed.

use std::time::{Duration, Instant};

use nix::time::{ClockId, clock_gettime};

/// A span that has begun.
pub(crate) struct Span {
    thread: Duration,
    wall: Instant,
}

impl Span {
    pub(crate) fn begin() -> Self {
        Self { wall: Instant::now(), thread: thread() }
    }

    /// Nanoseconds of this thread on a processor, and nanoseconds by the wall clock.
    pub(crate) fn end(self) -> (u64, u64) {
        let thread = thread() - self.thread;
        (thread.as_nanos() as u64, self.wall.elapsed().as_nanos() as u64)
    }
}

fn thread() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).expect("the system counts the time of threads").into()
}
