//! Memory in which bytes are gathered.

use bytes::{Buf, Bytes, BytesMut};

use crate::frame::{MAX_SIZE, Packed};
use crate::mask::Mask;

/// Bytes that leave together, in one piece of memory.
///
/// What is written once is written over when it has left, so that a frame is put into memory that is there and is its
/// header, its payload and one comparison.
#[derive(Default)]
pub(super) struct Gathered {
    /// All of it is initialised.
    memory: BytesMut,
    /// Bytes of `memory` that have left.
    start: usize,
    /// Where the bytes that wait end. Invariant: `start <= end <= memory.len()`, and both are 0 where none wait.
    end: usize,
}

impl Gathered {
    /// Bytes that wait.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.end - self.start
    }

    /// The bytes that wait.
    #[inline]
    pub(super) fn as_slice(&self) -> &[u8] {
        &self.memory[self.start..self.end]
    }

    /// Adds a frame, its payload masked on the way where there is a key.
    #[inline]
    pub(super) fn append(&mut self, header: Packed, payload: &[u8], key: Option<[u8; 4]>) {
        let start = self.end;
        let Some(place) = self.memory.get_mut(start..start + Packed::BYTES + payload.len()) else {
            return self.append_further(header, payload, key);
        };
        self.end = start + header.size + payload.len();
        place[..Packed::BYTES].copy_from_slice(&header.word.to_le_bytes());
        match key {
            None if payload.is_empty() => {}
            None => place[header.size..][..payload.len()].copy_from_slice(payload),
            Some(key) => {
                let place = &mut place[header.size - key.len()..][..key.len() + payload.len()];
                let (head, place) = place.split_at_mut(key.len());
                head.copy_from_slice(&key);
                Mask::new(key).copy(payload, place);
            }
        }
    }

    /// Adds a frame in the way of those that most are: one of the two shorter forms of length, at most `most` bytes, in
    /// memory that was written before. Whether it was; else nothing has changed.
    #[inline(always)]
    pub(super) fn try_append(&mut self, first: u8, payload: &[u8], key: Option<[u8; 4]>, most: usize) -> bool {
        let (length, masked) = (payload.len(), u64::from(key.is_some()) << 15);
        let (word, size) = match length {
            0..=125 => ((length as u64) << 8, 2),
            126..=0xFFFF => (126 << 8 | u64::from((length as u16).swap_bytes()) << 16, 4),
            _ => return false,
        };
        let word = u64::from(first) | masked | word;
        let (word, size) = match key {
            None => (word, size),
            Some(key) => (word | u64::from(u32::from_le_bytes(key)) << (8 * size), size + key.len()),
        };
        let Some(place) = self.memory.get_mut(self.end..) else { return false };
        let Some(place) = place.get_mut(..size_of_val(&word) + length) else { return false };
        if size + length > most {
            return false;
        }
        self.end += size + length;
        place[..size_of_val(&word)].copy_from_slice(&word.to_le_bytes());
        let place = &mut place[size..][..length];
        match key {
            None => place.copy_from_slice(payload),
            Some(key) => Mask::new(key).copy_whole(payload, place),
        }
        true
    }

    /// Adds bytes, masked on the way.
    #[inline]
    pub(super) fn append_bytes(&mut self, bytes: &[u8], mask: &mut Mask) {
        if self.memory.len() - self.end < bytes.len() {
            return self.append_blocks(bytes, mask);
        }
        mask.copy(bytes, &mut self.memory[self.end..][..bytes.len()]);
        self.end += bytes.len();
    }

    /// Adds a frame of at most `most` bytes, whose payload is written in its place, and whose header is made once its
    /// length is known. Where `write` says that it wrote none, nothing is added.
    pub(super) fn append_written(
        &mut self,
        most: usize,
        write: impl FnOnce(&mut BytesMut) -> bool,
        header: impl FnOnce(u64) -> Packed,
        key: Option<[u8; 4]>,
    ) -> bool {
        self.drop_sent(most);
        let payload = self.end + MAX_SIZE;
        self.memory.resize(payload, 0);
        if !write(&mut self.memory) {
            return false;
        }
        mask(key).apply(&mut self.memory[payload..]);
        let length = self.memory.len() - payload;
        let header = header(length as u64);
        let end = self.end + header.size;
        put(header, key, &mut self.memory[self.end..end]);
        self.memory.copy_within(payload.., end);
        self.end = end + length;
        true
    }

    /// Lets the last so many bytes go, which will not leave.
    pub(super) fn truncate_by(&mut self, count: usize) {
        debug_assert!(count <= self.len());
        self.end -= count;
    }

    /// Bytes of the memory up to where the bytes that wait end.
    pub(super) fn end(&self) -> usize {
        self.end
    }

    /// Lets so many bytes go, which have left.
    #[inline]
    pub(super) fn advance(&mut self, count: usize) {
        self.start += count;
        debug_assert!(self.start <= self.end);
        if self.start == self.end {
            self.clear();
        }
    }

    /// Lets all go, which has left.
    #[inline]
    pub(super) fn clear(&mut self) {
        (self.start, self.end) = (0, 0);
    }

    /// Takes so many bytes with their memory.
    pub(super) fn take(&mut self, count: usize) -> Bytes {
        debug_assert!(count <= self.len());
        self.memory.advance(self.start);
        self.end -= self.start + count;
        self.start = 0;
        self.memory.split_to(count).freeze()
    }

    /// Where there is no room that was written before.
    #[cold]
    #[inline(never)]
    fn append_further(&mut self, header: Packed, payload: &[u8], key: Option<[u8; 4]>) {
        if self.memory.capacity() == 0 && Packed::BYTES + payload.len() <= LEAST {
            // The first frame of a connection that was idle.
            self.memory = BytesMut::with_capacity(LEAST);
            self.memory.resize(LEAST, 0);
            return self.append(header, payload, key);
        }
        self.reserve(Packed::BYTES + payload.len());
        put(header, key, self.room(header.size));
        self.append_blocks(payload, &mut mask(key));
    }

    /// Block by block, so that one is still in the first cache when it is written over.
    #[cold]
    #[inline(never)]
    fn append_blocks(&mut self, bytes: &[u8], mask: &mut Mask) {
        self.reserve(bytes.len());
        for block in bytes.chunks(BLOCK) {
            mask.copy(block, self.room(block.len()));
        }
    }

    /// The next bytes behind those that wait, to be written over. They are counted already.
    fn room(&mut self, size: usize) -> &mut [u8] {
        let end = self.end + size;
        if self.memory.len() < end + Packed::BYTES {
            // No allocation: the room was reserved.
            self.memory.resize(self.memory.capacity().min(end + AHEAD), 0);
        }
        let room = &mut self.memory[self.end..end];
        self.end = end;
        room
    }

    /// Has memory for so many bytes behind those that wait, initialised or not.
    fn reserve(&mut self, size: usize) {
        self.drop_sent(size);
        if self.memory.capacity() - self.end < size {
            self.memory.truncate(self.end);
            self.memory.reserve(size.max(LEAST));
        }
    }

    /// Drops what has left, where there is no room for `size` bytes behind what waits: memory that grows is then at most
    /// twice what waits. At most twice as much is moved as has left, or than there is new room.
    fn drop_sent(&mut self, size: usize) {
        let waiting = self.len();
        if self.start == 0 || self.memory.capacity() - self.end >= size {
            return;
        }
        if 2 * self.start >= waiting && self.memory.capacity() - waiting >= size {
            self.memory.copy_within(self.start..self.end, 0);
        } else {
            let mut moved = BytesMut::with_capacity(waiting + waiting.max(size));
            moved.extend_from_slice(self.as_slice());
            self.memory = moved;
        }
        (self.start, self.end) = (0, waiting);
    }
}

/// Puts a header in its place.
fn put(header: Packed, key: Option<[u8; 4]>, place: &mut [u8]) {
    place.copy_from_slice(&header.word.to_le_bytes()[..header.size]);
    if let (Some(key), Some(last)) = (key, place.last_chunk_mut()) {
        *last = key;
    }
}

fn mask(key: Option<[u8; 4]>) -> Mask {
    key.map_or(Mask::NONE, Mask::new)
}

/// Bytes that are initialised at once.
const BLOCK: usize = 16 << 10;

/// The least memory that is made, as small frames seldom leave alone.
const LEAST: usize = 1024;

/// Bytes that are initialised further than needed, for the next frames.
const AHEAD: usize = 1024;
