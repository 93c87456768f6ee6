//! XOR in what every processor has.

/// Words of sixteen bytes, and what is left in one word of each lesser size.
#[inline]
pub(super) fn xor(piece: &mut [u8], word: u64) {
    let double = u128::from(word) << 64 | u128::from(word);
    let (blocks, rest) = piece.as_chunks_mut::<16>();
    for bytes in blocks {
        *bytes = (u128::from_le_bytes(*bytes) ^ double).to_le_bytes();
    }
    let (eight, rest) = rest.as_chunks_mut::<8>();
    if let [bytes] = eight {
        *bytes = (u64::from_le_bytes(*bytes) ^ word).to_le_bytes();
    }
    let (four, rest) = rest.as_chunks_mut::<4>();
    if let [bytes] = four {
        *bytes = (u32::from_le_bytes(*bytes) ^ word as u32).to_le_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(word.to_le_bytes()) {
        *byte ^= key;
    }
}
