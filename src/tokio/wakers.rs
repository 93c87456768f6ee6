//! Waking both halves of a connection.

use core::task::{Context, Waker};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Wake;
use std::vec::Vec;

/// The tasks that wait for the transport: the one that receives and those that send.
///
/// A transport remembers one waker for each direction, and both halves read and write: whoever polls last would
/// take the other's wake-up. So the transport is given one waker that wakes them all.
#[derive(Default)]
pub(super) struct Wakers {
    receiving: Mutex<Option<Waker>>,
    sending: Mutex<Vec<Waker>>,
}

impl Wakers {
    /// Takes note of the task that receives, before the transport is asked.
    pub(super) fn receiving(&self, context: &Context<'_>) {
        let mut waiting = self.receiving.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *waiting {
            Some(waker) => waker.clone_from(context.waker()),
            none => *none = Some(context.waker().clone()),
        }
    }

    /// The task that receives has something to do.
    pub(super) fn received(&self) {
        *self.receiving.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Takes note of a task that sends, before the transport is asked. Whether it was not noted already.
    pub(super) fn sending(&self, context: &Context<'_>) -> bool {
        let mut waiting = self.sending.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = !waiting.iter().any(|waker| waker.will_wake(context.waker()));
        if is_new {
            waiting.push(context.waker().clone());
        }
        is_new
    }

    /// The task that sends, newly noted, does not wait.
    pub(super) fn sent(&self, context: &Context<'_>) {
        let mut waiting = self.sending.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|waker| !waker.will_wake(context.waker()));
    }

    /// Wakes the task that receives, which also writes.
    pub(super) fn wake_receiving(&self) {
        let waker = self.receiving.lock().unwrap_or_else(PoisonError::into_inner).take();
        waker.into_iter().for_each(Waker::wake);
    }

    /// Wakes the tasks that send, for which there is room now.
    pub(super) fn wake_sending(&self) {
        let wakers = core::mem::take(&mut *self.sending.lock().unwrap_or_else(PoisonError::into_inner));
        wakers.into_iter().for_each(Waker::wake);
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
