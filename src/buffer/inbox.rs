//! Bytes that have arrived.

use alloc::boxed::Box;
use core::fmt;
use core::ops::Range;

use bytes::{Buf, Bytes, BytesMut};

use crate::written::Written;

/// Bytes that have arrived from the peer.
///
/// The caller reads from its transport straight into [`space`](Self::space), gives a transport that owns its buffers
/// what [`take_space`](Self::take_space) returns, or copies with [`extend`](Self::extend). Frames are unmasked where they
/// lie and events lend them from there; the fragments of a message are moved together, each byte at most once. While a
/// message is incomplete it stays at the front and `space` is the tail of its own memory.
///
/// While it holds bytes, an inbox belongs to one connection, which knows what they are the rest of. An
/// [empty](Self::is_empty) one may serve another connection next, so that a thread needs one for those that are idle.
///
/// A new inbox holds no heap. [`release`](Self::release) gives the memory of a drained one back, and
/// [`exchange`](Self::exchange) lends it to others, so that an idle connection holds none.
#[derive(Default)]
pub struct Inbox {
    /// Its length is what is initialised, not what has arrived.
    memory: BytesMut,
    /// Payload of the message under way that no event has lent yet. Invariant:
    /// `held.start <= held.end <= next <= filled <= memory.len()`.
    held: Range<usize>,
    /// The first byte that was not taken yet.
    next: usize,
    /// The end of what has arrived.
    filled: usize,
    /// Payload of a compressed message, where one has come.
    inflated: Option<Box<Inflated>>,
    /// What the latest event lends; of no meaning once that is gone.
    lending: Lent,
    /// The memory that left with a message, to be used again when whoever took the message is done with it. Boxed, as most
    /// connections wait, and have none.
    away: Option<Box<Bytes>>,
}

/// Payload of a compressed message, inflated.
#[derive(Default)]
struct Inflated {
    written: Written,
    /// Its first bytes, which an event has lent. Invariant: `lent <= written.len()`.
    lent: usize,
}

/// Where the part of an inbox that an event lends begins. It ends where what follows it begins, until the event is gone.
///
/// It stands in the inbox and not in the event, which is small then: one that is moved in memory right after it was made would
/// have the processor wait for it.
enum Lent {
    /// It ends at `next`.
    Taken(usize),
    /// It ends at the start of `held`.
    Held(usize),
    /// It is a part of `inflated`, and ends at `lent`.
    Inflated(usize),
}

impl Default for Lent {
    fn default() -> Self {
        Self::Taken(0)
    }
}

impl Inbox {
    /// An empty inbox, without heap.
    pub fn new() -> Self {
        Self::default()
    }

    /// Room of at least `least` bytes to read into, to be followed by [`filled`](Self::filled).
    ///
    /// The bytes are initialised, by whatever was there before. There may be more of them than asked for, so
    /// that a read can take what the transport has. Memory grows by what has arrived, doubling, and never by a
    /// length that a header declares.
    pub fn space(&mut self, least: usize) -> &mut [u8] {
        self.make_room(least);
        let end = self.filled.saturating_add(least);
        if self.memory.len() < end {
            self.memory.resize(end, 0);
        }
        &mut self.memory[self.filled..]
    }

    /// Counts the first `count` bytes of [`space`](Self::space) as arrived.
    ///
    /// # Panics
    /// Where `count` is more than the space that was offered.
    pub fn filled(&mut self, count: usize) {
        let space = self.memory.len() - self.filled;
        assert!(count <= space, "expected at most the {space} bytes of the inbox's space to be filled, got {count}");
        self.filled += count;
    }

    /// Takes room of at least `least` bytes out of the inbox, for a transport that owns its buffer while a read is under
    /// way, as io_uring does. [`put_space`](Self::put_space) brings it back with what has arrived in it.
    ///
    /// It is the tail of the inbox's own memory, split off without a copy: a large message is read into its place. Its
    /// capacity is at least `least`, and often more; its length is what was initialised before, which may be nothing,
    /// so that no zeros are written for a transport that overwrites them. Who needs initialised bytes calls
    /// [`resize`](BytesMut::resize). An inbox without bytes gives all of its memory.
    ///
    /// The inbox can be used meanwhile. Where the space never comes back, as after an operation that failed, its memory
    /// is gone, and no byte that arrived is.
    ///
    /// ```
    /// use sockeye::Inbox;
    ///
    /// let mut inbox = Inbox::new();
    /// let mut space = inbox.take_space(4096);
    /// assert!(space.capacity() >= 4096);
    /// space.clear();
    /// space.extend_from_slice(b"as a kernel does"); // it owns the memory until the operation has completed
    /// inbox.put_space(space, 16);
    /// assert_eq!(inbox.unread(), b"as a kernel does");
    /// ```
    #[must_use = "what is dropped is no longer the inbox's memory"]
    pub fn take_space(&mut self, least: usize) -> BytesMut {
        self.make_room(least);
        if self.filled == 0 {
            return core::mem::take(&mut self.memory);
        }
        self.memory.split_off(self.filled)
    }

    /// Brings back what [`take_space`](Self::take_space) gave, and counts its first `count` bytes as arrived.
    ///
    /// Nothing is copied where the space still lies behind what has arrived, or where the inbox holds nothing: the space
    /// is then its memory, whoever made it. Otherwise, after [`space`](Self::space), [`extend`](Self::extend) or
    /// [`exchange`](Self::exchange) in between, the bytes that arrived are copied. They stand behind all that arrived
    /// by other ways meanwhile.
    ///
    /// # Panics
    /// Where `count` is more than the length of `space`.
    pub fn put_space(&mut self, space: BytesMut, count: usize) {
        let length = space.len();
        assert!(count <= length, "expected at most the {length} bytes of the space to be filled, got {count}");
        let adjoining = self.memory.as_ptr_range().end == space.as_ptr();
        if adjoining && self.next == self.filled {
            self.next = self.memory.len();
            self.filled = self.next;
        }
        if adjoining && self.filled == self.memory.len() {
            self.memory.unsplit(space);
            self.filled += count;
        } else if self.held.is_empty() && self.next == self.filled {
            self.memory = space;
            self.held = 0..0;
            self.next = 0;
            self.filled = count;
        } else {
            self.extend(&space[..count]);
        }
    }

    /// Copies bytes that arrived elsewhere.
    pub fn extend(&mut self, bytes: &[u8]) {
        self.make_room(bytes.len());
        let there = (self.memory.len() - self.filled).min(bytes.len());
        let (into_initialised, appended) = bytes.split_at(there);
        self.memory[self.filled..self.filled + there].copy_from_slice(into_initialised);
        self.memory.extend_from_slice(appended);
        self.filled += bytes.len();
    }

    /// Bytes that have arrived and that nothing has taken yet.
    #[inline]
    pub fn unread(&self) -> &[u8] {
        &self.memory[self.next..self.filled]
    }

    /// Takes the first `count` unread bytes away, or all where there are fewer: for what stands in front of the
    /// frames, such as the opening handshake. Among the frames it would take what the connection counts on.
    #[inline]
    pub fn consume(&mut self, count: usize) {
        self.next += count.min(self.filled - self.next);
    }

    /// Bytes that the inbox holds: the unread ones, and the part of a message that waits for the rest.
    pub fn len(&self) -> usize {
        self.held.len() + (self.filled - self.next) + self.held_inflated()
    }

    /// Whether the inbox holds no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of memory that the inbox has to read into, used or not; a space that is taken does not count. A new inbox
    /// has none.
    pub fn capacity(&self) -> usize {
        self.memory.capacity()
    }

    /// Gives memory back that is not needed: all of it where the inbox is empty, and otherwise what is more than
    /// twice the bytes held.
    pub fn release(&mut self) {
        if self.memory.capacity() > 2 * (self.held.len() + self.filled - self.next) {
            self.exchange(BytesMut::new());
        }
        self.away = None;
        self.release_inflated();
    }

    /// Exchanges the memory, so that many connections can share one piece of it: bytes that the inbox holds move
    /// into `memory`, which grows where it must, and the memory they were in is returned.
    ///
    /// What `memory` contained is overwritten. Inflated bytes stay where they are; where there are none, their memory
    /// is given back. Lend an empty inbox a large memory before a read, take it back with
    /// `exchange(BytesMut::new())` after the events: only an incomplete tail is then kept, in memory of its own size.
    /// Leave one that holds much of a message alone: each exchange copies all of it.
    ///
    /// Where the memory has left with a message and no other has come in its place, that is returned if whoever took the
    /// message is done with it.
    pub fn exchange(&mut self, memory: BytesMut) -> BytesMut {
        self.release_inflated();
        let away = self.away.take();
        let before = self.move_to(memory);
        match away {
            Some(away) if before.capacity() == 0 => away.try_into_mut().unwrap_or_default(),
            _ => before,
        }
    }

    /// Moves the bytes that the inbox holds into `memory`, and returns the memory that they were in.
    fn move_to(&mut self, mut memory: BytesMut) -> BytesMut {
        let (held, unread) = (self.held.len(), self.filled - self.next);
        if held + unread == 0 {
            // Most are exchanged so, and nothing is to be moved.
        } else if memory.len() < held + unread {
            memory.clear();
            memory.extend_from_slice(&self.memory[self.held.clone()]);
            memory.extend_from_slice(self.unread());
        } else {
            memory[..held].copy_from_slice(&self.memory[self.held.clone()]);
            memory[held..held + unread].copy_from_slice(self.unread());
        }
        self.held = 0..held;
        self.next = held;
        self.filled = held + unread;
        core::mem::replace(&mut self.memory, memory)
    }

    /// Forgets all bytes, the memory stays.
    pub(crate) fn discard(&mut self) {
        self.away = None;
        self.held = 0..0;
        self.next = 0;
        self.filled = 0;
        if let Some(inflated) = &mut self.inflated {
            inflated.written.advance(usize::MAX);
            inflated.lent = 0;
        }
    }

    /// The first `count` unread bytes, for unmasking in their place; fewer where there are fewer.
    #[inline]
    pub(crate) fn unread_mut(&mut self, count: usize) -> &mut [u8] {
        let end = self.filled.min(self.next.saturating_add(count));
        &mut self.memory[self.next..end]
    }

    /// Lends the first `count` unread bytes. There must be as many.
    #[inline]
    pub(crate) fn lend(&mut self, count: usize) {
        self.lending = Lent::Taken(self.take(count).start);
    }

    /// Takes a frame with this much header and payload, and lends the payload, to be unmasked in its place; `None` and
    /// nothing done where not all of it is there.
    #[inline]
    pub(crate) fn lend_frame(&mut self, header: usize, length: usize) -> Option<&mut [u8]> {
        let (start, end) = (self.next + header, self.next + header + length);
        if end > self.filled {
            return None;
        }
        let payload = self.memory.get_mut(start..end)?;
        self.lending = Lent::Taken(start);
        self.next = end;
        Some(payload)
    }

    /// Makes the last `count` bytes that were taken unread again.
    pub(crate) fn put_back(&mut self, count: usize) {
        self.next -= count;
    }

    /// Moves the first `count` unread bytes to the end of the message that is held. There must be as many.
    #[inline]
    pub(crate) fn hold(&mut self, count: usize) {
        let taken = self.take(count);
        if self.held.is_empty() {
            self.held = taken;
        } else if self.held.end == taken.start {
            self.held.end = taken.end;
        } else {
            self.memory.copy_within(taken, self.held.end);
            self.held.end += count;
            if self.next == self.filled {
                // Nothing is unread: what arrives next can follow the message directly.
                self.next = self.held.end;
                self.filled = self.held.end;
            }
        }
    }

    /// Has `inflate` turn the first `count` unread bytes into more of the message that is held, and takes as many of
    /// them as it says. Returns what it said, and the bytes that came of them, before an error too.
    #[inline]
    pub(crate) fn inflate<E>(
        &mut self,
        count: usize,
        inflate: impl FnOnce(&[u8], &mut Written) -> Result<usize, E>,
    ) -> (Result<usize, E>, &[u8]) {
        let Inflated { written, lent } = &mut **self.inflated.get_or_insert_default();
        written.advance(core::mem::take(lent));
        let before = written.len();
        let consumed = inflate(&self.memory[self.next..self.next + count], written);
        self.next += *consumed.as_ref().unwrap_or(&0);
        (consumed, &written[before..])
    }

    /// Bytes of the message that are held.
    #[inline]
    pub(crate) fn held(&self) -> usize {
        self.held.len() + self.held_inflated()
    }

    /// Lends the held bytes but for the last `kept`.
    #[inline]
    pub(crate) fn lend_held(&mut self, kept: usize) {
        let end = self.held.end.saturating_sub(kept).max(self.held.start);
        self.lending = Lent::Held(self.held.start);
        self.held.start = end;
    }

    /// Lends the inflated bytes but for the last `kept`.
    #[inline]
    pub(crate) fn lend_inflated(&mut self, kept: usize) {
        let Inflated { written, lent } = &mut **self.inflated.get_or_insert_default();
        self.lending = Lent::Inflated(*lent);
        *lent = written.len().saturating_sub(kept).max(*lent);
    }

    /// The bytes that were lent last.
    #[inline]
    pub(crate) fn lent(&self) -> &[u8] {
        match self.lending {
            Lent::Taken(start) => &self.memory[start..self.next],
            Lent::Held(start) => &self.memory[start..self.held.start],
            Lent::Inflated(start) => {
                self.inflated.as_ref().map_or(&[], |inflated| &inflated.written[start..inflated.lent])
            }
        }
    }

    /// The bytes that were lent last, for keeps: a large part of the memory leaves with all of it, and a small one is copied.
    ///
    /// The memory is never shared with what goes on in it. Shared memory would cost two locked instructions for each message,
    /// and zeros whenever it begins anew; and a few bytes that are kept would keep all of it.
    #[inline]
    pub(crate) fn detach(&mut self) -> Bytes {
        let lent = self.lent();
        if lent.len() <= COPIED {
            return Bytes::copy_from_slice(lent);
        }
        match self.lending {
            Lent::Taken(start) if self.may_leave(lent.len()) => self.leave(start..self.next),
            Lent::Held(start) if self.may_leave(lent.len()) => self.leave(start..self.held.start),
            Lent::Taken(_) | Lent::Held(_) => Bytes::copy_from_slice(lent),
            Lent::Inflated(start) => {
                let Inflated { written, lent } = &mut **self.inflated.get_or_insert_default();
                let mut front = written.split_to(core::mem::take(lent));
                front.advance(start);
                front.freeze()
            }
        }
    }

    /// Whether a part of this length is at least a quarter of the memory, and no less than what would have to move; and not in
    /// the midst of a message.
    fn may_leave(&self, length: usize) -> bool {
        self.held.is_empty() && length >= self.memory.capacity() / 4 && length >= self.filled - self.next
    }

    /// This part of the memory, with all of the memory.
    fn leave(&mut self, part: Range<usize>) -> Bytes {
        let next = match core::mem::take(&mut **self.away.get_or_insert_default()).try_into_mut() {
            Ok(memory) => memory,
            Err(_) if self.next == self.filled => BytesMut::new(),
            Err(_) => BytesMut::zeroed(self.memory.len().min(ANEW)),
        };
        let mut memory = self.move_to(next).freeze();
        **self.away.get_or_insert_default() = memory.clone();
        memory.truncate(part.end);
        memory.advance(part.start);
        memory
    }

    #[inline]
    fn take(&mut self, count: usize) -> Range<usize> {
        let start = self.next;
        self.next += count;
        start..self.next
    }

    fn held_inflated(&self) -> usize {
        self.inflated.as_ref().map_or(0, |inflated| inflated.written.len() - inflated.lent)
    }

    fn release_inflated(&mut self) {
        if self.held_inflated() == 0 {
            self.inflated = None;
        }
    }

    /// Makes room for `least` bytes behind the filled ones: by starting over where the inbox is empty, by moving
    /// bytes to where at least as many are free in front of them, and otherwise by growing. Where there is room, few bytes with
    /// much free in front of them are moved as well: what comes next is written where the caches still know the memory.
    fn make_room(&mut self, least: usize) {
        let (held, unread) = (self.held.len(), self.filled - self.next);
        let kept = held + unread;
        if kept == 0 {
            self.held = 0..0;
            self.next = 0;
            self.filled = 0;
        }
        let has_room = self.memory.capacity() - self.filled >= least;
        if has_room && self.filled - kept <= FEW * kept {
            return;
        }
        // Control frames have come between the message and what is unread: their place is free.
        if held > 0 && self.next - self.held.end >= unread {
            self.memory.copy_within(self.next..self.filled, self.held.end);
            self.next = self.held.end;
            self.filled = self.next + unread;
        }
        if self.filled - kept >= kept {
            self.memory.copy_within(self.held.clone(), 0);
            self.memory.copy_within(self.next..self.filled, held);
            self.held = 0..held;
            self.next = held;
            self.filled = held + unread;
        }
        if self.memory.capacity() - self.filled < least && !self.come_back(least) {
            self.memory.truncate(self.filled);
            self.memory.reserve(least);
        }
    }

    /// Goes on in the memory that left with a message, where it is free again and large enough; else that is given up, as a
    /// large message is not to have its own memory and as much beside it. Whether there is room for `least` bytes now.
    fn come_back(&mut self, least: usize) -> bool {
        if self.memory.capacity() < BESIDE {
            return false;
        }
        let needed = self.held.len() + self.filled - self.next + least;
        match self.away.take().map(|away| away.try_into_mut()) {
            Some(Ok(memory)) if memory.len() >= needed => {
                self.away = Some(Box::new(self.move_to(memory).freeze()));
                true
            }
            _ => false,
        }
    }
}

/// Bytes are few where this many times as many are free in front of them, so that a move costs a fraction of what has been
/// taken since the last one.
const FEW: usize = 8;

/// Up to here a copy costs less than to share memory.
const COPIED: usize = 512;

/// The most memory that is made anew for what is unread, in place of memory that has left.
const ANEW: usize = 64 << 10;

/// Memory of this size grows no further beside memory that has left.
const BESIDE: usize = 2 << 20;

impl fmt::Debug for Inbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbox")
            .field("held", &self.held.len())
            .field("unread", &(self.filled - self.next))
            .field("inflated", &self.held_inflated())
            .field("capacity", &self.capacity())
            .finish()
    }
}

#[cfg(test)]
mod tests;
