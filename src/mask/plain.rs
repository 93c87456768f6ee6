//! XOR in what every processor has.

/// Words of sixteen bytes, and what is left in one word of each lesser size. All words that came out, one over the other,
/// where somebody is to `LOOK` at them.
#[inline]
pub(super) fn xor<const LOOK: bool>(piece: &mut [u8], word: u64) -> u64 {
    let double = u128::from(word) << 64 | u128::from(word);
    let mut seen = 0;
    let (blocks, rest) = piece.as_chunks_mut();
    for bytes in blocks {
        let out = u128::from_le_bytes(*bytes) ^ double;
        *bytes = out.to_le_bytes();
        seen |= out;
    }
    let mut seen = (seen >> 64 | seen) as u64;
    let (eight, rest) = rest.as_chunks_mut();
    if let [bytes] = eight {
        let out = u64::from_le_bytes(*bytes) ^ word;
        *bytes = out.to_le_bytes();
        seen |= out;
    }
    let (four, rest) = rest.as_chunks_mut();
    if let [bytes] = four {
        let out = u32::from_le_bytes(*bytes) ^ word as u32;
        *bytes = out.to_le_bytes();
        seen |= u64::from(out);
    }
    for (byte, key) in rest.iter_mut().zip(word.to_le_bytes()) {
        *byte ^= key;
        seen |= u64::from(*byte);
    }
    if LOOK { seen } else { 0 }
}
