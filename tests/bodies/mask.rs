//! Masking against the loop over bytes that RFC 6455 section 5.3 describes.
//!
//! Input: a key (4 bytes), a seed for the pieces (2), where the payload is to lie in memory (1), the payload.

use sockeye::mask::Mask;

use super::cursor::{Cursor, Sizes};
use super::{Seed, seed};
use crate::common::masked;

/// The same as the loop in any pieces at any alignment; what lies around the payload stays as it is; twice is nothing.
pub fn run(input: &[u8]) {
    let mut cursor = Cursor::new(input);
    let key = [cursor.byte(), cursor.byte(), cursor.byte(), cursor.byte()];
    let (sizes, alignment) = (cursor.number(), usize::from(cursor.byte() % 64));
    let payload = cursor.rest();
    let expected = masked(payload, key);

    let original = [&[0xA5; 64][..alignment], payload, &[0xA5; 64]].concat();
    let after = [&original[..alignment], &expected, &[0xA5; 64]].concat();
    for pieces in [vec![payload], payload.chunks(1).collect(), Sizes::new(sizes).split(payload)] {
        let (mut memory, mut mask, mut at) = (original.clone(), Mask::new(key), alignment);
        for piece in pieces {
            mask.apply(&mut memory[at..at + piece.len()]);
            at += piece.len();
        }
        assert!(memory == after, "masked by {key:x?} from {alignment} on: {memory:x?}");
        Mask::new(key).apply(&mut memory[alignment..at]);
        assert!(memory == original, "masked twice");
    }
}

pub fn seeds() -> Vec<Seed> {
    let payload: Vec<u8> = (0..=255).cycle().take(1100).collect();
    let key = [0x37, 0xfa, 0x21, 0x3d];
    let lengths = [0, 1, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 127, 129, 255, 1024, 1100];
    let mut seeds: Vec<Seed> = lengths
        .iter()
        .map(|&length| {
            seed(&format!("length-{length:04}"), &[&key, &[1, length as u8, length as u8], &payload[..length]])
        })
        .collect();
    seeds.push(seed("zeros", &[&[0; 7], &payload[..100]]));
    seeds.push(seed("rfc6455-5.7", &[&key, &[0, 0, 0], b"Hello"]));
    seeds
}
