//! Bytes that are to leave.

use alloc::collections::VecDeque;
use core::fmt;

use bytes::{Buf, BufMut, Bytes, BytesMut};

use crate::frame::{Encoded, MAX_SIZE};
use crate::mask::Mask;

/// Bytes that are to leave for the peer.
///
/// It implements [`bytes::Buf`], so any transport can drain it, by [`chunks_vectored`](Buf::chunks_vectored) too.
/// Small frames are gathered in one piece of memory; a large [`Bytes`] payload stays where it is.
///
/// A transport that owns its buffer while a write is under way, as io_uring does, takes the first piece with
/// [`copy_to_bytes`](Buf::copy_to_bytes): nothing is copied up to the length of [`chunk`](Buf::chunk). What was taken no
/// longer waits here, nor counts for the limit: take the next piece when the last is written. The memory of the pieces is
/// gathered in again once they are dropped.
///
/// ```
/// use sockeye::bytes::Buf;
/// use sockeye::{Config, Connection, Outbox};
///
/// let mut server = Connection::server(&Config::default());
/// let mut outbox = Outbox::new();
/// server.send_text("뱀장어", &mut outbox)?;
/// let chunk = outbox.copy_to_bytes(outbox.chunk().len()); // for a kernel to keep until it is written
/// assert_eq!((&chunk[..2], &chunk[2..]), (&[0x81, 9][..], "뱀장어".as_bytes()));
/// assert!(outbox.is_empty());
/// # Ok::<(), sockeye::Error>(())
/// ```
///
/// A new outbox holds no heap, and [`release`](Self::release) gives the memory of a drained one back.
pub struct Outbox {
    /// What leaves first: gathered frames that were sealed, and shared payloads.
    sealed: VecDeque<Bytes>,
    /// Frames that are still being gathered; they leave after `sealed`.
    gathered: BytesMut,
    /// Bytes of `gathered` that have left. Invariant: `sent <= gathered.len()`.
    sent: usize,
    /// All bytes waiting but for `pong`. Invariant: the sum of `sealed` plus `gathered.len() - sent`.
    waiting: usize,
    limit: usize,
    /// The latest pong of those that found no room: it leaves behind the rest, in front of what is sent next.
    pong: Option<Bytes>,
}

impl Outbox {
    /// An empty outbox without a limit and without heap.
    ///
    /// Without a limit its memory is bounded by what the caller sends: automatic pongs and closes add at most
    /// [`CONTROL_ROOM`](Self::CONTROL_ROOM) and two control frames, and a pong in front of each message.
    pub fn new() -> Self {
        Self::with_limit(usize::MAX)
    }

    /// An empty outbox that takes messages as long as the bytes waiting, theirs included, are at most `limit`.
    ///
    /// A send that goes past it returns [`OutboxFull`] and loses nothing: drain, and send again. A message that is
    /// larger than the limit by itself can never be sent whole; send it in fragments.
    ///
    /// Its memory is at most twice the limit, and twice as much again while it moves to a larger place; automatic pongs
    /// and closes come on top, as [`new`](Self::new) says.
    pub fn with_limit(limit: usize) -> Self {
        Self { sealed: VecDeque::new(), gathered: BytesMut::new(), sent: 0, waiting: 0, limit, pong: None }
    }

    /// The most bytes that wait here by the caller's sending.
    pub const fn limit(&self) -> usize {
        self.limit
    }

    /// Bytes that wait.
    #[inline]
    pub fn len(&self) -> usize {
        self.waiting + self.pong.as_ref().map_or(0, Bytes::len)
    }

    /// Whether nothing waits.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Copies bytes behind those that wait, whatever the limit: for what stands in front of the frames, such as the
    /// answer to the opening handshake. Among the frames the peer would take them for one.
    pub fn extend(&mut self, bytes: &[u8]) {
        self.settle();
        self.make_room(bytes.len());
        self.gathered.extend_from_slice(bytes);
        self.waiting += bytes.len();
    }

    /// Gives the memory back where nothing waits.
    pub fn release(&mut self) {
        if self.is_empty() {
            self.sealed = VecDeque::new();
            self.gathered = BytesMut::new();
            self.sent = 0;
        }
    }

    /// While at least this many bytes wait, automatic pongs are not queued one by one: the latest takes the place
    /// of the one before.
    ///
    /// > If an endpoint receives a Ping frame and has not yet sent Pong frame(s) in response to previous Ping
    /// > frame(s), the endpoint MAY elect to send a Pong frame for only the most recently processed Ping frame.
    /// > (RFC 6455 section 5.5.3)
    pub const CONTROL_ROOM: usize = 4096;

    /// Whether a frame of this many bytes, its header included, fits.
    #[inline]
    pub(crate) fn admit(&self, frame: usize) -> Result<(), OutboxFull> {
        if self.len().saturating_add(frame) > self.limit {
            return Err(OutboxFull { limit: self.limit, waiting: self.len() });
        }
        Ok(())
    }

    /// Gathers a frame; a mask is applied to the copy.
    #[inline]
    pub(crate) fn gather(&mut self, header: Encoded, payload: &[u8], mask: Option<[u8; 4]>) {
        self.settle();
        let size = header.as_slice().len() + payload.len();
        self.make_room(size);
        append(&mut self.gathered, header, payload, mask);
        self.waiting += size;
    }

    /// Gathers a frame of at most `most` bytes, whose payload is written in its place, and whose header is made once its
    /// length is known. Where `write` says that it wrote none, nothing is gathered.
    pub(crate) fn gather_written(
        &mut self,
        most: usize,
        write: impl FnOnce(&mut BytesMut) -> bool,
        header: impl FnOnce(u64) -> Encoded,
        mask: Option<[u8; 4]>,
    ) -> bool {
        self.settle();
        self.drop_sent(most);
        let start = self.gathered.len();
        let payload = start + MAX_SIZE;
        self.gathered.resize(payload, 0);
        if !write(&mut self.gathered) {
            self.gathered.truncate(start);
            return false;
        }
        if let Some(key) = mask {
            Mask::new(key).apply(&mut self.gathered[payload..]);
        }
        let length = self.gathered.len() - payload;
        let header = header(length as u64);
        let header = header.as_slice();
        let end = start + header.len();
        self.gathered[start..end].copy_from_slice(header);
        self.gathered.copy_within(payload.., end);
        self.gathered.truncate(end + length);
        self.waiting += header.len() + length;
        true
    }

    /// Puts bytes behind those gathered so far, copied where they are few and shared where they are many.
    pub(crate) fn share(&mut self, bytes: &Bytes) {
        self.settle();
        if bytes.len() < SHARED {
            self.make_room(bytes.len());
            self.gathered.extend_from_slice(bytes);
        } else {
            self.seal();
            self.sealed.push_back(bytes.clone());
        }
        self.waiting += bytes.len();
    }

    /// Queues an automatic pong: by itself while there is room, and else in the place of the last that waits.
    pub(crate) fn pong(&mut self, header: Encoded, payload: &[u8], mask: Option<[u8; 4]>) {
        if self.len() < Self::CONTROL_ROOM {
            return self.gather(header, payload, mask);
        }
        let mut frame = BytesMut::with_capacity(MAX_SIZE + payload.len());
        append(&mut frame, header, payload, mask);
        self.pong = Some(frame.freeze());
    }

    /// Queues the pong that waits, if any, so that something can follow it: it keeps its place, lest a busy sender
    /// hold it back for ever.
    #[inline]
    fn settle(&mut self) {
        if let Some(pong) = self.pong.take() {
            self.share(&pong);
        }
    }

    /// Ends the gathering so far, so that something can follow it that is not copied.
    fn seal(&mut self) {
        self.gathered.advance(self.sent);
        self.sent = 0;
        if !self.gathered.is_empty() {
            self.sealed.push_back(self.gathered.split().freeze());
        }
    }

    fn make_room(&mut self, size: usize) {
        if self.gathered.capacity() - self.gathered.len() < size {
            self.drop_sent(size);
            self.gathered.reserve(size.max(LEAST_ROOM.min(self.limit)));
        }
    }

    /// Drops what has left, where there is no room for `size` bytes behind what waits: memory that grows is then at most
    /// twice what waits. At most twice as much is moved as has left, or than there is new room.
    fn drop_sent(&mut self, size: usize) {
        let waiting = self.gathered.len() - self.sent;
        if self.sent == 0 || self.gathered.capacity() - self.gathered.len() >= size {
            return;
        }
        if 2 * self.sent >= waiting && self.gathered.capacity() - waiting >= size {
            self.gathered.copy_within(self.sent.., 0);
            self.gathered.truncate(waiting);
        } else {
            let mut moved = BytesMut::with_capacity(waiting + waiting.max(size));
            moved.extend_from_slice(&self.gathered[self.sent..]);
            self.gathered = moved;
        }
        self.sent = 0;
    }
}

impl Buf for Outbox {
    #[inline]
    fn remaining(&self) -> usize {
        self.len()
    }

    #[inline]
    fn chunk(&self) -> &[u8] {
        let gathered = &self.gathered[self.sent..];
        match (self.sealed.front(), &self.pong) {
            (Some(front), _) => front,
            (None, Some(pong)) if gathered.is_empty() => pong,
            (None, _) => gathered,
        }
    }

    #[cfg(feature = "std")]
    fn chunks_vectored<'a>(&'a self, slices: &mut [std::io::IoSlice<'a>]) -> usize {
        let tail = [&self.gathered[self.sent..], self.pong.as_deref().unwrap_or_default()];
        let chunks = self.sealed.iter().map(|bytes| &bytes[..]).chain(tail).filter(|chunk| !chunk.is_empty());
        let mut count = 0;
        for (slice, chunk) in slices.iter_mut().zip(chunks) {
            *slice = std::io::IoSlice::new(chunk);
            count += 1;
        }
        count
    }

    #[inline]
    fn advance(&mut self, mut count: usize) {
        assert!(count <= self.len(), "expected to advance by at most {}, got {count}", self.len());
        while let Some(front) = self.sealed.front_mut() {
            let part = count.min(front.len());
            front.advance(part);
            self.waiting -= part;
            count -= part;
            if !front.is_empty() {
                return;
            }
            self.sealed.pop_front();
        }
        let part = count.min(self.gathered.len() - self.sent);
        self.sent += part;
        self.waiting -= part;
        if self.sent == self.gathered.len() {
            self.gathered.clear();
            self.sent = 0;
            if let Some(pong) = &mut self.pong {
                // Once its first byte has left, a pong can no longer give way to a later one.
                pong.advance(count - part);
                self.settle();
            }
        }
    }

    fn copy_to_bytes(&mut self, count: usize) -> Bytes {
        assert!(count <= self.len(), "expected to take at most {}, got {count}", self.len());
        match self.sealed.front() {
            Some(front) if count <= front.len() => {
                let bytes = front.slice(..count);
                self.advance(count);
                bytes
            }
            None if count <= self.gathered.len() - self.sent => {
                self.gathered.advance(core::mem::take(&mut self.sent));
                let bytes = self.gathered.split_to(count).freeze();
                self.waiting -= count;
                // A pong that waits leaves behind these.
                self.advance(0);
                bytes
            }
            _ => {
                let mut bytes = BytesMut::with_capacity(count);
                bytes.put(self.take(count));
                bytes.freeze()
            }
        }
    }
}

impl Default for Outbox {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Outbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbox").field("waiting", &self.len()).field("limit", &self.limit).finish()
    }
}

/// The outbox's limit is reached: back-pressure.
///
/// Nothing was queued and nothing is lost: write some of the outbox to the transport and send again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutboxFull {
    /// The most bytes that may wait.
    pub limit: usize,
    /// Bytes that wait now.
    pub waiting: usize,
}

impl fmt::Display for OutboxFull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "expected room in the outbox, but {} of at most {} bytes wait: write them to the transport and send again",
            self.waiting, self.limit
        )
    }
}

impl core::error::Error for OutboxFull {}

/// Writes a frame behind what `memory` has.
#[inline]
fn append(memory: &mut BytesMut, header: Encoded, payload: &[u8], mask: Option<[u8; 4]>) {
    memory.extend_from_slice(header.as_slice());
    let start = memory.len();
    memory.extend_from_slice(payload);
    if let Some(key) = mask {
        Mask::new(key).apply(&mut memory[start..]);
    }
}

/// Payloads of at least this many bytes are shared and not copied: about where a copy costs more than the
/// reference count and the further slice of a vectored write.
pub(crate) const SHARED: usize = 2048;

/// What is gathered is mostly more than one small frame: memory that begins smaller than this would grow time and again.
const LEAST_ROOM: usize = 512;

#[cfg(test)]
mod tests;
