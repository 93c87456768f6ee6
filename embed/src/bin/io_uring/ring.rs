//! Operations, each of which owns its memory while the kernel has it, and the bells that ring when they have completed.

use std::cell::RefCell;
use std::io;
use std::sync::Arc;
use std::task::{Wake, Waker};
use std::time::Duration;

use compio_buf::BufResult;
use compio_driver::{Key, OpCode, Proactor, ProactorBuilder, PushEntry};

/// The kernel's ring.
pub(crate) struct Ring(Proactor);

/// An operation that is under way.
pub(crate) struct UnderWay<T>(Key<T>);

impl Ring {
    /// # Errors
    /// Where the kernel has none for us, or none that is recent enough.
    pub(crate) fn new() -> io::Result<Self> {
        let mut builder = ProactorBuilder::new();
        // One thread submits and waits: the kernel need not interrupt it.
        builder.single_issuer(true).defer_taskrun(true);
        Ok(Self(builder.build()?))
    }

    /// What ends a [`wait`](Self::wait) from another thread.
    pub(crate) fn waker(&self) -> Waker {
        self.0.waker()
    }

    /// Submits an operation, together with all others, by the next [`wait`](Self::wait). The bell rings once it has completed.
    pub(crate) fn submit<T: OpCode + 'static>(&mut self, operation: T, bell: &Waker) -> io::Result<UnderWay<T>> {
        match self.0.push(operation) {
            PushEntry::Pending(key) => {
                self.0.update_waker(&key, bell);
                Ok(UnderWay(key))
            }
            PushEntry::Ready(BufResult(result, _)) => Err(result.err().unwrap_or_else(|| io::ErrorKind::Other.into())),
        }
    }

    /// What an operation has come to, with its memory, if it has completed.
    pub(crate) fn completed<T: OpCode>(
        &mut self,
        operation: &mut Option<UnderWay<T>>,
    ) -> Option<(io::Result<usize>, T)> {
        match self.0.pop(operation.take()?.0) {
            PushEntry::Ready(BufResult(result, done)) => Some((result, done)),
            PushEntry::Pending(key) => {
                *operation = Some(UnderWay(key));
                None
            }
        }
    }

    /// Asks the kernel to end an operation early. It completes nonetheless, and may have come to something.
    pub(crate) fn call_back<T: OpCode>(&mut self, operation: &UnderWay<T>) {
        self.0.cancel(operation.0.clone());
    }

    /// Waits for the next bells, but not for longer than `most`. Whose have rung is appended to `rung`.
    pub(crate) fn wait(&mut self, most: Option<Duration>, rung: &mut Vec<usize>) -> io::Result<()> {
        // Some may have rung since: a submission that finds the ring full waits until others have completed.
        let most = if RUNG.with_borrow(Vec::is_empty) { most } else { Some(Duration::ZERO) };
        match self.0.poll(most) {
            Err(error) if matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::Interrupted) => {}
            polled => polled?,
        }
        RUNG.with_borrow_mut(|bells| rung.append(bells));
        Ok(())
    }
}

/// A bell, by whose number is known what has completed.
pub(crate) fn bell(number: usize) -> Waker {
    Waker::from(Arc::new(Bell(number)))
}

struct Bell(usize);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        RUNG.with_borrow_mut(|bells| bells.push(self.0));
    }
}

thread_local! {
    /// The bells that have rung. They do in the thread that waits, as no operation is done by another.
    static RUNG: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}
