//! How a body reads its input.

/// Takes choices off the front of an input. Where the input has ended, every choice is zero.
pub struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub fn new(input: &'a [u8]) -> Self {
        Self { rest: input }
    }

    pub fn byte(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or(0)
    }

    /// Two bytes, the high one first.
    pub fn number(&mut self) -> u16 {
        u16::from_be_bytes([self.byte(), self.byte()])
    }

    /// One of these, by the next byte.
    pub fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[usize::from(self.byte()) % choices.len()]
    }

    /// The next bytes, or as many as there are.
    pub fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at(count.min(self.rest.len()));
        self.rest = rest;
        taken
    }

    pub fn rest(self) -> &'a [u8] {
        self.rest
    }

    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }
}

/// Sizes without a pattern that follow from a number, so that an input always does the same: mostly a few bytes,
/// sometimes many.
pub struct Sizes {
    state: u32,
}

impl Sizes {
    pub fn new(seed: u16) -> Self {
        Self { state: u32::from(seed) | 0x1_0000 }
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        // George Marsaglia's xorshift.
        self.state ^= self.state << 13;
        self.state ^= self.state >> 17;
        self.state ^= self.state << 5;
        self.state as usize % end
    }

    /// A size of one or more.
    pub fn size(&mut self) -> usize {
        let most = [4, 4, 30, 300, 5000][self.below(5)];
        1 + self.below(most)
    }

    /// The pieces of `bytes`, in sizes of this kind; none is empty.
    pub fn split<'b>(&mut self, bytes: &'b [u8]) -> Vec<&'b [u8]> {
        let (mut rest, mut pieces) = (bytes, Vec::new());
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(self.size().min(rest.len()));
            pieces.push(piece);
            rest = after;
        }
        pieces
    }
}
