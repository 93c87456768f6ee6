use super::*;

/// RFC 7692 section 7.2.3: what is said there to be a payload, and the message it stands for. Each list
/// is one connection.
const EXAMPLES: [(&str, &[Message]); 6] = [
    ("7.2.3.1", &[(HELLO, b"Hello")]),
    ("7.2.3.2", &[(HELLO, b"Hello"), (&[0xf2, 0x00, 0x11, 0x00, 0x00], b"Hello")]),
    ("7.2.3.3", &[(&[0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00], b"Hello")]),
    ("7.2.3.4", &[(FINAL, b"Hello")]),
    ("7.2.3.5", &[(TWO_BLOCKS, b"Hello")]),
    ("7.2.3.6", &[(&[0x00], b"")]),
];
/// A payload and what it stands for.
type Message = (&'static [u8], &'static [u8]);
const HELLO: &[u8] = &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
const FINAL: &[u8] = &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00];
const TWO_BLOCKS: &[u8] = &[0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00];

#[test]
fn rule_71_the_examples_of_the_standard_are_understood() {
    for (section, messages) in EXAMPLES {
        for (split, room) in ARRIVALS {
            for (window_bits, context_takeover) in [(8, true), (15, true), (8, false), (15, false)] {
                if section == "7.2.3.2" && !context_takeover {
                    continue;
                }
                let mut end = deflate(window_bits, context_takeover);
                for _ in 0..2 {
                    for (payload, message) in messages {
                        let came = decompress(&mut end, payload, split, room);
                        assert_eq!(came.as_deref(), Ok(*message), "{section} {split} {room}");
                    }
                }
            }
        }
    }
}

#[test]
fn rule_69_the_examples_of_the_standard_are_what_we_send() {
    assert_eq!(compress(&mut deflate(15, true), &[b"Hello"]), HELLO);
    let mut end = deflate(15, false);
    for _ in 0..2 {
        let mut payload = BytesMut::new();
        // Five octets do not become shorter in seven, so they travel as they are.
        assert!(!end.compress(b"Hello", true, &mut payload));
        assert_eq!(compress(&mut end, &[b"Hello", b""]), TWO_PARTS);
    }
    assert_eq!(compress(&mut deflate(15, true), &[b"He", b"llo"]), TWO_BLOCKS);
    assert_eq!(compress(&mut deflate(15, true), &[b""]), [0x00]);
    assert_eq!(compress(&mut deflate(15, true), &[b"", b"", b""]), [0x00]);
    let mut end = deflate(15, true);
    let first = compress(&mut end, &[b"Hello, World, Hello"]);
    let second = compress(&mut end, &[b"Hello, World, Hello"]);
    assert!(second.len() < first.len() / 2, "the window is shared");
}
/// The whole of a flush stays at the end of a fragment that is not the last.
const TWO_PARTS: &[u8] = &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00, 0x00, 0xff, 0xff, 0x00];

/// Section 7.2.1: "the client MUST NOT use an LZ77 sliding window longer than the w-th power of 2 bytes".
#[test]
fn no_match_leaves_the_window_at_any_level() {
    let mut state = 1u32;
    let noise: Vec<u8> = core::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    })
    .take(1 << 16)
    .collect();
    for level in 1..=9 {
        let options = Options::new().threshold(0).level(level);
        for window_bits in 8..=15 {
            // With 8 bits the compressor keeps to repetitions of one octet.
            let window = if window_bits == 8 { 1 } else { 1 << window_bits };
            let mut shortest = usize::MAX;
            // Noise that repeats itself at a distance in and out of the window.
            let edge = 1usize << window_bits;
            for period in [16, 100, edge - 250, edge - 240, edge, edge + 10, edge * 3 / 2] {
                let mut sender = with_options(window_bits, true, &options);
                let mut oracle = oracle::Oracle::new(window, true);
                let mut length = 0;
                for message in [&noise[..period], &noise[..period], &[b'a'; 300], &noise[..20]] {
                    let payload = compress(&mut sender, &[message]);
                    assert_eq!(
                        oracle.message(&payload).as_deref(),
                        Ok(message),
                        "level {level}, {window_bits} bits, period {period}"
                    );
                    length += payload.len();
                }
                shortest = shortest.min(length * 100 / (2 * period + 320));
            }
            // The window is made use of.
            assert!(shortest < 70, "{shortest} % at level {level}, {window_bits} bits");
        }
    }
}

#[test]
fn rule_70_frames_need_not_align_with_the_output() {
    let message = b"a message, a message, a message of many words and many frames".repeat(20);
    let payload = compress(&mut deflate(15, true), &[&message]);
    for split in 1..payload.len() {
        let came = decompress(&mut deflate(15, true), &payload, split, usize::MAX);
        assert_eq!(came.as_deref(), Ok(&message[..]), "{split}");
    }
}

#[test]
fn rule_71_final_blocks_keep_the_window() {
    for (split, room) in ARRIVALS {
        for window_bits in 8..=15 {
            let mut end = deflate(window_bits, true);
            let mut came = |payload: &[u8]| decompress(&mut end, payload, split, room);
            assert_eq!(came(FINAL).as_deref(), Ok(&b"Hello"[..]));
            // The next message refers to what came before the final block,
            assert_eq!(came(&[0xf2, 0x00, 0x11, 0x00, 0x00]).as_deref(), Ok(&b"Hello"[..]));
            // so does a block after a final block in the same message,
            let mut both = FINAL[..7].to_vec();
            both.extend_from_slice(&[0xf2, 0x00, 0x11, 0x00, 0x00]);
            assert_eq!(came(&both).as_deref(), Ok(&b"HelloHello"[..]));
            // and a message that ends without the octet which 7.2.3.4 adds harms nobody.
            assert_eq!(came(&FINAL[..7]).as_deref(), Ok(&b"Hello"[..]));
            assert_eq!(came(HELLO).as_deref(), Ok(&b"Hello"[..]));
        }
    }
}

#[test]
fn an_empty_payload_is_an_empty_message() {
    for context_takeover in [false, true] {
        let mut end = deflate(15, context_takeover);
        for payload in [&b""[..], HELLO, b"", HELLO] {
            let expected: &[u8] = if payload.is_empty() { b"" } else { b"Hello" };
            let came = decompress(&mut end, payload, 1, 2);
            assert_eq!(came.as_deref(), Ok(expected));
        }
    }
}

#[test]
fn rule_72_what_travels_uncompressed_leaves_the_window_alone() {
    let options = Options::new().threshold(100);
    let mut sender = with_options(12, true, &options);
    let mut receiver = with_options(12, true, &options);
    let mut payload = BytesMut::new();
    let long = b"compressed ".repeat(10);
    for _ in 0..3 {
        assert!(!sender.compress(&long[..99], true, &mut payload));
        assert_eq!(payload, b""[..]);
        assert!(sender.compress(&long[..100], true, &mut payload));
        let came = decompress(&mut receiver, &payload.split(), usize::MAX, usize::MAX);
        assert_eq!(came.as_deref(), Ok(&long[..100]));
    }
    // A message of unknown length counts as long, and what was said of it stays said.
    assert!(sender.compress(b"short", false, &mut payload));
    assert!(sender.compress(b"", false, &mut payload));
    assert!(sender.compress(b"", true, &mut payload));
    let came = decompress(&mut receiver, &payload.split(), usize::MAX, usize::MAX);
    assert_eq!(came.as_deref(), Ok(&b"short"[..]));

    let mut never = with_options(12, true, &Options::new().threshold(usize::MAX));
    assert!(!never.compress(&long, false, &mut payload));
    assert!(!never.compress(&long, true, &mut payload));
    assert_eq!(payload, b""[..]);
}

#[test]
fn without_context_takeover_nothing_is_sent_longer_than_it_was() {
    let mut end = deflate(15, false);
    let noise: Vec<u8> = (0..200u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let mut payload = BytesMut::from(&b"before"[..]);
    assert!(!end.compress(&noise, true, &mut payload));
    assert_eq!(payload, b"before"[..]);
    assert!(end.compress(&[b'a'; 200], true, &mut payload));
    let came = decompress(&mut deflate(15, false), &payload[6..], usize::MAX, usize::MAX);
    assert_eq!(came.as_deref(), Ok(&[b'a'; 200][..]));
}

#[test]
fn an_idle_connection_gives_its_contexts_back_and_loses_no_message() {
    for context_takeover in [false, true] {
        let mut sender = deflate(10, context_takeover);
        let mut receiver = deflate(10, context_takeover);
        for round in 0..20 {
            let message = b"the same words again and again, with some change ".repeat(round + 1);
            // The two need not be idle together.
            if round % 2 == 0 {
                sender.release_idle();
            }
            if round % 3 == 0 {
                receiver.release_idle();
            }
            let mut payload = BytesMut::new();
            let (head, tail) = message.split_at(20);
            assert!(sender.compress(head, false, &mut payload));
            sender.release_idle();
            assert!(sender.compress(tail, true, &mut payload));
            let (begin, end) = payload.split_at(10);
            let mut came = BytesMut::new();
            let progress = receiver.inflate(begin, &mut came, usize::MAX);
            assert_eq!(progress.map(|p| p.consumed), Ok(begin.len()));
            receiver.release_idle();
            let progress = receiver.inflate(end, &mut came, usize::MAX);
            assert_eq!(progress.map(|p| p.consumed), Ok(end.len()));
            assert_eq!(receiver.finish(&mut came, usize::MAX), Ok(true));
            assert_eq!(came, message[..]);
        }
    }
}
