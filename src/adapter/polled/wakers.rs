//! Waking both halves of a connection.

use core::task::{Context, Waker};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Wake;
use std::vec::Vec;

/// The tasks that wait for the transport, where there are several: the one that receives and those that send.
///
/// A transport remembers one waker for each direction, and both halves read and write: whoever polls last would
/// take the other's wake-up. So the transport is given one waker that wakes them all. A task that waits alone gives the
/// transport its own, and is known here in case that another comes.
#[derive(Default)]
pub(super) struct Wakers {
    receiving: Mutex<Option<Waker>>,
    /// By the place where each waits: a task may wait in several.
    sending: Mutex<Vec<(usize, Waker)>>,
    /// Whether any of these waits to send.
    sends: AtomicBool,
    /// Places that were given.
    places: AtomicUsize,
}

impl Wakers {
    /// Takes note of the task that receives, before the transport is asked or while that knows nobody else. It stays known
    /// after that, as most often the same one receives next: at worst it is woken once for nothing.
    pub(super) fn receiving(&self, context: &Context<'_>) {
        let mut waiting = self.receiving.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *waiting {
            Some(waker) => waker.clone_from(context.waker()),
            none => *none = Some(context.waker().clone()),
        }
    }

    /// Takes note of the task that waits to send in this place, before the transport is asked or while that knows nobody
    /// else.
    pub(super) fn sending(&self, place: usize, context: &Context<'_>) {
        let mut waiting = self.sending.lock().unwrap_or_else(PoisonError::into_inner);
        match waiting.iter_mut().find(|(other, _)| *other == place) {
            Some((_, waker)) => waker.clone_from(context.waker()),
            None => waiting.push((place, context.waker().clone())),
        }
        self.sends.store(true, Ordering::Relaxed);
    }

    /// Nobody waits in this place any more.
    pub(super) fn sent(&self, place: usize) {
        let mut waiting = self.sending.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|(other, _)| *other != place);
        self.sends.store(!waiting.is_empty(), Ordering::Relaxed);
    }

    /// Question: whether a task waits to send. It costs no lock; a task that is woken at this moment may still count.
    pub(super) fn anyone_sends(&self) -> bool {
        self.sends.load(Ordering::Relaxed)
    }

    /// Wakes the task that receives, which also writes.
    pub(super) fn wake_receiving(&self) {
        let waker = self.receiving.lock().unwrap_or_else(PoisonError::into_inner).take();
        waker.into_iter().for_each(Waker::wake);
    }

    /// Wakes the tasks that send, for which there is room now.
    pub(super) fn wake_sending(&self) {
        let wakers = {
            let mut waiting = self.sending.lock().unwrap_or_else(PoisonError::into_inner);
            self.sends.store(false, Ordering::Relaxed);
            core::mem::take(&mut *waiting)
        };
        wakers.into_iter().for_each(|(_, waker)| waker.wake());
    }
}

/// A place of one who waits to send over a connection that others send over as well. Left when dropped.
pub(super) struct Place {
    wakers: Arc<Wakers>,
    number: usize,
}

impl Place {
    /// The place of the connection as a whole, where nobody else sends.
    pub(super) const WHOLE: usize = 0;

    /// A place of its own.
    pub(super) fn new(wakers: &Arc<Wakers>) -> Self {
        let number = wakers.places.fetch_add(1, Ordering::Relaxed) + 1;
        Self { wakers: Arc::clone(wakers), number }
    }

    pub(super) const fn number(&self) -> usize {
        self.number
    }

    pub(super) const fn wakers(&self) -> &Arc<Wakers> {
        &self.wakers
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.wakers.sent(self.number);
    }
}

impl Wake for Wakers {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.wake_receiving();
        self.wake_sending();
    }
}
