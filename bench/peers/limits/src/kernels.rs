//! XOR in the widest registers of the processor that runs this.

/// Masks `piece` with a key.
#[inline]
pub(crate) fn xor(piece: &mut [u8], key: [u8; 4]) {
    let key = u32::from_le_bytes(key);
    if piece.len() < 32 {
        return words(piece, key);
    }
    #[cfg(target_arch = "x86_64")]
    if std::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2, as was seen above.
        return unsafe { avx2(piece, key) };
    }
    wide(piece, key);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn avx2(piece: &mut [u8], key: u32) {
    wide(piece, key);
}

/// At least 32 bytes. The last of them are read before the rest is written, and so come in one more register.
#[inline(always)]
fn wide(piece: &mut [u8], key: u32) {
    let length = piece.len();
    let mut last = *piece.last_chunk::<32>().expect("at least 32 bytes");
    apply(&mut last, key.rotate_right(8 * (length % 4) as u32));
    for block in piece.as_chunks_mut::<32>().0 {
        apply(block, key);
    }
    *piece.last_chunk_mut::<32>().expect("at least 32 bytes") = last;
}

#[inline(always)]
fn apply(block: &mut [u8; 32], key: u32) {
    let word = u64::from(key) << 32 | u64::from(key);
    for bytes in block.as_chunks_mut::<8>().0 {
        *bytes = (u64::from_le_bytes(*bytes) ^ word).to_le_bytes();
    }
}

/// Fewer than 32 bytes.
#[inline(always)]
fn words(piece: &mut [u8], key: u32) {
    let word = u64::from(key) << 32 | u64::from(key);
    let (chunks, rest) = piece.as_chunks_mut::<8>();
    for bytes in chunks {
        *bytes = (u64::from_le_bytes(*bytes) ^ word).to_le_bytes();
    }
    let (chunks, rest) = rest.as_chunks_mut::<4>();
    for bytes in chunks {
        *bytes = (u32::from_le_bytes(*bytes) ^ key).to_le_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(key.to_le_bytes()) {
        *byte ^= key;
    }
}

/// Validates text of which more may follow: how many bytes of it are whole characters.
#[inline]
pub(crate) fn validate(text: &[u8], last: bool) -> usize {
    let begun = if last { 0 } else { text.iter().rev().take(3).take_while(|byte| **byte & 0xc0 == 0x80).count() };
    let whole = match text.len().checked_sub(begun + 1) {
        Some(at) if !last && text[at] >= 0xc0 => at,
        _ => text.len(),
    };
    simdutf8::basic::from_utf8(&text[..whole]).expect("text");
    whole
}
