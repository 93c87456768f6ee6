//! Payloads that leave without being gathered.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
#[cfg(feature = "std")]
use core::slice;
#[cfg(feature = "std")]
use std::io::IoSlice;

use bytes::{Buf, Bytes};

use super::gathered::Gathered;
use crate::mask::Mask;

/// Payloads that stay where they are, and their places between the bytes that were gathered.
///
/// One that is to be masked is masked a window at a time, as it leaves: however large it is, its masked copy is not, and
/// is still in the processor's cache when it is written.
#[derive(Default)]
pub(super) struct Shared {
    pieces: VecDeque<Piece>,
    /// Bytes of all pieces that wait.
    len: usize,
    /// Bytes of the gathered ones that leave before the last piece: the sum of `before`.
    claimed: usize,
    /// Of who masks.
    window: Option<Box<Window>>,
}

struct Piece {
    /// Bytes of the gathered ones that leave before this piece, and behind the one before it.
    before: usize,
    /// What is left; of a masked one what has not come into the window.
    bytes: Bytes,
    /// What is left in the window. Invariant: 0 where this is not masked, and else not 0 where this is the first.
    masked: usize,
    /// For the rest.
    mask: Mask,
}

/// Bytes of masked pieces in their order, as they leave.
#[derive(Default)]
struct Window {
    memory: Gathered,
    /// Bytes of masked pieces that have not come into the window.
    outside: usize,
}

impl Shared {
    /// Bytes that wait here.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Whether none wait here.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Puts a payload behind so many gathered bytes, which are all that wait. It is not empty.
    pub(super) fn push(&mut self, bytes: &Bytes, mask: Mask, gathered: usize) {
        let before = gathered - self.claimed;
        self.claimed = gathered;
        self.len += bytes.len();
        self.pieces.push_back(Piece { before, bytes: bytes.clone(), masked: 0, mask });
        if mask != Mask::NONE {
            self.mask_last();
        }
    }

    /// Masks the last piece, as far as the window reaches, where there is nothing before it that is not masked.
    fn mask_last(&mut self) {
        let window = self.window.get_or_insert_default();
        if let Some(last) = self.pieces.back_mut() {
            if window.outside == 0 {
                window.take_in(last);
            }
            window.outside += last.bytes.len();
        }
    }

    /// What leaves first, of the pieces and the gathered bytes, of which some wait here.
    pub(super) fn chunk<'a>(&'a self, gathered: &'a Gathered) -> &'a [u8] {
        match self.pieces.front() {
            Some(front) if front.before > 0 => &gathered.as_slice()[..front.before],
            Some(front) if front.masked > 0 => &self.window()[..front.masked],
            Some(front) => &front.bytes,
            None => gathered.as_slice(),
        }
    }

    /// Fills slices with what leaves first, in its order: how many. What waits to be masked ends them.
    #[cfg(feature = "std")]
    pub(super) fn chunks<'a>(&'a self, mut gathered: &'a [u8], slices: &mut [IoSlice<'a>]) -> usize {
        let (mut window, most) = (self.window(), slices.len());
        let mut slices = slices.iter_mut();
        for piece in &self.pieces {
            let (before, masked);
            (before, gathered) = gathered.split_at(piece.before);
            (masked, window) = window.split_at(piece.masked);
            let bytes = if piece.is_masked() { masked } else { &piece.bytes };
            if !put(before, &mut slices) || !put(bytes, &mut slices) || piece.is_waiting() {
                return most - slices.len();
            }
        }
        put(gathered, &mut slices);
        most - slices.len()
    }

    /// Lets all go, which has left.
    pub(super) fn clear(&mut self) {
        while self.pieces.pop_front().is_some() {}
        (self.len, self.claimed) = (0, 0);
        if let Some(window) = &mut self.window {
            window.memory.clear();
            window.outside = 0;
        }
    }

    /// Lets so many bytes go, which have left, until no piece is left: how many more have left of the gathered ones.
    pub(super) fn advance(&mut self, mut count: usize, gathered: &mut Gathered) -> usize {
        while let Some(front) = self.pieces.front_mut() {
            let part = count.min(front.before);
            gathered.advance(part);
            front.before -= part;
            self.claimed -= part;
            count -= part;
            if front.before > 0 {
                return 0;
            }
            let left = match &mut self.window {
                Some(window) if front.is_masked() => {
                    let part = count.min(front.masked);
                    window.memory.advance(part);
                    front.masked -= part;
                    self.len -= part;
                    count -= part;
                    front.masked
                }
                _ => {
                    let part = count.min(front.bytes.len());
                    front.bytes.advance(part);
                    self.len -= part;
                    count -= part;
                    front.bytes.len()
                }
            };
            if left > 0 {
                return 0;
            }
            if front.bytes.is_empty() {
                self.pieces.pop_front();
            }
            self.prepare();
        }
        count
    }

    /// Takes so many bytes of the first chunk with their memory.
    pub(super) fn take(&mut self, count: usize, gathered: &mut Gathered) -> Bytes {
        let bytes = match (self.pieces.front_mut(), &mut self.window) {
            (None, _) => gathered.take(count),
            (Some(front), _) if front.before > 0 => {
                front.before -= count;
                self.claimed -= count;
                gathered.take(count)
            }
            (Some(front), Some(window)) if front.is_masked() => {
                front.masked -= count;
                self.len -= count;
                window.memory.take(count)
            }
            (Some(front), _) => {
                self.len -= count;
                front.bytes.split_to(count)
            }
        };
        self.advance(0, gathered);
        bytes
    }

    /// Masks what leaves next, where it is not yet, and what follows that as far as the window reaches.
    fn prepare(&mut self) {
        let (Some(front), Some(window)) = (self.pieces.front(), &mut self.window) else { return };
        if front.masked > 0 || !front.is_masked() {
            return;
        }
        for piece in self.pieces.iter_mut().filter(|piece| piece.is_masked()) {
            let before = piece.bytes.len();
            window.take_in(piece);
            window.outside -= before - piece.bytes.len();
            if piece.is_waiting() {
                return;
            }
        }
    }

    fn window(&self) -> &[u8] {
        self.window.as_ref().map_or(&[], |window| window.memory.as_slice())
    }
}

impl Piece {
    fn is_masked(&self) -> bool {
        self.mask != Mask::NONE
    }

    /// Whether some of it is outside of the window.
    fn is_waiting(&self) -> bool {
        self.is_masked() && !self.bytes.is_empty()
    }
}

impl Window {
    /// Masks what there is room for.
    fn take_in(&mut self, piece: &mut Piece) {
        let size = piece.bytes.len().min(WINDOW - self.memory.end());
        self.memory.append_bytes(&piece.bytes[..size], &mut piece.mask);
        piece.bytes.advance(size);
        piece.masked += size;
    }
}

/// Puts a chunk that is not empty into the next slice. Whether there was one.
#[cfg(feature = "std")]
#[inline]
fn put<'a>(chunk: &'a [u8], slices: &mut slice::IterMut<'_, IoSlice<'a>>) -> bool {
    if !chunk.is_empty() {
        let Some(slice) = slices.next() else { return false };
        *slice = IoSlice::new(chunk);
    }
    true
}

/// Bytes that are masked at once: within the first cache, and enough for one write.
const WINDOW: usize = 32 << 10;
