//! XOR in the registers of AVX2, where the processor that runs this has them.

use super::plain;

/// What [`plain::xor`] does; `None` and nothing done on a processor without AVX2, and where the piece is too short to earn a
/// call.
#[inline]
pub(super) fn xor<const LOOK: bool>(piece: &mut [u8], word: u64) -> Option<u64> {
    if piece.len() < LEAST || !std::is_x86_feature_detected!("avx2") {
        return None;
    }
    #[allow(unsafe_code)]
    // SAFETY: the processor has AVX2, as was seen above, and that is all that `avx2` needs.
    Some(unsafe { avx2::<LOOK>(piece, word) })
}

/// Registers of 32 bytes, eight at a time.
#[target_feature(enable = "avx2")]
fn avx2<const LOOK: bool>(piece: &mut [u8], word: u64) -> u64 {
    let mut seen = [0; 32];
    let (head, piece) = piece.split_at_mut(before_aligned(piece));
    let around = plain::xor::<LOOK>(head, word);
    let word = word.rotate_right(8 * (head.len() % 4) as u32);
    let (blocks, rest) = piece.as_chunks_mut();
    for bytes in blocks {
        block::<256>(bytes, word, &mut seen);
    }
    let rest = step::<128>(rest, word, &mut seen);
    let rest = step::<64>(rest, word, &mut seen);
    let rest = step::<32>(rest, word, &mut seen);
    let around = around | plain::xor::<LOOK>(rest, word);
    if LOOK { seen.iter().fold(around, |all, seen| all | seen) } else { 0 }
}

/// A block of this size, where there is one. What follows it.
#[inline(always)]
fn step<'p, const BYTES: usize>(piece: &'p mut [u8], word: u64, seen: &mut [u64; 32]) -> &'p mut [u8] {
    let (first, rest) = piece.split_at_mut(if piece.len() < BYTES { 0 } else { BYTES });
    if let Ok(first) = first.try_into() {
        block::<BYTES>(first, word, seen);
    }
    rest
}

/// A block, whose words that come out are laid over those seen before.
#[inline(always)]
fn block<const BYTES: usize>(block: &mut [u8; BYTES], word: u64, seen: &mut [u64; 32]) {
    for (bytes, seen) in block.as_chunks_mut().0.iter_mut().zip(seen) {
        let out = u64::from_le_bytes(*bytes) ^ word;
        *bytes = out.to_le_bytes();
        *seen |= out;
    }
}

/// How many bytes come before the first register that lies within one line of the cache, where many follow.
#[inline(always)]
fn before_aligned(piece: &[u8]) -> usize {
    if piece.len() < ALIGNED { 0 } else { piece.as_ptr().align_offset(32).min(piece.len()) }
}

/// From here on wide registers earn the call.
const LEAST: usize = 128;

/// From here on registers that lie within a line earn what comes before them.
const ALIGNED: usize = 2048;
