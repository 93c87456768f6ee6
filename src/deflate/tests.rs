//! The rules 59 to 72 of the conformance list, as far as payloads and parameters go.

mod codec;
mod hostile;
mod negotiation;
mod oracle;
mod random;

use alloc::vec::Vec;
use bytes::BytesMut;

use super::{Corrupt, Deflate, Direction, Options, Parameters, written};

/// The compression of an end that keeps to the same in both directions.
fn deflate(window_bits: u8, context_takeover: bool) -> Deflate {
    with_options(window_bits, context_takeover, &Options::new().threshold(0).memory_level(8))
}

fn with_options(window_bits: u8, context_takeover: bool, options: &Options) -> Deflate {
    let direction = Direction::new(window_bits, context_takeover);
    let parameters = Parameters { local: direction, remote: direction };
    Deflate::new(parameters, options)
}

/// Compresses a message that consists of these pieces, and returns the payloads of its frames joined.
fn compress(deflate: &mut Deflate, pieces: &[&[u8]]) -> Vec<u8> {
    let mut output = BytesMut::new();
    for (index, piece) in pieces.iter().enumerate() {
        assert!(deflate.compress(piece, index + 1 == pieces.len(), &mut output));
    }
    output.to_vec()
}

/// Decompresses a message that arrives in pieces of `split` octets, or [`AT_ONCE`], with `room` octets for every call.
fn decompress(deflate: &mut Deflate, payload: &[u8], split: usize, room: usize) -> Result<Vec<u8>, Corrupt> {
    let mut output = BytesMut::new();
    let mut payload = payload;
    if split == AT_ONCE {
        let (progress, finished) = written(&mut output, |output| deflate.inflate_last_to(payload, output, room))?;
        assert!(output.len() <= room);
        if finished {
            assert_eq!(progress.consumed, payload.len());
            return Ok(output.to_vec());
        }
        payload = &payload[progress.consumed..];
    }
    for piece in payload.chunks(split.max(1)) {
        let mut rest = piece;
        loop {
            let before = output.len();
            let progress = deflate.inflate(rest, &mut output, room)?;
            rest = &rest[progress.consumed..];
            assert!(output.len() - before <= room);
            if output.len() - before < room {
                assert_eq!(rest, b"");
                break;
            }
        }
    }
    loop {
        let before = output.len();
        let finished = deflate.finish(&mut output, room)?;
        assert!(output.len() - before <= room);
        if finished {
            return Ok(output.to_vec());
        }
        assert_eq!(output.len() - before, room, "it stops for want of room alone");
    }
}

/// The ways in which a message can arrive: split and room.
const ARRIVALS: [(usize, usize); 8] = [
    (AT_ONCE, usize::MAX),
    (usize::MAX, usize::MAX),
    (1, usize::MAX),
    (AT_ONCE, 300),
    (usize::MAX, 1),
    (1, 1),
    (2, 3),
    (7, 300),
];

/// All of a message, which is known to be all of it.
const AT_ONCE: usize = 1 << 30;
