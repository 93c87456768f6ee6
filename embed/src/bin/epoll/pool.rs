//! The memory that connections share, so that an idle one has none.

use std::mem;

use bytes::BytesMut;
use sockeye::{Inbox, Outbox};

/// What a connection needs while something arrives or leaves.
#[derive(Default)]
pub(crate) struct Buffers {
    pub(crate) inbox: Inbox,
    pub(crate) outbox: Outbox,
    /// Whether the outbox may share memory of the inbox: that of a large message on its way back.
    pub(crate) shared: bool,
    /// Whether a message has passed that was too large for its memory to be kept.
    pub(crate) outgrown: bool,
}

/// Buffers with nothing in them, for whichever connection has its turn. Those that were used last are used next, as they
/// are in the processor's cache.
#[derive(Default)]
pub(crate) struct Pool {
    #[expect(clippy::vec_box, reason = "connections keep the boxes, which move as eight bytes")]
    blank: Vec<Box<Buffers>>,
}

impl Pool {
    /// Buffers for a turn, with what the connection has kept of the last one.
    pub(crate) fn lend(&mut self, kept: Option<Box<Buffers>>) -> Box<Buffers> {
        match kept {
            None => self.blank(),
            Some(kept) if kept.shared || kept.inbox.capacity() >= LEAST_ROOM => kept,
            Some(mut kept) => {
                let memory = self.blank().inbox.exchange(BytesMut::new());
                kept.inbox.exchange(memory);
                kept
            }
        }
    }

    /// Takes buffers back after a turn. The connection keeps what is not empty: the tail of what arrived in memory of
    /// its own size, and a large message, be it under way or on its way back, in the memory into which it was read.
    pub(crate) fn take_back(&mut self, mut buffers: Box<Buffers>) -> Option<Box<Buffers>> {
        if buffers.outbox.is_empty() {
            if mem::take(&mut buffers.shared) {
                buffers.reclaim();
            }
            if buffers.inbox.is_empty() {
                self.keep(buffers);
                return None;
            }
        }
        let held = buffers.inbox.len();
        if !buffers.shared && held < LARGEST_TAIL && buffers.inbox.capacity() > SLACK * held {
            let mut blank = Box::<Buffers>::default();
            blank.inbox.exchange(buffers.inbox.exchange(BytesMut::new()));
            self.keep(blank);
        }
        Some(buffers)
    }

    fn blank(&mut self) -> Box<Buffers> {
        self.blank.pop().unwrap_or_else(|| {
            let mut buffers = Box::<Buffers>::default();
            buffers.inbox.exchange(BytesMut::zeroed(READ));
            buffers
        })
    }

    fn keep(&mut self, blank: Box<Buffers>) {
        if self.blank.len() < BLANK_LIMIT && !blank.outgrown && blank.inbox.capacity() <= 2 * LARGEST {
            self.blank.push(blank);
        }
    }
}

impl Buffers {
    /// Takes the memory back that the outbox has shared, for the next large message: behind it is room for a part of
    /// one only.
    fn reclaim(&mut self) {
        if self.inbox.is_empty() {
            let mut memory = self.inbox.exchange(BytesMut::new());
            memory.clear();
            let more = memory.capacity() + 1;
            let _ = memory.try_reclaim(more);
            self.inbox.exchange(memory);
        }
    }
}

/// Room for the next read: what is worth one, and as much as a message under way has already.
pub(crate) fn space(inbox: &mut Inbox) -> &mut [u8] {
    let held = inbox.len();
    let space = inbox.space(held.clamp(LEAST_ROOM, MOST_READ));
    let most = space.len().min(held.clamp(READ, MOST_READ));
    &mut space[..most]
}

/// A read of this size stays in the processor's first cache until it has been worked on, and a message of 16 KiB is one.
const READ: usize = 32 << 10;

/// A read of a large message takes as much as has come of it, up to this.
const MOST_READ: usize = 64 << 10;

/// Less room than this is not worth a read.
const LEAST_ROOM: usize = 4 << 10;

/// What is longer than this is the begin of a large message, and stays in the memory into which it is read.
const LARGEST_TAIL: usize = 16 << 10;

/// A tail is moved out of memory that is more than this many times as large.
const SLACK: usize = 4;

/// The largest message whose memory is kept for the next one. As it grows by doubling, it is up to twice as large.
pub(crate) const LARGEST: usize = (1 << 20) + READ;

/// One is enough for connections whose messages arrive whole. The others are for large messages: some 32 MiB are kept
/// for them once they have come.
const BLANK_LIMIT: usize = 16;
