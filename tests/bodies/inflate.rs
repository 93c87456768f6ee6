//! Decompression: any bytes as the payloads of compressed messages, in any pieces, with any room, for any window.
//!
//! Input: the window and the limit (2 bytes), a seed for the pieces (2), and messages, each with its length in front (2).

use flate2::{Decompress, FlushDecompress};
use sockeye::bytes::BytesMut;
use sockeye::deflate::{Corrupt, Deflate, Direction, Options, Parameters};

use super::cursor::{Cursor, Sizes};
use super::{Seed, seed};
use crate::common::inflate::{Inflater, Report};

/// * The same messages and the same error in any pieces, with all the room at once or a little at a time.
/// * A message is never longer than the limit, and its memory never more than twice that.
/// * A decompressor by the letter of RFC 1951 sees the same messages and the same end; where there is no final block,
///   `flate2` sees them as well.
pub fn run(input: &[u8]) {
    let mut cursor = Cursor::new(input);
    let window = cursor.byte();
    let direction = Direction::new(8 + (window & 7), window & 8 != 0);
    let limit = cursor.one_of(&[1 << 16, 0, 1, 1000]);
    let sizes = cursor.number();
    let mut payloads = Vec::new();
    while !cursor.is_empty() {
        let length = cursor.number();
        payloads.push(cursor.take(length.into()));
    }

    let expected = messages(direction, limit, &payloads, |_| {}, |payload| vec![payload], || limit);
    let by_byte = messages(direction, limit, &payloads, |_| {}, |payload| payload.chunks(1).collect(), || limit);
    assert_eq!(by_byte, expected, "byte by byte");
    let (mut pieces, mut rooms) = (Sizes::new(sizes), Sizes::new(!sizes));
    let split = messages(direction, limit, &payloads, |_| {}, |payload| pieces.split(payload), || rooms.size());
    assert_eq!(split, expected, "in pieces, with little room");
    let reaches = judge(direction, limit, &payloads, &expected);
    // What reaches back further than was agreed on may be forgotten with what is released.
    if !reaches {
        let released = messages(direction, limit, &payloads, Deflate::release_idle, |payload| vec![payload], || limit);
        assert_eq!(released, expected, "with the memory given back before each message");
    }
}

/// What came of the messages, up to the first that did not end well.
#[derive(Debug, PartialEq)]
struct Outcome {
    messages: Vec<Vec<u8>>,
    /// What there is of the message that failed, and why.
    failed: Option<(Vec<u8>, Failure)>,
}

#[derive(Debug, PartialEq)]
enum Failure {
    TooLong,
    Corrupt(Corrupt),
}

fn messages<'a>(
    direction: Direction,
    limit: usize,
    payloads: &[&'a [u8]],
    before: impl Fn(&mut Deflate),
    mut split: impl FnMut(&'a [u8]) -> Vec<&'a [u8]>,
    mut room: impl FnMut() -> usize,
) -> Outcome {
    let parameters = Parameters { local: direction, remote: direction };
    let mut deflate = Deflate::new(parameters, &Options::new());
    let mut messages = Vec::new();
    for payload in payloads {
        before(&mut deflate);
        let mut message = BytesMut::new();
        let result =
            split(payload).into_iter().try_for_each(|piece| take(&mut deflate, piece, &mut message, limit, &mut room));
        let result = result.and_then(|()| finish(&mut deflate, &mut message, limit, &mut room));
        assert!(message.len() <= limit && message.capacity() <= 2 * limit + 64, "{} for {limit}", message.capacity());
        match result {
            Ok(()) => messages.push(message.to_vec()),
            Err(failure) => {
                if let Failure::Corrupt(corrupt) = failure {
                    assert_eq!(deflate.inflate(b"\xf2\x48", &mut message, 9), Err(corrupt), "an error is final");
                    assert_eq!(deflate.finish(&mut message, 9), Err(corrupt), "an error is final");
                }
                return Outcome { messages, failed: Some((message.to_vec(), failure)) };
            }
        }
    }
    Outcome { messages, failed: None }
}

/// Decompresses a piece, with as much room at a time as `room` says, and no more than the limit in all.
fn take(
    deflate: &mut Deflate,
    mut piece: &[u8],
    message: &mut BytesMut,
    limit: usize,
    room: &mut impl FnMut() -> usize,
) -> Result<(), Failure> {
    loop {
        let left = limit - message.len();
        let room = room().min(left);
        let before = message.len();
        let progress = deflate.inflate(piece, message, room).map_err(Failure::Corrupt)?;
        assert!(message.len() - before <= room && progress.consumed <= piece.len());
        piece = &piece[progress.consumed..];
        if message.len() - before < room {
            assert!(piece.is_empty(), "it stops where the room does and not before");
            return Ok(());
        }
        if room == left {
            return if piece.is_empty() { Ok(()) } else { Err(Failure::TooLong) };
        }
    }
}

fn finish(
    deflate: &mut Deflate,
    message: &mut BytesMut,
    limit: usize,
    room: &mut impl FnMut() -> usize,
) -> Result<(), Failure> {
    loop {
        let left = limit - message.len();
        let room = room().min(left);
        if deflate.finish(message, room).map_err(Failure::Corrupt)? {
            return Ok(());
        }
        if room == left {
            return Err(Failure::TooLong);
        }
    }
}

/// Holds the outcome against the other decompressors. Whether a message reaches back further than was agreed on.
fn judge(direction: Direction, limit: usize, payloads: &[&[u8]], outcome: &Outcome) -> bool {
    let (mut history, mut flate2, mut finals) = (Vec::new(), Decompress::new(false), 0);
    for (index, payload) in payloads.iter().enumerate() {
        if !direction.context_takeover() {
            history.clear();
            flate2.reset(false);
        }
        let start = history.len();
        let mut inflater = Inflater::default();
        let is_valid = inflater.inflate(payload, &mut history, usize::MAX).is_ok();
        let reaches = inflater.report().farthest > direction.window();
        let report = if is_valid { inflater.finish() } else { None };
        // Whoever reaches back further than it promised is understood or not.
        if reaches && report.is_some() {
            return true;
        }
        let message = &history[start..];
        match (outcome.messages.get(index), report) {
            (Some(ours), Some(Report { finals: count, .. })) => {
                assert_eq!(ours, message, "message {index}");
                finals += count;
                if finals == 0 {
                    check_flate2(&mut flate2, payload, ours);
                }
            }
            (Some(_), None) => panic!("message {index} is not valid: {payload:x?}"),
            (None, report) => {
                let (came, failure) = outcome.failed.as_ref().expect("the outcome ends with a failure");
                match (failure, report) {
                    (Failure::TooLong, Some(_)) => assert!(message.len() > limit && message.starts_with(came)),
                    (Failure::TooLong, None) | (Failure::Corrupt(_), None) => {}
                    // A fault is not looked for behind the limit, and a message can be too long before its fault.
                    (Failure::Corrupt(corrupt), Some(_)) => panic!("message {index} is valid: {payload:x?}, {corrupt}"),
                }
                return reaches;
            }
        }
    }
    assert_eq!(outcome.failed, None);
    false
}

fn check_flate2(flate2: &mut Decompress, payload: &[u8], message: &[u8]) {
    if payload.is_empty() {
        return;
    }
    let input = [payload, &[0x00, 0x00, 0xff, 0xff]].concat();
    let mut other = Vec::with_capacity(message.len() + 64);
    let before = flate2.total_in();
    while flate2.total_in() - before < input.len() as u64 {
        let at = (flate2.total_in() - before) as usize;
        let status = flate2.decompress_vec(&input[at..], &mut other, FlushDecompress::Sync);
        assert!(status.is_ok() && other.len() <= message.len(), "{status:?} of flate2 at {at} of {payload:x?}");
    }
    assert_eq!(other, message, "flate2 sees the same");
}

pub fn seeds() -> Vec<Seed> {
    let long = [&[0b1][..], &[0, 0, 0xff, 0xff]].concat();
    let cases: [(&str, &[&[u8]]); 24] = [
        ("rfc7692-7.2.3.1", &[b"\xf2\x48\xcd\xc9\xc9\x07\x00"]),
        ("rfc7692-7.2.3.2", &[b"\xf2\x48\xcd\xc9\xc9\x07\x00", b"\xf2\x00\x11\x00\x00"]),
        ("rfc7692-7.2.3.3", &[b"\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00"]),
        ("rfc7692-7.2.3.4", &[b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00", b"\xf2\x00\x11\x00\x00"]),
        ("rfc7692-7.2.3.5", &[b"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"]),
        ("rfc7692-7.2.3.6", &[b"\x00", b"\x02\x00"]),
        ("final-without-tail", &[b"\xf3\x48\xcd\xc9\xc9\x07\x00", b"\xf2\x00\x11\x00\x00"]),
        ("many-finals", &[b"\x03\x00\x03\x00\x03\x00\x03\x00\x00"]),
        ("nothing", &[b"", b"", b"\x00"]),
        ("cut-off", &[b"\xf2\x48\xcd"]),
        ("ends-at-a-block", &[b"\xf2\x48\xcd\xc9\xc9\x07"]),
        ("stored-takes-the-tail", &[b"\x00\x04\x00\xfb\xff"]),
        ("stored-wrong-length", &[b"\x00\x04\x00\xfb\xfe"]),
        ("stored-final", &[b"\x01", b"\xf2\x48\xcd\xc9\xc9\x07\x00"]),
        ("reserved-type", &[b"\x06\x00"]),
        ("too-far-back", &[b"\xf2\x00\x11\x00\x00"]),
        ("distance-code-30", &[b"\xf2\x40\xde\x03\x00"]),
        ("length-code-286", &[b"\xf2\x18\x03\x00"]),
        ("dynamic", &[&[4, 0x80, 0x89, 0, 0, 0, 0, 0, 0x10, 0x6A, 0, 0, 0]]),
        ("dynamic-too-many", &[b"\xfc\xff\xff\xff"]),
        ("tail-in-the-payload", &[&long]),
        ("tail-twice", &[b"\x00\x00\x00\xff\xff\x00\x00\x00\xff\xff\x00"]),
        ("not-deflate", &[b"Hello, this is not DEFLATE at all"]),
        ("run", &[b"\xec\xc1\x01\x01\x00\x00\x00\x80\x90\xfe\xaf\xee\x08\x0a\x00"]),
    ];
    let mut seeds: Vec<Seed> = cases
        .iter()
        .enumerate()
        .map(|(index, (name, payloads))| {
            let start = [[15, 0, 1, index as u8], [0, 3, 1, index as u8]][index % 2];
            (name.to_string(), [&start[..], &join(payloads)].concat())
        })
        .collect();
    for (name, level, bits, takeover) in [("prose-1", 1, 9, true), ("prose-6", 6, 15, true), ("prose-9", 9, 12, false)]
    {
        let direction = Direction::new(bits, takeover);
        let options = Options::new().threshold(0).level(level).memory_level(8);
        let mut deflate = Deflate::new(Parameters { local: direction, remote: direction }, &options);
        let mut payloads = Vec::new();
        for text in
            ["물고기가 강을 거슬러 오른다. ".repeat(20), "The salmon swims up the river. ".repeat(12), "물고기".into()]
        {
            let mut payload = BytesMut::new();
            if deflate.compress(text.as_bytes(), true, &mut payload) {
                payloads.push(payload.to_vec());
            }
        }
        let payloads: Vec<&[u8]> = payloads.iter().map(|payload| &payload[..]).collect();
        let window = (bits - 8) | if takeover { 8 } else { 0 };
        seeds.push(seed(name, &[&[window, 0, 5, bits], &join(&payloads)]));
    }
    seeds
}

/// Payloads with their lengths in front.
fn join(payloads: &[&[u8]]) -> Vec<u8> {
    payloads.iter().flat_map(|payload| [&(payload.len() as u16).to_be_bytes()[..], payload].concat()).collect()
}
