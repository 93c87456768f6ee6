//! XOR in the registers of AVX2, where the processor that runs this has them.

use super::plain;

/// Whether it was done: on a processor with AVX2, and where the piece is long enough for a call.
#[inline]
pub(super) fn xor(piece: &mut [u8], word: u64) -> bool {
    if piece.len() < LEAST || !std::is_x86_feature_detected!("avx2") {
        return false;
    }
    #[allow(unsafe_code)]
    // SAFETY: the processor has AVX2, as was seen above, and that is all that `avx2` needs.
    unsafe {
        avx2(piece, word);
    }
    true
}

/// Registers of 32 bytes, four at a time.
#[target_feature(enable = "avx2")]
fn avx2(piece: &mut [u8], word: u64) {
    let (blocks, rest) = piece.as_chunks_mut::<128>();
    for block in blocks {
        for bytes in block.as_chunks_mut::<8>().0 {
            *bytes = (u64::from_le_bytes(*bytes) ^ word).to_le_bytes();
        }
    }
    plain::xor(rest, word);
}

/// From here on wide registers earn the call.
const LEAST: usize = 128;
