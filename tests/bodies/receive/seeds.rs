//! Bytes to start from.

use sockeye::deflate::{Direction, Options, Parameters};
use sockeye::{Config, Role};

use super::REPEAT;
use crate::bodies::{Seed, seed};
use crate::common::{
    BINARY, CLOSE, CONTINUATION, End, Frame, PING, PONG, TEXT, close, connection, drain, header, masked, part, whole,
};

pub fn server() -> Vec<Seed> {
    seeds(Role::Client)
}

pub fn client() -> Vec<Seed> {
    seeds(Role::Server)
}

/// What `peer` sends: the examples of the RFCs, and one case or two of each chapter of the Autobahn suite.
fn seeds(peer: Role) -> Vec<Seed> {
    let plain = [0; 7];
    let mask = (peer == Role::Client).then_some([0x37, 0xfa, 0x21, 0x3d]);
    let frame = |fin, reserved, opcode, payload: &[u8]| {
        Frame { fin, reserved, opcode, mask, payload: payload.to_vec() }.bytes()
    };
    let declared = |length| header(true, 0, BINARY, mask, length);
    // With a mask that changes nothing, for payloads that repeat themselves.
    let bare = |opcode, length| header(true, 0, opcode, mask.map(|_| [0; 4]), length);
    let reads: [u8; 7] = [0, 0, 0, 0, 0, 0x12, 0x34];
    let echoes: [u8; 7] = [0, 0x10, 0, 0, 0, 0x12, 0x34];
    let mut seeds = vec![
        seed("rfc6455-5.7-text", &[&plain, &whole(peer, TEXT, "Hello")]),
        seed("rfc6455-5.7-fragments", &[&plain, &part(peer, TEXT, "Hel"), &whole(peer, CONTINUATION, "lo")]),
        seed("rfc6455-5.7-ping", &[&plain, &whole(peer, PING, "Hello"), &whole(peer, PONG, "Hello")]),
        seed("rfc6455-5.7-256", &[&reads, &whole(peer, BINARY, [7; 256])]),
        seed("rfc6455-5.7-64k", &[&reads, &declared(65536), &[0; 40]]),
        seed("autobahn-1-empty", &[&echoes, &whole(peer, TEXT, ""), &whole(peer, BINARY, "")]),
        seed("autobahn-1-125", &[&echoes, &whole(peer, TEXT, [b'*'; 125]), &whole(peer, BINARY, [0xFE; 126])]),
        seed("autobahn-2-ten-pings", &[&reads, &whole(peer, PING, [b'p'; 125]).repeat(10)]),
        seed("autobahn-2-long-ping", &[&plain, &whole(peer, PING, [b'p'; 126])]),
        seed("autobahn-3-reserved", &[&echoes, &whole(peer, TEXT, "good"), &frame(true, 0b010, TEXT, b"bad")]),
        seed("autobahn-4-opcode", &[&echoes, &whole(peer, TEXT, "good"), &frame(true, 0, 3, b"bad")]),
        seed("autobahn-4-control-opcode", &[&plain, &frame(true, 0, 0xB, b"bad")]),
        seed("autobahn-5-fragmented-ping", &[&plain, &part(peer, PING, "fragment"), &whole(peer, CONTINUATION, "2")]),
        seed(
            "autobahn-5-ping-between",
            &[&echoes, &part(peer, TEXT, "one "), &whole(peer, PING, "?"), &whole(peer, CONTINUATION, "two")],
        ),
        seed("autobahn-5-nothing-to-continue", &[&plain, &whole(peer, CONTINUATION, "what")]),
        seed("autobahn-5-interleaved", &[&plain, &part(peer, TEXT, "one"), &whole(peer, TEXT, "two")]),
        seed(
            "autobahn-6-fragments",
            &[
                &echoes,
                &part(peer, TEXT, b"\xCE\xBA\xE1"),
                &part(peer, CONTINUATION, b"\xBD"),
                &whole(peer, CONTINUATION, b"\xB9"),
            ],
        ),
        seed(
            "autobahn-6-invalid",
            &[&plain, &part(peer, TEXT, b"\xCE\xBA\xED\xA0"), &whole(peer, CONTINUATION, b"\x80")],
        ),
        seed("autobahn-6-unfinished", &[&plain, &whole(peer, TEXT, b"\xF0\x9F\x90")]),
        seed("autobahn-7-close", &[&plain, &close(peer, 1000, "done"), &whole(peer, PING, "late")]),
        seed("autobahn-7-no-code", &[&plain, &whole(peer, CLOSE, "")]),
        seed("autobahn-7-short-close", &[&plain, &whole(peer, CLOSE, "\x03")]),
        seed("autobahn-7-bad-code", &[&plain, &close(peer, 1006, "")]),
        seed("autobahn-7-own-code", &[&plain, &close(peer, 4999, "")]),
        seed("autobahn-7-bad-reason", &[&plain, &close(peer, 1000, b"\xCE\xBA\xED\xA0\x80")]),
        seed("autobahn-7-open-message", &[&plain, &part(peer, TEXT, "frag"), &close(peer, 1001, "")]),
        seed(
            "autobahn-9-fragments",
            &[&reads, &part(peer, BINARY, [1; 64]), &part(peer, CONTINUATION, [2; 64]).repeat(8)],
        ),
        seed("length-not-minimal", &[&plain, &[0x82, if mask.is_some() { 0xFE } else { 126 }, 0, 5, 0, 0, 0, 0]]),
        seed("length-2-to-62", &[&plain, &declared(1 << 62)]),
        seed("length-top-bit", &[&plain, &declared(1 << 63)]),
        seed("wrong-mask", &[&plain, &whole(peer.peer(), TEXT, "Hello")]),
        seed("limit-message", &[&[0, 0, 1, 0, 0, 0, 1], &part(peer, TEXT, "123"), &whole(peer, CONTINUATION, "456")]),
        seed("limit-frame", &[&[0, 0, 0, 1, 0, 0, 1], &whole(peer, BINARY, "123456")]),
        seed(
            "limit-frame-exactly",
            &[&[0, 0, 0, 1, 0, 0, 1], &whole(peer, BINARY, "12345"), &part(peer, BINARY, "12345")],
        ),
        seed("limit-fragments", &[&[0, 0, 0, 0, 1, 0, 1], &part(peer, TEXT, ""), &part(peer, CONTINUATION, "")]),
        seed("no-auto", &[&[0, 3, 0, 0, 0, 0, 1], &whole(peer, PING, "?"), &close(peer, 1000, "")]),
        seed(
            "after-close",
            &[&[0, 4, 0, 0, 0, 0, 1], &whole(peer, TEXT, "late"), &whole(peer, PING, "?"), &close(peer, 1000, "")],
        ),
        seed(
            "good-before-bad",
            &[
                &echoes,
                &whole(peer, TEXT, "good"),
                &part(peer, TEXT, b"\xCE\xBA"),
                &whole(peer, PING, "?"),
                &part(peer, CONTINUATION, b"\xE1\xBD"),
                &whole(peer, PONG, ""),
                &whole(peer, CONTINUATION, b"\xED\xA0"),
                &close(peer, 1000, "late"),
            ],
        ),
        seed("wrong-before-all-is-there", &[&reads, &bare(TEXT, 1000), b"abc\xFF"]),
        seed("incomplete", &[&reads, &whole(peer, TEXT, "good"), &bare(TEXT, 1000), b"abc\xCE"]),
        seed("while-sending", &[&[0, 8, 0, 0, 0, 0, 1], &whole(peer, PING, "?"), &frame(true, 1, TEXT, b"")]),
    ];

    // Repetitions of the last bytes, so many times 256 of them.
    let long: [u8; 7] = [0, 0x20, 0, 0, 0, 0x12, 0x34];
    let long_echoes: [u8; 7] = [0, 0x30, 3, 0, 0, 0x12, 0x34];
    let again = |back: usize, count| [REPEAT, (back - 1) as u8, count];
    let (first, next) = (part(peer, TEXT, "on and "), part(peer, CONTINUATION, "on and "));
    let ping = whole(peer, PING, "?");
    let key = masked(b"abcd", mask.unwrap_or_default());
    seeds.extend([
        seed("long-binary", &[&long_echoes, &bare(BINARY, 1 + 256 * 270), b"x", &again(1, 255), &again(1, 15)]),
        seed("long-masked", &[&long_echoes, &declared(4 + 256 * 200), &key, &again(4, 200), &ping]),
        seed("long-text", &[&long_echoes, &bare(TEXT, 3 + 256 * 150), "물".as_bytes(), &again(3, 150), &ping]),
        seed("long-wrong-text", &[&long, &bare(TEXT, 4 + 256 * 150), "물".as_bytes(), &again(3, 150), b"\xFF", &ping]),
        seed("long-incomplete", &[&long_echoes, &bare(BINARY, 90_000), b"x", &again(1, 160)]),
        seed(
            "long-limit-frame",
            &[
                &[0, 0x20, 3, 3, 0, 0, 1],
                &bare(BINARY, 69_889),
                b"x",
                &again(1, 255),
                &again(1, 18),
                &bare(BINARY, 70_001),
            ],
        ),
        seed(
            "long-limit-message",
            &[&long, &bare(BINARY, 65_536), b"x", &again(1, 255), &[b'x'; 255], &declared(65_537)],
        ),
        seed("many-messages", &[&long_echoes, &whole(peer, BINARY, "ab"), &again(whole(peer, BINARY, "ab").len(), 8)]),
        seed(
            "many-fragments",
            &[&long, &first, &next, &again(next.len(), next.len() as u8), &whole(peer, CONTINUATION, "on")],
        ),
        seed(
            "many-pings-between",
            &[&long, &first, &ping, &again(ping.len(), ping.len() as u8), &whole(peer, CONTINUATION, "on")],
        ),
    ]);

    // Compressed: all windows of 15 bits, with context takeover.
    let deflate: [u8; 7] = [0x7F, 0x10, 0, 0, 0, 0x12, 0x34];
    let no_takeover: [u8; 7] = [0x0F, 0x10, 0, 0, 0, 0x12, 0x34];
    let compressed = |payload: &[u8]| frame(true, 0b100, TEXT, payload);
    let six = b"\x4a\x4c\x04\x01\x00";
    let hello = b"\xf2\x48\xcd\xc9\xc9\x07\x00";
    seeds.extend([
        seed("rfc7692-7.2.3.1", &[&deflate, &compressed(hello)]),
        seed(
            "rfc7692-7.2.3.1-fragments",
            &[&deflate, &frame(false, 0b100, TEXT, &hello[..3]), &whole(peer, CONTINUATION, &hello[3..])],
        ),
        seed("rfc7692-7.2.3.2", &[&deflate, &compressed(hello), &compressed(b"\xf2\x00\x11\x00\x00")]),
        seed("rfc7692-7.2.3.2-no-takeover", &[&no_takeover, &compressed(hello), &compressed(b"\xf2\x00\x11\x00\x00")]),
        seed("rfc7692-7.2.3.3-stored", &[&deflate, &compressed(b"\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00")]),
        seed(
            "rfc7692-7.2.3.4-bfinal",
            &[&deflate, &compressed(b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00"), &compressed(hello)],
        ),
        seed(
            "rfc7692-7.2.3.5-two-blocks",
            &[&deflate, &compressed(b"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00")],
        ),
        seed("rfc7692-7.2.3.6-empty", &[&deflate, &compressed(b"\x00"), &compressed(b"\x02\x00")]),
        seed("deflate-empty-payload", &[&deflate, &compressed(b""), &compressed(hello)]),
        seed("deflate-plain-between", &[&deflate, &compressed(hello), &whole(peer, TEXT, "Hello"), &compressed(hello)]),
        seed(
            "deflate-reserved-on-continuation",
            &[&deflate, &frame(false, 0b100, TEXT, &hello[..3]), &frame(true, 0b100, CONTINUATION, &hello[3..])],
        ),
        seed("deflate-reserved-on-ping", &[&deflate, &frame(true, 0b100, PING, b"")]),
        seed("deflate-unfinished", &[&deflate, &compressed(&hello[..5])]),
        seed("deflate-corrupt", &[&deflate, &compressed(b"\xff\xff\xff")]),
        seed("deflate-bomb", &[&deflate, &bomb(peer)]),
        seed("deflate-limit-exactly", &[&[0x7F, 0, 1, 0, 0, 0, 1], &compressed(hello), &ping]),
        seed(
            "deflate-good-before-bad",
            &[&deflate, &compressed(hello), &ping, &frame(true, 0b100, BINARY, b"\xf2\xff\xff"), &ping],
        ),
        seed(
            "deflate-limit-by-one",
            &[&[0x7F, 0, 1, 0, 0, 0, 1], &compressed(&[b"\x00\x06\x00\xf9\xff", &b"abcdef\x00"[..]].concat())],
        ),
        // The match goes past the limit, and no byte of the payload behind it has come yet.
        seed(
            "deflate-limit-in-a-match",
            &[
                &[0x7F, 0, 1, 0, 0, 0, 1],
                &frame(false, 0b100, TEXT, &six[..4]),
                &ping,
                &whole(peer, CONTINUATION, &six[4..]),
            ],
        ),
        seed("deflate-wrong-text", &[&deflate, &compressed(b"\x00\x05\x00\xfa\xffabc\xff"), &ping]),
        seed(
            "deflate-wrong-before-all-is-there",
            &[&deflate, &frame(false, 0b100, TEXT, b"\x06"), &ping, &whole(peer, CONTINUATION, b"\x00")],
        ),
        seed("deflate-frame-limit", &[&[0x7F, 0, 0, 1, 0, 0, 1], &header(true, 0b100, TEXT, mask, 1031)]),
        seed(
            "deflate-long-stored",
            &[
                &[0x7F, 0x30, 3, 0, 0, 0x12, 0x34],
                &header(true, 0b100, BINARY, mask.map(|_| [0; 4]), 2 * (5 + 1 + 256 * 130) + 1),
                b"\x00\x01\x82\xfe\x7dx",
                &again(1, 130),
                b"\x00\x01\x82\xfe\x7dy",
                &again(1, 130),
                b"\x00",
                &compressed(b"\xf2\x48\xcd\xc9\xc9\x07\x00"),
            ],
        ),
        seed(
            "deflate-limit",
            &[&[0x7F, 0, 1, 0, 0, 0, 1], &compressed(hello), &compressed(b"\x4a\xd4\x51\x48\x04\x00")],
        ),
    ]);
    // What is released between these is referred to by the next.
    for (name, bits, start) in
        [("deflate-release", 15, [0x7F, 0, 0, 0, 0, 0, 3]), ("deflate-release-9", 9, [0x13, 0x10, 0, 0, 0, 0, 9])]
    {
        seeds.push(seed(
            name,
            &[&start, &verses(peer, bits), &compressed(b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00"), &verses(peer, bits)],
        ));
    }
    seeds
}

/// A song, of which each message has to do with the last, as an end of this crate sends it.
fn verses(peer: Role, bits: u8) -> Vec<u8> {
    let mut end = compressing(peer, bits);
    for line in 0..16 {
        let verse = format!("{line} salmon swim up the river, and the river is {line} miles long. ");
        end.connection.send_text(&verse, &mut end.outbox).unwrap();
    }
    drain(&mut end.outbox)
}

/// A message of 200,000 zeros, as an end of this crate sends it.
fn bomb(peer: Role) -> Vec<u8> {
    let mut end = compressing(peer, 15);
    end.connection.send_binary(&[0; 200_000], &mut end.outbox).unwrap();
    drain(&mut end.outbox)
}

fn compressing(peer: Role, bits: u8) -> End {
    let direction = Direction::new(bits, true);
    let parameters = Parameters { local: direction, remote: direction };
    let mut end = End::new(peer);
    end.connection = connection(peer, &Config::default()).with_deflate(parameters, &Options::new().threshold(0));
    end
}
