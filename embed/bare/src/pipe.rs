//! A pipe in memory, as small as a serial line's buffer. What passes through it arrives in pieces of every size.

/// Holds up to [`SIZE`] bytes on their way.
pub(crate) struct Pipe {
    bytes: [u8; SIZE],
    /// The first byte that was not read.
    start: usize,
    length: usize,
    shut_down: bool,
    /// The most bytes that the next read gets.
    piece: usize,
    pub(crate) carried: usize,
    /// Reads that found something.
    pub(crate) pieces: usize,
}

impl Pipe {
    pub(crate) const fn new() -> Self {
        Self { bytes: [0; SIZE], start: 0, length: 0, shut_down: false, piece: 1, carried: 0, pieces: 0 }
    }

    /// Takes what there is room for, and says how much that was.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> usize {
        let count = bytes.len().min(SIZE - self.length);
        for &byte in &bytes[..count] {
            self.bytes[(self.start + self.length) % SIZE] = byte;
            self.length += 1;
        }
        self.carried += count;
        count
    }

    /// Gives some of what has come, and says how much that was: first a byte, then two, up to [`PIECE`], and so on again.
    pub(crate) fn read(&mut self, space: &mut [u8]) -> usize {
        let count = space.len().min(self.length).min(self.piece);
        for byte in &mut space[..count] {
            *byte = self.bytes[self.start];
            self.start = (self.start + 1) % SIZE;
            self.length -= 1;
        }
        if count > 0 {
            self.piece = self.piece % PIECE + 1;
            self.pieces += 1;
        }
        count
    }

    /// Whether nothing is on its way.
    pub(crate) const fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Nothing more will be written.
    pub(crate) fn shut_down(&mut self) {
        self.shut_down = true;
    }

    /// Whether everything was read that will ever come.
    pub(crate) fn is_at_end(&self) -> bool {
        self.shut_down && self.length == 0
    }
}

/// Bytes that a pipe holds.
const SIZE: usize = 256;

/// The most bytes that a read gets.
pub(crate) const PIECE: usize = 61;
