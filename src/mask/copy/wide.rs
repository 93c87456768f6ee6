//! XOR on the way in the registers of AVX2, where the processor that runs this has them.

use super::{blocks, masked, plain};

/// Whether it was done: on a processor with AVX2, and where the piece is long enough for a call.
#[inline]
pub(super) fn copy(from: &[u8], to: &mut [u8], key: u32) -> bool {
    if from.len() < LEAST || !std::is_x86_feature_detected!("avx2") {
        return false;
    }
    #[allow(unsafe_code)]
    // SAFETY: the processor has AVX2, as was seen above, and that is all that `avx2` needs.
    unsafe {
        avx2(from, to, key);
    }
    true
}

/// Registers of 32 bytes, four at a time.
#[target_feature(enable = "avx2")]
fn avx2(from: &[u8], to: &mut [u8], key: u32) {
    let ((from_blocks, from_rest), (to_blocks, to_rest)) = (from.as_chunks::<128>(), to.as_chunks_mut::<128>());
    for (to, from) in to_blocks.iter_mut().zip(from_blocks) {
        *to = masked(from, key);
    }
    match from_rest.len() {
        32.. => blocks::<32>(from_rest, to_rest, key),
        _ => plain(from_rest, to_rest, key),
    }
}

/// From here on wide registers earn the call.
const LEAST: usize = 128;
