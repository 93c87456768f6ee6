//! A client's masking keys.

use alloc::boxed::Box;

use crate::entropy::Entropy;

/// Keys drawn from the source in batches, so that its cost is spread over many frames.
pub(super) struct Masks {
    source: Box<dyn Entropy>,
    drawn: [[u8; 4]; BATCH],
    used: usize,
}

impl Masks {
    pub(super) fn new(source: Box<dyn Entropy>) -> Self {
        Self { source, drawn: [[0; 4]; BATCH], used: BATCH }
    }

    /// A key that no frame had yet: "the masking key for a given frame MUST NOT make it simple for a server/proxy to
    /// predict the masking key for a subsequent frame" (RFC 6455 section 5.3).
    #[inline]
    pub(super) fn fresh(&mut self) -> [u8; 4] {
        let key = self.next();
        self.spend();
        key
    }

    /// The next key, which no frame may have until it is [spent](Self::spend).
    #[inline]
    pub(super) fn next(&mut self) -> [u8; 4] {
        if self.used >= BATCH {
            self.draw();
        }
        self.drawn[self.used]
    }

    /// Turns to the key after the next.
    #[inline]
    pub(super) fn spend(&mut self) {
        self.used += 1;
    }

    #[cold]
    #[inline(never)]
    fn draw(&mut self) {
        self.source.fill(self.drawn.as_flattened_mut());
        self.used = 0;
    }
}

/// 64 bytes: a block of ChaCha.
const BATCH: usize = 16;
