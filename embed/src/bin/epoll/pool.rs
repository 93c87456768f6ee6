//! The memory that connections share, so that an idle one has none.

use bytes::BytesMut;
use sockeye::{Inbox, Outbox};

/// What a connection needs while something arrives or leaves.
#[derive(Default)]
pub(crate) struct Buffers {
    pub(crate) inbox: Inbox,
    pub(crate) outbox: Outbox,
    /// Whether a message has passed that was too large for its memory to be kept.
    pub(crate) outgrown: bool,
}

/// Buffers with nothing in them, for whichever connection has its turn. The one that was used last is used next, as it
/// is in the processor's cache.
#[derive(Default)]
pub(crate) struct Pool {
    blank: Vec<Box<Buffers>>,
}

impl Pool {
    /// Buffers for a turn, with what the connection has kept of the last one.
    pub(crate) fn lend(&mut self, kept: Option<Box<Buffers>>) -> Box<Buffers> {
        match kept {
            None => self.blank(),
            Some(kept) if kept.inbox.capacity() >= LEAST_ROOM => kept,
            Some(mut kept) => {
                let memory = self.blank().inbox.exchange(BytesMut::new());
                kept.inbox.exchange(memory);
                kept
            }
        }
    }

    /// Takes buffers back after a turn. The connection keeps what is not empty: the tail of what arrived in memory of
    /// its own size, and a message that is under way in the memory into which the rest of it is read.
    pub(crate) fn take_back(&mut self, mut buffers: Box<Buffers>) -> Option<Box<Buffers>> {
        if buffers.inbox.is_empty() && buffers.outbox.is_empty() {
            self.keep(buffers);
            return None;
        }
        if buffers.inbox.capacity() > SLACK * buffers.inbox.len() {
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

/// Room for the next read: what is worth one, and as much as a message under way has already.
pub(crate) fn space(inbox: &mut Inbox) -> &mut [u8] {
    let held = inbox.len();
    let space = inbox.space(held.clamp(LEAST_ROOM, MOST_READ));
    let most = space.len().min(held.clamp(READ, MOST_READ));
    &mut space[..most]
}

/// A read of this size stays in the processor's first cache until it has been worked on.
const READ: usize = 16 << 10;

/// A read of a large message takes as much as has come of it, up to this.
const MOST_READ: usize = 64 << 10;

/// Less room than this is not worth a read.
const LEAST_ROOM: usize = 4 << 10;

/// Memory that grows by doubling as a message arrives is less than this many times as large as the message.
const SLACK: usize = 4;

/// The largest message whose memory is kept for the next one.
pub(crate) const LARGEST: usize = 1 << 20;

/// One is enough for connections whose messages arrive whole; more are for large messages that end and begin.
const BLANK_LIMIT: usize = 4;
