//! XOR on the way from one place to another: a sender's copy and its mask in one pass.

#[cfg(all(feature = "std", target_arch = "x86_64"))]
mod wide;

use super::Mask;

impl Mask {
    /// Copies the next piece of the payload, masked or unmasked on the way.
    ///
    /// ```
    /// use sockeye::mask::Mask;
    ///
    /// // The "Hello" of RFC 6455 section 5.7.
    /// let mut masked = [0; 5];
    /// Mask::new([0x37, 0xfa, 0x21, 0x3d]).copy(b"Hello", &mut masked);
    /// assert_eq!(masked, [0x7f, 0x9f, 0x4d, 0x51, 0x58]);
    /// ```
    ///
    /// # Panics
    /// Where the two places have different lengths.
    #[inline]
    pub fn copy(&mut self, from: &[u8], to: &mut [u8]) {
        assert_eq!(from.len(), to.len(), "expected places of one length");
        if self.key == 0 {
            to.copy_from_slice(from);
        } else {
            copy(from, to, self.key);
            self.key = turned(self.key, from.len());
        }
    }

    /// Copies the whole of a payload, which is short as a rule.
    #[cfg(feature = "alloc")]
    #[inline]
    pub(crate) fn copy_whole(self, from: &[u8], to: &mut [u8]) {
        copy(from, to, self.key);
    }
}

/// In wide registers where that pays, and else in plain words.
#[inline(never)]
fn copy(from: &[u8], to: &mut [u8], key: u32) {
    let to = &mut to[..from.len()];
    #[cfg(all(feature = "std", target_arch = "x86_64"))]
    if wide::copy(from, to, key) {
        return;
    }
    plain(from, to, key);
}

/// In what every processor has.
#[inline]
fn plain(from: &[u8], to: &mut [u8], key: u32) {
    match from.len() {
        16.. => blocks::<16>(from, to, key),
        8.. => ends::<8>(from, to, key),
        4.. => ends::<4>(from, to, key),
        _ => {
            for ((to, from), key) in to.iter_mut().zip(from).zip(key.to_le_bytes()) {
                *to = from ^ key;
            }
        }
    }
}

/// Places of at least `N` bytes, in blocks of that: the last one lies at the end, over what the one before it wrote.
#[inline(always)]
fn blocks<const N: usize>(from: &[u8], to: &mut [u8], key: u32) {
    for (to, from) in to.as_chunks_mut::<N>().0.iter_mut().zip(from.as_chunks::<N>().0) {
        *to = masked(from, key);
    }
    last::<N>(from, to, key);
}

/// Places of `N` to twice as many bytes, in two blocks.
#[inline(always)]
fn ends<const N: usize>(from: &[u8], to: &mut [u8], key: u32) {
    if let (Some(from), Some(to)) = (from.first_chunk::<N>(), to.first_chunk_mut()) {
        *to = masked(from, key);
    }
    last::<N>(from, to, key);
}

#[inline(always)]
fn last<const N: usize>(from: &[u8], to: &mut [u8], key: u32) {
    let key = turned(key, from.len());
    if let (Some(from), Some(to)) = (from.last_chunk::<N>(), to.last_chunk_mut()) {
        *to = masked(from, key);
    }
}

/// One block, whose size is a multiple of the key's.
#[inline(always)]
fn masked<const N: usize>(block: &[u8; N], key: u32) -> [u8; N] {
    let mut masked = *block;
    for bytes in masked.as_chunks_mut::<4>().0 {
        *bytes = (u32::from_le_bytes(*bytes) ^ key).to_le_bytes();
    }
    masked
}

/// The key as it meets what follows so many octets.
#[inline]
fn turned(key: u32, octets: usize) -> u32 {
    key.rotate_right(8 * (octets % 4) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;
    use std::{panic, vec};

    const KEY: [u8; 4] = [0x12, 0x34, 0x56, 0x78];

    /// The RFC's own formula: transformed-octet-i = original-octet-i XOR masking-key-octet-(i MOD 4).
    fn oracle(payload: &[u8], key: [u8; 4]) -> Vec<u8> {
        payload.iter().enumerate().map(|(i, byte)| byte ^ key[i % 4]).collect()
    }

    /// Each version by itself, around the sizes of its blocks.
    #[test]
    fn every_version_does_as_the_formula_does() {
        let original: Vec<u8> = (0..1200u32).map(|index| (index * 31) as u8).collect();
        for length in (0..300).chain([383, 384, 385, 415, 416, 511, 512, 513, 900, 1029]) {
            for (from, to) in [(0, 0), (1, 7), (31, 1)] {
                for version in [plain, copy] {
                    let mut memory = vec![0xEE; 1200];
                    version(&original[from..from + length], &mut memory[to..to + length], u32::from_le_bytes(KEY));
                    assert_eq!(memory[to..to + length], oracle(&original[from..from + length], KEY), "length {length}");
                    assert!(memory[..to].iter().chain(&memory[to + length..]).all(|byte| *byte == 0xEE));
                }
            }
        }
    }

    #[test]
    fn rule_33_any_pieces_give_the_same() {
        let original: Vec<u8> = (0..200).collect();
        for key in [KEY, [0; 4]] {
            for split in 0..=original.len() {
                let mut copied = vec![0; original.len()];
                let ((from_head, from_tail), (to_head, to_tail)) =
                    (original.split_at(split), copied.split_at_mut(split));
                let mut mask = Mask::new(key);
                mask.copy(from_head, to_head);
                mask.copy(from_tail, to_tail);
                assert_eq!(copied, oracle(&original, key), "split {split}");
            }
        }
    }

    #[test]
    fn places_of_different_lengths_are_refused() {
        for key in [KEY, [0; 4]] {
            assert!(panic::catch_unwind(|| Mask::new(key).copy(&[0; 5], &mut [0; 6])).is_err());
        }
    }
}
