//! Memory that is written step by step.

use core::ops::Deref;

use bytes::{Buf, BytesMut};

/// Bytes that were written one after another. Behind them lies memory that is initialised, and that the next ones are
/// written into: no zeros go where something else goes right after, time and again.
#[derive(Default)]
pub(crate) struct Written {
    /// Its length is what is initialised.
    memory: BytesMut,
    /// How much of it was written. Invariant: `length <= memory.len()`.
    length: usize,
}

impl Written {
    /// Forgets the first `count` bytes, or all where there are fewer; the memory stays where none is left.
    #[inline]
    pub(crate) fn advance(&mut self, count: usize) {
        if count >= self.length {
            self.length = 0;
        } else {
            self.memory.advance(count);
            self.length -= count;
        }
    }

    /// Splits the first `count` bytes off, without a copy. There must be as many.
    #[inline]
    pub(crate) fn split_to(&mut self, count: usize) -> BytesMut {
        self.length -= count;
        self.memory.split_to(count)
    }
}

/// Writing: it is compression alone that does.
#[cfg(feature = "deflate")]
impl Written {
    /// Room behind what was written, to be followed by [`add`](Self::add): at least `least` bytes of it, and at most `most`,
    /// which comes first.
    #[inline]
    pub(crate) fn space(&mut self, least: usize, most: usize) -> &mut [u8] {
        if self.memory.len() - self.length < least.min(most) {
            self.grow(least.min(most), most);
        }
        let end = self.memory.len().min(self.length.saturating_add(most));
        &mut self.memory[self.length..end]
    }

    /// Counts the first `count` bytes of the space as written. There must be as many.
    #[inline]
    pub(crate) fn add(&mut self, count: usize) {
        debug_assert!(count <= self.memory.len() - self.length);
        self.length += count;
    }

    /// Forgets what was written behind the first `length` bytes.
    pub(crate) fn truncate(&mut self, length: usize) {
        self.length = self.length.min(length);
    }

    /// Makes room for `least` bytes: by doubling, but where that goes past what it can come to at most, by moving to memory
    /// of that size.
    #[cold]
    fn grow(&mut self, least: usize, most: usize) {
        self.memory.truncate(self.length);
        let (capacity, limit) = (self.memory.capacity(), self.length.saturating_add(most));
        if capacity - self.length < least {
            if capacity.saturating_mul(2) > limit {
                let mut grown = BytesMut::with_capacity(limit);
                grown.extend_from_slice(&self.memory);
                self.memory = grown;
            } else {
                self.memory.reserve(least);
            }
        }
        self.memory.resize(self.memory.capacity().min(limit), 0);
    }
}

impl Deref for Written {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        &self.memory[..self.length]
    }
}

impl From<BytesMut> for Written {
    fn from(memory: BytesMut) -> Self {
        Self { length: memory.len(), memory }
    }
}

impl From<Written> for BytesMut {
    fn from(Written { mut memory, length }: Written) -> Self {
        memory.truncate(length);
        memory
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(written: &mut Written, bytes: &[u8]) {
        written.space(bytes.len(), usize::MAX)[..bytes.len()].copy_from_slice(bytes);
        written.add(bytes.len());
    }

    #[test]
    fn what_was_written_stays_when_it_grows_and_when_its_front_goes() {
        let mut written = Written::default();
        for part in [&b"salmon, "[..], &[b'.'; 3000], b"sockeye"] {
            write(&mut written, part);
        }
        assert_eq!(&written.split_to(6)[..], b"salmon");
        written.advance(2);
        assert_eq!(written.len(), 3007);
        write(&mut written, b"!");
        assert!(written.starts_with(b"...") && written.ends_with(b".sockeye!"));
        assert_eq!(BytesMut::from(written).len(), 3008);
    }

    #[test]
    fn memory_is_used_again_without_being_filled() {
        let mut written = Written::default();
        write(&mut written, &[7; 1000]);
        let memory = written.as_ptr();
        written.advance(1000);
        assert_eq!(*written, *b"");
        assert_eq!(written.space(1000, 1000), [7; 1000]);
        write(&mut written, b"again");
        assert_eq!((&*written, written.as_ptr()), (&b"again"[..], memory));
    }

    #[test]
    fn space_is_at_most_what_was_asked_for_and_memory_at_most_twice_what_was_written() {
        let mut written = Written::default();
        let mut most = 100_000;
        while most > 0 {
            let space = written.space(256, most).len();
            assert!((1..=most).contains(&space) && (space >= 256 || space == most));
            written.add(space);
            most -= space;
            assert!(written.memory.capacity() <= 100_000 && written.memory.capacity() <= 2 * written.len().max(256));
        }
        assert_eq!(written.space(256, 0), b"");
        assert_eq!(BytesMut::from(written).capacity(), 100_000);
    }
}
