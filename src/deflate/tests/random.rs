//! Two ends over every combination of parameters, judged by two decompressors that are not zlib-rs.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};
use proptest::collection::vec;
use proptest::prelude::*;

use super::oracle::Oracle;
use super::*;

/// A piece of data: octets, or a copy of what came some way before.
#[derive(Clone, Debug)]
enum Piece {
    Octets(Vec<u8>),
    Copy { distance: usize, length: usize },
}

fn piece() -> impl Strategy<Value = Piece> {
    prop_oneof![
        vec(any::<u8>(), 0..40).prop_map(Piece::Octets),
        vec(0u8..3, 0..600).prop_map(Piece::Octets),
        (1usize..40_000, 3usize..400).prop_map(|(distance, length)| Piece::Copy { distance, length }),
        // Around the edges of the windows, less what zlib keeps for itself.
        (8u32..=15, 0usize..300, 3usize..400).prop_map(|(bits, less, length)| Piece::Copy {
            distance: (1usize << bits).saturating_sub(less) + 2,
            length,
        }),
    ]
}

/// Messages, each of fragments; copies reach into earlier messages.
fn messages() -> impl Strategy<Value = Vec<Vec<Vec<u8>>>> {
    vec(vec(vec(piece(), 0..12), 1..4), 1..6).prop_map(|messages| {
        let mut past: Vec<u8> = (0..33_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        let mut first = true;
        let mut fragment = |pieces: Vec<Piece>| {
            let start = if core::mem::take(&mut first) { 0 } else { past.len() };
            for piece in pieces {
                match piece {
                    Piece::Octets(octets) => past.extend_from_slice(&octets),
                    Piece::Copy { distance, length } => {
                        for _ in 0..length {
                            past.push(past[past.len() - distance.min(past.len())]);
                        }
                    }
                }
            }
            past[start..].to_vec()
        };
        messages.into_iter().map(|pieces| pieces.into_iter().map(&mut fragment).collect()).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn messages_come_through_and_keep_the_promises(
        window_bits in 8u8..=15,
        context_takeover in any::<bool>(),
        level in 1u8..=9,
        memory_level in 1u8..=9,
        (split, room) in prop_oneof![
            proptest::sample::select(&ARRIVALS[..]),
            (1usize..2000, 1usize..20_000),
        ],
        release in any::<u64>(),
        messages in messages(),
    ) {
        let options = Options::new().threshold(0).level(level).memory_level(memory_level);
        let mut sender = with_options(window_bits, context_takeover, &options);
        let mut receiver = with_options(window_bits, context_takeover, &options);
        let mut oracle = Oracle::new(1 << window_bits, context_takeover);
        let mut independent = Decompress::new(false);
        for (index, fragments) in messages.iter().enumerate() {
            let message = fragments.concat();
            let mut payload = BytesMut::new();
            let mut compressed = true;
            for (index, fragment) in fragments.iter().enumerate() {
                let fin = index + 1 == fragments.len();
                compressed = sender.compress(fragment, fin, &mut payload);
            }
            if !compressed {
                prop_assert!(!context_takeover && fragments.len() == 1);
                continue;
            }
            let came = decompress(&mut receiver, &payload, split, room);
            prop_assert_eq!(came.as_deref(), Ok(&message[..]));
            let came = oracle.message(&payload);
            prop_assert_eq!(came.as_deref(), Ok(&message[..]));
            let came = with_flate2(&mut independent, &payload, message.len());
            prop_assert_eq!(&came, &message);
            if !context_takeover {
                independent.reset(false);
            }
            if release >> (2 * index) & 1 == 1 {
                sender.release_idle();
            }
            if release >> (2 * index + 1) & 1 == 1 {
                receiver.release_idle();
            }
        }
    }

    #[test]
    fn what_another_compressor_sends_is_understood(
        context_takeover in any::<bool>(),
        level in 0u32..=9,
        finals in any::<u8>(),
        (split, room) in proptest::sample::select(&ARRIVALS[..]),
        messages in messages(),
    ) {
        let mut sender = Compress::new(Compression::new(level), false);
        let mut receiver = deflate(15, context_takeover);
        for (index, fragments) in messages.iter().enumerate() {
            let message = fragments.concat();
            let mut payload = Vec::with_capacity(message.len() * 2 + 1000);
            // Section 7.2.3.4: a message that ends with a BFINAL block, and then an empty one.
            if finals >> index & 1 == 1 {
                sender.compress_vec(&message, &mut payload, FlushCompress::Finish).expect("valid");
                sender.reset();
                payload.push(0x00);
            } else {
                sender.compress_vec(&message, &mut payload, FlushCompress::Sync).expect("valid");
                prop_assert!(payload.ends_with(&[0x00, 0x00, 0xff, 0xff]));
                payload.truncate(payload.len() - 4);
                if !context_takeover {
                    sender.reset();
                }
            }
            let came = decompress(&mut receiver, &payload, split, room);
            prop_assert_eq!(came.as_deref(), Ok(&message[..]));
        }
    }
}

fn with_flate2(independent: &mut Decompress, payload: &[u8], length: usize) -> Vec<u8> {
    let mut data = payload.to_vec();
    data.extend_from_slice(&[0x00, 0x00, 0xff, 0xff]);
    let mut output = Vec::with_capacity(length + 100);
    let before = independent.total_in();
    independent.decompress_vec(&data, &mut output, FlushDecompress::Sync).expect("valid");
    assert_eq!(independent.total_in() - before, data.len() as u64);
    output
}
