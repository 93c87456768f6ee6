use alloc::{format, vec};

use super::*;

/// A megabyte in a kilobyte.
fn bomb() -> Vec<u8> {
    compress(&mut deflate(15, true), &[&[0; 1 << 20]])
}

#[test]
fn a_bomb_costs_the_room_and_no_more() {
    let bomb = bomb();
    assert!(bomb.len() < 1100, "{} octets", bomb.len());
    for room in [0, 1, 2, 255, 256, 257, 4096, 65_537, (1 << 20) - 1] {
        let mut end = deflate(15, true);
        let mut output = BytesMut::new();
        let progress = end.inflate(&bomb, &mut output, room).expect("valid so far");
        assert_eq!(output.len(), room);
        assert!(output.capacity() <= (2 * room).max(1024), "{}", output.capacity());
        // Asking again with no room brings nothing, and does no harm.
        let rest = &bomb[progress.consumed..];
        let progress = end.inflate(rest, &mut output, 0).expect("valid so far");
        let rest = &rest[progress.consumed..];
        assert_eq!(output.len(), room);
        if rest.is_empty() {
            assert_eq!(end.finish(&mut output, 0), Ok(false));
        }
        let progress = end.inflate(rest, &mut output, usize::MAX).expect("valid");
        assert_eq!(progress.consumed, rest.len());
        assert_eq!(end.finish(&mut output, usize::MAX), Ok(true));
        assert_eq!(output.len(), 1 << 20);
    }
}

#[test]
fn what_there_was_no_room_for_comes_at_the_end() {
    for length in [2, 258, 259, 600] {
        let payload = compress(&mut deflate(15, true), &[&vec![0; length]]);
        for room in 0..length {
            let mut end = deflate(15, true);
            let mut output = BytesMut::new();
            if end.inflate(&payload, &mut output, room).expect("valid").consumed == payload.len() {
                assert_eq!(end.finish(&mut output, usize::MAX), Ok(true), "{length} octets after {room}");
                assert_eq!(output, vec![0; length][..]);
            }
        }
    }
}

#[test]
fn a_message_that_is_cut_off_is_corrupt_where_no_room_is_left_too() {
    let payload = compress(&mut deflate(15, true), &[b"salmon, salmon, sockeye"]);
    for end in 1..payload.len() {
        let mut deflate = deflate(15, true);
        let mut output = BytesMut::new();
        assert!(deflate.inflate(&payload[..end], &mut output, usize::MAX).is_ok(), "{end} octets are valid so far");
        assert!(deflate.finish(&mut output, 0).is_err(), "{end} octets");
    }
}

/// A block as it is stored, not the last.
fn block(data: &[u8]) -> Vec<u8> {
    let length = data.len() as u16;
    [&[0][..], &length.to_le_bytes(), &(!length).to_le_bytes(), data].concat()
}

/// Stored blocks have their ends where a test wants them.
#[test]
fn a_message_of_any_blocks_ends_with_its_last_octet() {
    for (first, second) in (0..24).flat_map(|first| (0..48).map(move |second| (first, second))) {
        let data = [vec![b'a'; first], vec![b'b'; second]];
        let message = [block(&data[0]), block(&[]), block(&data[1]), [0].to_vec()].concat();
        let output = decompress(&mut deflate(15, true), &message, AT_ONCE, usize::MAX);
        assert_eq!(output, Ok(data.concat()), "blocks of {first}, 0 and {second} octets");
    }
    for length in 240..280 {
        let message = [block(&vec![b'a'; length - 6]), [0].to_vec()].concat();
        let output = decompress(&mut deflate(15, true), &message, AT_ONCE, usize::MAX);
        assert_eq!(output, Ok(vec![b'a'; length - 6]), "{length} octets");
    }
}

#[test]
fn a_block_that_takes_the_tail_for_its_data_is_cut_off() {
    for missing in 1..=4 {
        let message = block(&[b'a'; 10]);
        for (length, message) in [(missing as u16, block(&[])), (10 + missing as u16, message)] {
            let mut message = message;
            message[1..3].copy_from_slice(&length.to_le_bytes());
            message[3..5].copy_from_slice(&(!length).to_le_bytes());
            let output = decompress(&mut deflate(15, true), &message, AT_ONCE, usize::MAX);
            assert!(output.is_err(), "{missing} octets of a block of {length}: {output:?}");
        }
    }
}

#[test]
fn a_message_that_is_there_at_once_goes_behind_what_is_there_already() {
    let payload = compress(&mut deflate(15, true), &[b"sockeye"]);
    for room in [8, usize::MAX] {
        let mut output = BytesMut::from(&b"salmon, "[..]);
        let mut end = deflate(15, true);
        let result = written(&mut output, |output| end.inflate_last_to(&payload, output, room));
        assert!(matches!(result, Ok((progress, true)) if progress.consumed == payload.len()), "{result:?}");
        assert_eq!(output, b"salmon, sockeye"[..]);
    }
}

#[test]
fn a_limit_is_exact_to_the_octet() {
    for length in [0usize, 1, 2, 257, 258, 259, 516, 1000, 65_536] {
        for payload in [compress(&mut deflate(15, true), &[&vec_of(length)]), stored(&vec_of(length))] {
            for limit in [length.saturating_sub(1), length, length + 1] {
                for split in [1, 3, usize::MAX] {
                    let mut end = deflate(15, true);
                    let mut output = BytesMut::new();
                    let mut whole = true;
                    for piece in payload.chunks(split.min(payload.len())) {
                        let room = limit - output.len();
                        let progress = end.inflate(piece, &mut output, room).expect("valid");
                        if progress.consumed < piece.len() {
                            whole = false;
                            break;
                        }
                    }
                    let room = limit - output.len();
                    whole = whole && end.finish(&mut output, room).expect("valid");
                    assert_eq!(whole, length <= limit, "{length} of {limit} by {split}");
                    assert_eq!(output.len(), length.min(limit));
                }
            }
        }
    }
}

fn vec_of(length: usize) -> Vec<u8> {
    (0..length).map(|i| (i / 100) as u8).collect()
}

/// A message in blocks without compression, of 1000 octets each.
fn stored(message: &[u8]) -> Vec<u8> {
    let mut payload = Vec::new();
    for piece in message.chunks(1000) {
        let length = piece.len() as u16;
        payload.push(0x00);
        payload.extend_from_slice(&length.to_le_bytes());
        payload.extend_from_slice(&(!length).to_le_bytes());
        payload.extend_from_slice(piece);
    }
    payload.push(0x00);
    payload
}

#[test]
fn corrupt_data_says_where() {
    let cases: [(&str, &[u8], u64); 6] = [
        ("the reserved type of block", &[0x06], 1),
        ("the same after a valid block", &[0x00, 0x00, 0x00, 0xff, 0xff, 0x06], 6),
        ("a stored length without its complement", &[0x00, 0x05, 0x00, 0x05, 0x00], 5),
        ("a match before the first octet", &[0x02, 0x02, 0x00, 0x00], 2),
        ("a code of too many lengths", &[0xfc, 0xff, 0xff], 3),
        ("the same after a final block", &[0x03, 0x00, 0x06], 3),
    ];
    for (what, payload, at) in cases {
        for split in [1, usize::MAX, AT_ONCE] {
            for trailing in [0, 1, 100] {
                let mut data = payload.to_vec();
                data.resize(data.len() + trailing, 0);
                let mut end = deflate(15, true);
                let came = decompress(&mut end, &data, split, usize::MAX);
                let error = came.expect_err(what);
                assert_eq!(error.at, at, "{what}, split by {split}, {trailing} trailing");
                assert!(format!("{error}").contains(&format!("{}", error.at)));
                // Final, whatever comes.
                let mut output = BytesMut::new();
                assert_eq!(end.inflate(b"", &mut output, 1), Err(error));
                assert_eq!(end.inflate(&[0x00], &mut output, 1), Err(error));
                assert_eq!(end.finish(&mut output, 1), Err(error));
                end.release_idle();
                assert_eq!(end.finish(&mut output, 1), Err(error));
            }
        }
    }
}

#[test]
fn a_message_that_was_cut_off_is_not_taken_for_whole() {
    let message = b"Hello, hello, hello: a message that is long enough for one dynamic block".repeat(9);
    for payload in [
        compress(&mut deflate(15, true), &[&message]),
        compress(&mut deflate(15, true), &[&message[..50], &message[50..]]),
        stored(&message[..100]),
    ] {
        // Between two blocks a part is a message of its own, which the oracle finds as well.
        for length in 1..=payload.len() {
            let part = &payload[..length];
            let expected = oracle::Oracle::new(1 << 15, true).message(part);
            for (split, room) in [(AT_ONCE, usize::MAX), (usize::MAX, usize::MAX), (1, 1), (7, 300)] {
                let came = decompress(&mut deflate(15, true), part, split, room);
                assert_eq!(came.ok(), expected.clone().ok(), "{length} of {}", payload.len());
            }
        }
    }
}

#[test]
fn a_tail_that_is_taken_for_codes_and_for_a_match_is_found_out() {
    let mut bits = Vec::new();
    let mut put = |value: u32, count: u32| bits.extend((0..count).map(|i| value >> i & 1 == 1));
    // Two empty blocks of the fixed code align what follows.
    for _ in 0..2 {
        put(0b010, 3);
        put(0, 7);
    }
    // A block of its own codes: 258 for literals and lengths, 4 for distances, 19 to describe them.
    put(0b100, 3);
    put(1, 5);
    put(3, 5);
    put(15, 4);
    // They are described by 18 (zeros) in one bit, 1 and 2 in two.
    let order: [u32; 19] = core::array::from_fn(|index| match index {
        2 => 1,
        15 | 17 => 2,
        _ => 0,
    });
    for length in order {
        put(length, 3);
    }
    // One code of one bit, and 233 without any.
    put(0b01, 2);
    put((138 - 11) << 1, 8);
    put((95 - 11) << 1, 8);
    // What is missing is in the tail, to the bit: 22 zeros, six codes of two bits, and a match.
    let mut payload = stored(b"Hello");
    payload.pop();
    for octet in bits.chunks(8) {
        assert_eq!(octet.len(), 8);
        payload.push(octet.iter().rev().fold(0, |sum, &bit| sum << 1 | u8::from(bit)));
    }
    let mut rest = payload.clone();
    rest.extend_from_slice(&[0x00, 0x00, 0xff, 0xff]);
    let mut output = BytesMut::new();
    let progress = deflate(15, true).inflate(&rest, &mut output, usize::MAX);
    assert_eq!(progress.map(|p| p.consumed), Ok(rest.len()));
    assert_eq!(output, b"Helloell"[..], "the tail makes sense as data");

    for (split, room) in ARRIVALS {
        let came = decompress(&mut deflate(15, true), &payload, split, room);
        assert!(came.is_err(), "{came:?}");
    }
    let mut end = deflate(15, true);
    let progress = end.inflate(&payload, &mut output, 5);
    assert_eq!(progress.map(|p| p.consumed), Ok(payload.len()));
    assert!(end.finish(&mut output, 0).is_err());
}

#[test]
fn a_tail_that_is_taken_for_octets_and_the_end_of_a_block_is_found_out() {
    let mut bits = Vec::new();
    let mut put = |value: u32, count: u32| bits.extend((0..count).map(|i| value >> i & 1 == 1));
    // Three empty blocks of the fixed code align what follows.
    for _ in 0..3 {
        put(0b010, 3);
        put(0, 7);
    }
    // A block of its own codes: 257 for literals, 1 for distances, 19 to describe them, of which 16 have four bits.
    put(0b100, 3);
    put(0, 5);
    put(0, 5);
    put(15, 4);
    for symbol in [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15] {
        put(if symbol < 16 { 4 } else { 0 }, 3);
    }
    // Of the zeros in the tail each is an A, and of the ones ten are the end of the block: no bit says that it was cut off.
    for symbol in 0..=257 {
        let length: u32 = match symbol {
            65..75 => symbol - 64,
            256 => 10,
            257 => 1,
            _ => 0,
        };
        put(length.reverse_bits() >> 28, 4);
    }
    let payload: Vec<u8> =
        bits.chunks(8).map(|octet| octet.iter().rev().fold(0, |sum, &bit| sum << 1 | u8::from(bit))).collect();
    assert_eq!(bits.len() % 8, 0);
    let mut rest = payload.clone();
    rest.extend_from_slice(&[0x00, 0x00, 0xff, 0xff]);
    let mut output = BytesMut::new();
    // Only the bits that are left over make no block.
    assert!(deflate(15, true).inflate(&rest, &mut output, usize::MAX).is_err());
    assert_eq!(output, [b'A'; 16][..], "the tail makes sense as data");

    for (split, room) in ARRIVALS {
        let came = decompress(&mut deflate(15, true), &payload, split, room);
        assert!(came.is_err(), "{came:?}");
    }
}

#[test]
fn many_final_blocks_are_still_linear_work() {
    // An empty final block in two octets: as many restarts as a peer can ask for.
    let mut end = deflate(15, true);
    let window = vec_of(1 << 15);
    assert!(decompress(&mut end, &stored(&window), usize::MAX, usize::MAX).is_ok());
    let payload = [0x03, 0x00].repeat(5000);
    let came = decompress(&mut end, &payload, usize::MAX, usize::MAX);
    assert_eq!(came.as_deref(), Ok(&b""[..]));
}

#[test]
fn no_payload_panics_whatever_it_is() {
    let compressed = compress(&mut deflate(15, true), &[&vec_of(5000)]);
    let mut state = 1u32;
    let mut random = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state >> 8
    };
    let small = compress(&mut deflate(15, true), &[b"a small message that has a few repetitions, repetitions"]);
    for round in 0..4000 {
        let mut payload = match round % 4 {
            0 => compressed.clone(),
            1 => stored(&vec_of(2000)),
            2 => small.clone(),
            _ => (0..random() % 200).map(|_| random() as u8).collect(),
        };
        if !payload.is_empty() {
            for _ in 0..1 + random() % 4 {
                let at = random() as usize % payload.len();
                payload[at] ^= 1 << (random() % 8);
            }
        }
        let [whole, by_octets, at_once] = [usize::MAX, 1, AT_ONCE].map(|split| {
            let mut end = deflate(15, round % 2 == 0);
            let first = decompress(&mut end, &payload, split, usize::MAX);
            (first, decompress(&mut end, &small, split, usize::MAX))
        });
        assert_eq!((&by_octets, &at_once), (&whole, &whole), "{payload:?}");
        let (whole, _) = whole;
        let oracle = oracle::Oracle::new(1 << 15, false).message(&payload);
        if let Ok(message) = whole
            && !payload.is_empty()
            && oracle.is_ok()
        {
            assert_eq!(Ok(message), oracle);
        }
    }
}
