//! Bytes that are to leave.

use core::fmt;

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::gathered::Gathered;
use super::shared::Shared;
use crate::frame::Packed;
use crate::mask::Mask;

/// Bytes that are to leave for the peer.
///
/// It implements [`bytes::Buf`], so any transport can drain it, by [`chunks_vectored`](Buf::chunks_vectored) too.
/// Small frames are gathered in one piece of memory; a large [`Bytes`] payload stays where it is. A client's is masked 32 KiB
/// at a time, as it leaves: [`chunks_vectored`](Buf::chunks_vectored) ends where the masked bytes do, and goes on when they
/// have left.
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
    /// What was copied.
    gathered: Gathered,
    /// What was not, and where it leaves between what was.
    shared: Shared,
    /// Bytes of the latest pong of those that found no room: the last of the gathered ones, as long as nothing follows
    /// and none of it has left. The next pong takes its place. Else 0.
    pong: usize,
    limit: usize,
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
    /// Its memory is at most twice the limit, or 1 KiB, and twice as much again while it moves to a larger place; automatic pongs
    /// and closes come on top, as [`new`](Self::new) says, and for a client that sends large payloads of its own memory the
    /// 32 KiB in which they are masked.
    pub fn with_limit(limit: usize) -> Self {
        Self { gathered: Gathered::default(), shared: Shared::default(), pong: 0, limit }
    }

    /// The most bytes that wait here by the caller's sending.
    pub const fn limit(&self) -> usize {
        self.limit
    }

    /// Bytes that wait.
    #[inline]
    pub fn len(&self) -> usize {
        self.shared.len() + self.gathered.len()
    }

    /// Whether nothing waits.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Copies bytes behind those that wait, whatever the limit: for what stands in front of the frames, such as the
    /// answer to the opening handshake. Among the frames the peer would take them for one.
    pub fn extend(&mut self, bytes: &[u8]) {
        self.pong = 0;
        self.gathered.append_bytes(bytes, &mut { Mask::NONE });
    }

    /// Gives the memory back where nothing waits.
    pub fn release(&mut self) {
        if self.is_empty() {
            *self = Self::with_limit(self.limit);
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

    /// Gathers a frame, its payload masked on the way where there is a key.
    #[inline]
    pub(crate) fn gather(&mut self, header: Packed, payload: &[u8], key: Option<[u8; 4]>) {
        self.pong = 0;
        self.gathered.append(header, payload, key);
    }

    /// Gathers a frame in the way of those that most are: one of the two shorter forms of length, in memory that is there
    /// and within the limit. Whether it was; else nothing has changed.
    #[inline(always)]
    pub(crate) fn try_gather(&mut self, first: u8, payload: &[u8], key: Option<[u8; 4]>) -> bool {
        let room = self.limit.saturating_sub(self.len());
        let gathered = self.gathered.try_append(first, payload, key, room);
        if gathered {
            self.pong = 0;
        }
        gathered
    }

    /// Gathers a frame of at most `most` bytes, whose payload is written in its place, and whose header is made once its
    /// length is known. Where `write` says that it wrote none, nothing is gathered.
    pub(crate) fn gather_written(
        &mut self,
        most: usize,
        write: impl FnOnce(&mut BytesMut) -> bool,
        header: impl FnOnce(u64) -> Packed,
        key: Option<[u8; 4]>,
    ) -> bool {
        self.pong = 0;
        self.gathered.append_written(most, write, header, key)
    }

    /// Adds a frame whose payload is copied where it is small, and else shared.
    pub(crate) fn gather_owned(&mut self, header: Packed, payload: &Bytes, key: Option<[u8; 4]>) {
        if payload.len() < if key.is_none() { SHARED } else { SHARED_MASKED } {
            return self.gather(header, payload, key);
        }
        self.gather(header, &[], key);
        self.shared.push(payload, key.map_or(Mask::NONE, Mask::new), self.gathered.len());
    }

    /// Adds a whole frame, which is copied where it is small, and else shared.
    #[inline]
    pub(crate) fn share(&mut self, frame: &Bytes) {
        self.pong = 0;
        if frame.len() < SHARED {
            self.gathered.append_bytes(frame, &mut { Mask::NONE });
        } else {
            self.shared.push(frame, Mask::NONE, self.gathered.len());
        }
    }

    #[inline(never)]
    fn advance_shared(&mut self, count: usize) {
        assert!(count <= self.len(), "expected to advance by at most {}, got {count}", self.len());
        if count == self.len() {
            self.gathered.clear();
            return self.shared.clear();
        }
        let rest = self.shared.advance(count, &mut self.gathered);
        self.gathered.advance(rest);
    }

    /// Queues an automatic pong: by itself while there is room, and else in the place of the last that waits.
    pub(crate) fn pong(&mut self, header: Packed, payload: &[u8], key: Option<[u8; 4]>) {
        let has_room = self.len() < Self::CONTROL_ROOM;
        // Once its first byte has left, a pong can no longer give way to a later one.
        if !has_room && self.pong <= self.gathered.len() {
            self.gathered.truncate_by(self.pong);
        }
        self.gather(header, payload, key);
        if !has_room {
            self.pong = header.size + payload.len();
        }
    }
}

impl Buf for Outbox {
    #[inline]
    fn remaining(&self) -> usize {
        self.len()
    }

    #[inline]
    fn chunk(&self) -> &[u8] {
        if self.shared.is_empty() { self.gathered.as_slice() } else { self.shared.chunk(&self.gathered) }
    }

    #[cfg(feature = "std")]
    fn chunks_vectored<'a>(&'a self, slices: &mut [std::io::IoSlice<'a>]) -> usize {
        self.shared.chunks(self.gathered.as_slice(), slices)
    }

    #[inline]
    fn advance(&mut self, count: usize) {
        if self.shared.is_empty() && count <= self.gathered.len() {
            self.gathered.advance(count);
        } else {
            self.advance_shared(count);
        }
    }

    fn copy_to_bytes(&mut self, count: usize) -> Bytes {
        assert!(count <= self.len(), "expected to take at most {}, got {count}", self.len());
        if count <= self.chunk().len() {
            return self.shared.take(count, &mut self.gathered);
        }
        let mut bytes = BytesMut::with_capacity(count);
        bytes.put(self.take(count));
        bytes.freeze()
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

/// Payloads of at least this many bytes are shared and not copied: about where a copy costs more than the
/// reference count and the further slice of a vectored write.
const SHARED: usize = 2048;

/// The same of those that are masked, and so copied in any case, but a window at a time.
const SHARED_MASKED: usize = 16 << 10;

#[cfg(test)]
mod tests;
