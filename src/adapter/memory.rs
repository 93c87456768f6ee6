//! Memory to read into, shared by the connections of a thread, so that an idle one holds none.

use core::cell::RefCell;
use std::vec::Vec;

use bytes::BytesMut;

use crate::Inbox;

/// Room for the next read: of this thread's memory where the inbox has next to none, and more for a large message under
/// way.
#[cfg(feature = "blocking")]
pub(crate) fn space(inbox: &mut Inbox) -> &mut [u8] {
    let least = lend(inbox);
    inbox.space(least)
}

/// The same, for streams that read into memory which need not be initialised: taken out of the inbox, and the most to read
/// into it.
#[cfg(any(feature = "tokio", feature = "futures"))]
pub(crate) fn take_space(inbox: &mut Inbox) -> (BytesMut, usize) {
    let least = lend(inbox);
    (inbox.take_space(least), least.max(READ))
}

/// Lends memory to an inbox that has next to none. The least room that is worth a read.
fn lend(inbox: &mut Inbox) -> usize {
    if inbox.capacity() < LEAST_READ {
        let memory = SPARE.with_borrow_mut(Vec::pop).unwrap_or_else(|| BytesMut::zeroed(READ));
        inbox.exchange(memory);
    }
    inbox.len().clamp(LEAST_READ, MOST_READ)
}

/// Takes the memory of an inbox that waits for bytes: all of it where the inbox is empty, and what is much too large.
pub(crate) fn reclaim(inbox: &mut Inbox) {
    if inbox.is_empty() || inbox.capacity() > SLACK * inbox.len() {
        let mut memory = inbox.exchange(BytesMut::new());
        if memory.capacity() < READ / 2 {
            // The rest belongs to messages that were handed out. Where they are gone, it comes back.
            memory.clear();
            let _ = memory.try_reclaim(READ);
        }
        SPARE.with_borrow_mut(|spare| {
            if spare.len() < SPARE_LIMIT && (LEAST_READ..=MOST_SPARE).contains(&memory.capacity()) {
                spare.push(memory);
            }
        });
    }
}

std::thread_local! {
    static SPARE: RefCell<Vec<BytesMut>> = const { RefCell::new(Vec::new()) };
}

/// A read of this size stays in the processor's first cache until it has been worked on, and a message of 16 KiB is one.
const READ: usize = 32 << 10;

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
