//! Masking: XOR with a key of four bytes
//! ([RFC 6455 section 5.3](https://www.rfc-editor.org/rfc/rfc6455#section-5.3)).
//!
//! Masking and unmasking are the same operation. It needs no allocator and is there without any feature of the crate;
//! [`frame`](crate::frame) has an example with the rooms of which that is true.

mod copy;
mod plain;
#[cfg(all(feature = "std", target_arch = "x86_64"))]
mod wide;

/// A masking key, and how far into it the payload has come.
///
/// The payload may be masked in pieces of any size: the key is turned by each piece, so that octet `i` of the
/// whole payload meets `key[i mod 4]` (RFC 6455 section 5.3).
///
/// ```
/// use sockeye::mask::Mask;
///
/// // The "Hello" of RFC 6455 section 5.7, in two pieces.
/// let mut mask = Mask::new([0x37, 0xfa, 0x21, 0x3d]);
/// let mut payload = [0x7f, 0x9f, 0x4d, 0x51, 0x58];
/// let (head, tail) = payload.split_at_mut(3);
/// mask.apply(head);
/// mask.apply(tail);
/// assert_eq!(&payload, b"Hello");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mask {
    /// The key, turned so that its first byte, the lowest here, meets the next octet.
    key: u32,
}

impl Mask {
    /// A mask at the start of a payload.
    pub const fn new(key: [u8; 4]) -> Self {
        Self { key: u32::from_le_bytes(key) }
    }

    /// No mask: leaves payloads as they are, as a key of zeros does.
    pub const NONE: Self = Self::new([0; 4]);

    /// Masks or unmasks the next piece of the payload in its place.
    #[inline]
    pub fn apply(&mut self, piece: &mut [u8]) {
        self.turn::<false>(piece);
    }

    /// Unmasks the next piece in its place. Whether it was seen to be ASCII, and so needs no validation; without a mask
    /// nothing is seen.
    #[cfg(feature = "alloc")]
    #[inline]
    pub(crate) fn apply_to_text(&mut self, piece: &mut [u8]) -> bool {
        const BEYOND_ASCII: u64 = 0x8080_8080_8080_8080;
        self.turn::<true>(piece).is_some_and(|seen| seen & BEYOND_ASCII == 0)
    }

    /// What [`xor`] says of the next piece; `None` without a mask.
    #[inline(always)]
    fn turn<const LOOK: bool>(&mut self, piece: &mut [u8]) -> Option<u64> {
        if self.key == 0 {
            return None;
        }
        let seen = xor::<LOOK>(piece, u64::from(self.key) << 32 | u64::from(self.key));
        self.key = self.key.rotate_right(8 * (piece.len() % 4) as u32);
        Some(seen)
    }
}

/// XOR with the key, twice in a word: in wide registers where that pays, and else in plain words. All words that came out,
/// one over the other, where somebody is to `LOOK` at them.
#[inline]
fn xor<const LOOK: bool>(piece: &mut [u8], word: u64) -> u64 {
    #[cfg(all(feature = "std", target_arch = "x86_64"))]
    if let Some(seen) = wide::xor::<LOOK>(piece, word) {
        return seen;
    }
    plain::xor::<LOOK>(piece, word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;
    use std::vec::Vec;

    /// The RFC's own formula: transformed-octet-i = original-octet-i XOR masking-key-octet-(i MOD 4).
    fn oracle(payload: &mut [u8], key: [u8; 4]) {
        for (i, byte) in payload.iter_mut().enumerate() {
            *byte ^= key[i % 4];
        }
    }

    #[test]
    fn rule_33_octet_i_meets_key_i_mod_4_at_every_alignment_and_phase() {
        let key = [0x12, 0x34, 0x56, 0x78];
        let original: Vec<u8> = (0..200u8).collect();
        for alignment in 0..16 {
            for length in 0..100 {
                let mut expected = original[alignment..alignment + length].to_vec();
                oracle(&mut expected, key);
                for split in 0..=length {
                    let mut memory = original.clone();
                    let piece = &mut memory[alignment..alignment + length];
                    let mut mask = Mask::new(key);
                    let (head, tail) = piece.split_at_mut(split);
                    mask.apply(head);
                    mask.apply(tail);
                    assert_eq!(piece, expected, "alignment {alignment}, length {length}, split {split}");
                }
            }
        }
    }

    /// Each version by itself, around the sizes of its blocks, at addresses that are good for it and at others.
    #[test]
    fn every_version_does_as_the_formula_does() {
        let key = [0x12, 0x34, 0x56, 0x78];
        let word = u64::from_le_bytes([0x12, 0x34, 0x56, 0x78, 0x12, 0x34, 0x56, 0x78]);
        let original: Vec<u8> = (0..4000u32).map(|index| (index * 31) as u8).collect();
        for length in (0..300).chain([383, 384, 385, 511, 512, 513, 900, 2047, 2048, 2049, 2303, 2336, 3900]) {
            for alignment in [0, 1, 2, 7, 15, 16, 17, 31] {
                let mut expected = original[alignment..alignment + length].to_vec();
                oracle(&mut expected, key);
                for version in [plain::xor::<false>, plain::xor::<true>, xor::<false>, xor::<true>] {
                    let mut memory = original.clone();
                    version(&mut memory[alignment..alignment + length], word);
                    assert_eq!(memory[alignment..alignment + length], expected, "length {length}, at {alignment}");
                    assert_eq!(memory[..alignment], original[..alignment]);
                    assert_eq!(memory[alignment + length..], original[alignment + length..]);
                }
            }
        }
    }

    /// The one byte that is not ASCII is seen wherever it stands.
    #[test]
    fn ascii_is_told_from_what_is_not() {
        let key = [0x12, 0xB4, 0x56, 0xF8];
        let masked = |text: &[u8]| {
            let mut masked = text.to_vec();
            oracle(&mut masked, key);
            masked
        };
        for length in (0..150).chain([255, 256, 257, 300, 511, 2047, 2048, 2100]) {
            let mut text: Vec<u8> = (0..length as u32).map(|index| (index * 31) as u8 & 0x7F).collect();
            assert!(Mask::new(key).apply_to_text(&mut masked(&text)), "length {length}");
            for place in 0..length {
                text[place] |= 0x80;
                assert!(!Mask::new(key).apply_to_text(&mut masked(&text)), "length {length}, at {place}");
                text[place] &= 0x7F;
            }
        }
        assert!(!Mask::new([0; 4]).apply_to_text(&mut masked(b"text")), "nothing is seen without a mask");
    }

    /// Two bytes that are not ASCII do not hide each other, as they would where one word were XORed with the other.
    #[test]
    fn no_byte_that_is_not_ascii_hides_another() {
        let key = [0x12, 0xB4, 0x56, 0xF8];
        for length in [16usize, 24, 28, 31, 40, 150, 300, 2100] {
            for first in 0..length.min(40) {
                for second in (first + 1).max(length.saturating_sub(40))..length {
                    let mut memory = vec![b'a'; length + 1];
                    let text = &mut memory[1..];
                    (text[first], text[second]) = (0xC3, 0xA9);
                    oracle(text, key);
                    assert!(!Mask::new(key).apply_to_text(text), "length {length}, at {first} and {second}");
                }
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn rule_33_any_pieces_give_the_same(
            pieces in proptest::collection::vec(proptest::collection::vec(proptest::num::u8::ANY, 0..70), 0..8),
            key: [u8; 4],
        ) {
            let mut expected = pieces.concat();
            oracle(&mut expected, key);
            let mut mask = Mask::new(key);
            let mut masked = pieces;
            masked.iter_mut().for_each(|piece| mask.apply(piece));
            proptest::prop_assert_eq!(masked.concat(), expected);
        }
    }
}
