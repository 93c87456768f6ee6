//! Memory to read into, shared by the connections of a thread, so that an idle one holds none.

use core::cell::RefCell;
use std::vec::Vec;

use bytes::BytesMut;

use crate::Inbox;

/// Room for the next read: of this thread's memory where the inbox has next to none, and more for a large message under
/// way.
#[cfg(feature = "blocking")]
pub(crate) fn space(inbox: &mut Inbox) -> &mut [u8] {
    if inbox.capacity() < LEAST_READ {
        lend(inbox, READ_ALONE);
    }
    inbox.space(least(inbox))
}

/// The same, for streams that read into memory which need not be initialised: taken out of the inbox, and the most to read
/// into it.
#[cfg(any(feature = "tokio", feature = "futures"))]
pub(crate) fn take_space(inbox: &mut Inbox) -> (BytesMut, usize) {
    if inbox.capacity() < LEAST_READ {
        lend(inbox, READ);
    }
    let least = least(inbox);
    (inbox.take_space(least), least.max(READ))
}

/// Takes the memory of an inbox that waits for bytes: all of it where the inbox is empty, and what is much too large.
pub(crate) fn reclaim(inbox: &mut Inbox) {
    if inbox.is_empty() || inbox.capacity() > SLACK * inbox.len() {
        keep(inbox.exchange(BytesMut::new()));
    }
}

fn keep(memory: BytesMut) {
    if (LEAST_READ..=MOST_SPARE).contains(&memory.capacity()) {
        SPARE.with_borrow_mut(|spare| {
            if spare.len() < SPARE_LIMIT {
                spare.push(memory);
            }
        });
    }
}

/// The least room that is worth a read.
fn least(inbox: &Inbox) -> usize {
    inbox.len().clamp(LEAST_READ, MOST_READ)
}

/// Lends the inbox memory of this thread, or so many bytes where there is none.
fn lend(inbox: &mut Inbox, anew: usize) {
    let spare = || SPARE.with_borrow_mut(Vec::pop);
    let memory = spare().or_else(|| {
        // The memory that has left with the last message is free again, where that is gone.
        reclaim(inbox);
        spare()
    });
    keep(inbox.exchange(memory.unwrap_or_else(|| BytesMut::zeroed(anew))));
}

std::thread_local! {
    static SPARE: RefCell<Vec<BytesMut>> = const { RefCell::new(Vec::new()) };
}

/// A read of this size stays in the processor's first cache until it has been worked on, and a message of 16 KiB is one.
#[cfg(any(feature = "tokio", feature = "futures"))]
const READ: usize = 32 << 10;

/// The same where a thread serves one connection and holds this memory while it waits.
#[cfg(feature = "blocking")]
const READ_ALONE: usize = 16 << 10;

/// Less room than this is not worth a read.
const LEAST_READ: usize = 4 << 10;

/// A read of a large message takes as much as has come of it, up to this, which the second cache holds.
const MOST_READ: usize = 256 << 10;

/// Larger memory than this is not kept.
const MOST_SPARE: usize = 64 << 10;

/// Memory that grows by doubling as a message arrives is less than this many times as large as the message. It is
/// kept: to shrink it whenever the transport pauses would copy the message at each pause.
const SLACK: usize = 4;

/// Pieces of memory that a thread keeps: one for the connection that is being served, and a few for those that move
/// between threads.
const SPARE_LIMIT: usize = 4;
