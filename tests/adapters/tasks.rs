//! Tasks that are polled when they were woken, and not else.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use crate::scripted::Script;

/// A task that counts how often it was woken.
#[derive(Default)]
pub(crate) struct Task(AtomicUsize);

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Task {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    pub(crate) fn poll<F: Future + ?Sized>(self: &Arc<Self>, future: &mut Pin<&mut F>) -> Poll<F::Output> {
        future.as_mut().poll(&mut Context::from_waker(&Waker::from(Arc::clone(self))))
    }

    /// Whether it was, since this was last asked.
    pub(crate) fn was_woken(&self) -> bool {
        self.0.swap(0, Ordering::Relaxed) > 0
    }
}

/// Runs futures to their end, each in a task of its own that is polled when it was woken, and not else. Where nobody was, the
/// stream becomes ready for whoever has asked it: if that is nobody either, a wake-up was lost.
pub(crate) fn run_tasks(script: &Script, futures: &mut [Pin<&mut dyn Future<Output = ()>>]) {
    let mut tasks: Vec<_> = futures.iter_mut().map(|future| (Task::new(), Some(future))).collect();
    tasks.iter().for_each(|(task, _)| Arc::clone(task).wake());
    for _ in 0..100_000 {
        let mut somebody = false;
        for (task, future) in &mut tasks {
            if let Some(pending) = future
                && task.was_woken()
            {
                somebody = true;
                if task.poll(pending).is_ready() {
                    *future = None;
                }
            }
        }
        if tasks.iter().all(|(_, future)| future.is_none()) {
            return;
        }
        assert!(somebody || script.become_ready(), "a task waits, and nobody is to wake it");
    }
    panic!("it hangs");
}

/// Runs one future so.
pub(crate) fn run_task<T>(script: &Script, future: impl Future<Output = T>) -> T {
    let mut done = None;
    run_tasks(script, &mut [pin!(async { done = Some(future.await) })]);
    done.expect("it has come to its end")
}
