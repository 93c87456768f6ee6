//! The receive path: any bytes of the peer's, in any reads, through both doors.
//!
//! Input: choices (5 bytes, see [`Setup::read`]), a seed for the reads (2), the peer's bytes. With the bit 5 of the second
//! choice [`REPEAT`] in the peer's bytes, with two bytes behind it, stands for a repetition: see [`repeated`].

use sockeye::bytes::BytesMut;
use sockeye::deflate::{Direction, Options, Parameters};
use sockeye::{CloseCode, Config, Duty, Ending, Error, Message, Role};

use super::cursor::{Cursor, Sizes};
use super::stream::{self, Limits, Reading};
use super::{Seed, seed};
use crate::common::{
    BINARY, CLOSE, CONTINUATION, DOORS, Door, End, Frame, PING, PONG, Seen, TEXT, close, connection, drain, header,
    masked, part, whole,
};

pub fn server(input: &[u8]) {
    run(Role::Server, input);
}

pub fn client(input: &[u8]) {
    run(Role::Client, input);
}

/// * The events, the output, the error and the ending are those of the run with one read through the door for whole
///   messages.
/// * What is seen is what a plain reader sees, up to the place where that refuses; the error is one that it has, and there
///   is one where it has one. What goes out is legal, and echoes are what was seen.
/// * After an error nothing is received and nothing sent.
/// * The memory is bounded by what came and by the message's limit.
fn run(role: Role, input: &[u8]) {
    let mut cursor = Cursor::new(input);
    let setup = Setup::read(role, &mut cursor);
    let (mut sizes, rest) = (Sizes::new(cursor.number()), cursor.rest());
    let bytes = &if setup.repeats { repeated(rest) } else { rest.to_vec() };
    let remote = setup.deflate.as_ref().map(|(parameters, _)| parameters.remote);
    let reading = &stream::read(role.peer(), remote, setup.limits, bytes);

    let expected = setup.outcome(|end| setup.read_all(end, Door::Whole, bytes), bytes, reading);
    expected.check(&setup, reading);
    // Long inputs in more bytes at a time: the runs would take too long.
    let size = 1 + bytes.len() / 2048;
    for door in DOORS {
        let by_byte = |end: &mut End| bytes.chunks(size).for_each(|read| setup.read_all(end, door, read));
        assert_eq!(setup.outcome(by_byte, bytes, reading), expected, "{size} at a time, {door:?}");
        let pieces = sizes.split(bytes);
        let in_reads = |end: &mut End| pieces.iter().for_each(|read| setup.read_all(end, door, read));
        assert_eq!(setup.outcome(in_reads, bytes, reading), expected, "in reads, {door:?}");
    }
    // Through either door in turn, and with other memory from read to read.
    let pieces = sizes.split(bytes);
    let mut releases = 0..RELEASES;
    let mixed = |end: &mut End| {
        for read in pieces {
            match sizes.below(4) {
                0 => end.inbox.release(),
                1 => drop(end.inbox.exchange(BytesMut::zeroed(sizes.below(200)))),
                _ => {}
            }
            let door = DOORS[sizes.below(2)];
            end.inbox.extend(read);
            loop {
                // What reaches back further than was agreed on may be forgotten with it.
                if !reading.reaches && sizes.below(3) == 0 && releases.next().is_some() {
                    end.connection.release_idle();
                }
                if !setup.step(end, door) {
                    break;
                }
            }
        }
        setup.read_all(end, Door::Pieces, &[]);
    };
    let mut outcome = setup.outcome(mixed, bytes, reading);
    // A compressor that has begun anew finds other words for the same.
    assert_eq!(setup.messages(&outcome.sent), setup.messages(&expected.sent), "through either door");
    outcome.sent.clone_from(&expected.sent);
    assert_eq!(outcome, expected, "through either door");
}

/// What `bytes` stand for where they may repeat themselves: behind [`REPEAT`] come how many of the bytes before it are
/// repeated, less one, and how many times 256 bytes that makes. So a short input has long frames, and many of them.
fn repeated(bytes: &[u8]) -> Vec<u8> {
    let mut all = Vec::new();
    let mut cursor = Cursor::new(bytes);
    while !cursor.is_empty() {
        match cursor.byte() {
            REPEAT => {
                let (back, count) = (1 + usize::from(cursor.byte()), 256 * usize::from(cursor.byte()));
                let again = all[all.len().saturating_sub(back)..].to_vec();
                let room = LONGEST.saturating_sub(all.len());
                all.extend(again.iter().cycle().take(count.min(room)));
            }
            byte => all.push(byte),
        }
    }
    all
}

/// No byte of UTF-8, and none that begins a frame that may be taken.
const REPEAT: u8 = 0xF5;

/// The most bytes that repetitions make: a frame whose length takes eight bytes, and two strides of the engine's.
const LONGEST: usize = 72 << 10;

/// So many are echoed, and as often the memory of compression is given back: each makes a compressor's work anew.
const ECHOES: usize = 500;
const RELEASES: usize = 50;

struct Setup {
    role: Role,
    config: Config,
    limits: Limits,
    deflate: Option<(Parameters, Options)>,
    before: Before,
    echoes: bool,
    repeats: bool,
}

/// What the end has done before it reads.
#[derive(Clone, Copy)]
enum Before {
    Nothing,
    Close,
    Fragment,
    Ping,
}

impl Setup {
    fn read(role: Role, cursor: &mut Cursor<'_>) -> Self {
        let (compression, manners) = (cursor.byte(), cursor.byte());
        let bit = |byte: u8, bit: u8| byte >> bit & 1 == 1;
        let remote = Direction::new(8 + (compression >> 1 & 7), bit(compression, 4));
        let local = Direction::new(if bit(compression, 6) { 15 } else { 9 }, bit(compression, 5));
        let options = Options::new().threshold(0).memory_level(1);
        let limits = Limits {
            message: cursor.one_of(&[1 << 16, 5, 1000, 1 << 18]),
            frame: cursor.one_of(&[1 << 24, 5, 125, 70_000]),
            fragments: cursor.one_of(&[1 << 17, 1, 2, 5]),
        };
        Self {
            role,
            config: Config::default()
                .message_limit(limits.message)
                .frame_limit(limits.frame)
                .fragment_limit(limits.fragments)
                .auto_pong(!bit(manners, 0))
                .auto_close(!bit(manners, 1)),
            limits,
            deflate: bit(compression, 0).then_some((Parameters { local, remote }, options)),
            before: [Before::Nothing, Before::Close, Before::Fragment, Before::Ping][usize::from(manners >> 2 & 3)],
            echoes: bit(manners, 4),
            repeats: bit(manners, 5),
        }
    }

    fn outcome(&self, read: impl FnOnce(&mut End), bytes: &[u8], reading: &Reading) -> Outcome {
        let mut end = End::with(self.role, &self.config);
        if let Some((parameters, options)) = &self.deflate {
            end.connection = connection(self.role, &self.config).with_deflate(*parameters, options);
        }
        let End { connection, outbox, .. } = &mut end;
        match self.before {
            Before::Nothing => {}
            Before::Close => connection.close(None, outbox).unwrap(),
            Before::Fragment => connection.send_text_fragment("begun, ", false, outbox).unwrap(),
            Before::Ping => connection.ping(b"there?", outbox).unwrap(),
        }
        read(&mut end);
        assert!(end.error.is_none() || end.inbox.is_empty(), "nothing is kept after {:?}", end.error);
        if let (Some((opcode, data)), false) = (&end.open, reading.reaches) {
            let is_same = |(kind, all): &(u8, Vec<u8>)| kind == opcode && all.starts_with(data);
            assert!(reading.open.as_ref().is_some_and(is_same), "in pieces {data:x?}, read {:x?}", reading.open);
        }
        let connection = &end.connection;
        let outcome = Outcome {
            error: end.error,
            is_open: connection.is_open(),
            duty: connection.duty(),
            ending: connection.ending(),
            sent: drain(&mut end.outbox),
            seen: std::mem::take(&mut end.seen),
        };
        assert!(end.inbox.capacity() <= 4 * bytes.len() + 256, "{:?} after {} bytes", end.inbox, bytes.len());
        assert!(end.inbox.len() as u64 <= bytes.len() as u64 + self.limits.message, "{:?}", end.inbox);
        if outcome.ending.is_some() {
            end.read(Door::Pieces, &whole(self.role.peer(), PING, "late"));
            assert!(end.seen.is_empty() && end.outbox.is_empty() && end.inbox.is_empty(), "after {:?}", end.error);
            assert_eq!(end.error, outcome.error);
        }
        outcome
    }

    /// What this end has said.
    fn messages(&self, sent: &[u8]) -> Vec<Seen> {
        let local = self.deflate.as_ref().map(|(parameters, _)| parameters.local);
        stream::messages(self.role, local, sent)
    }

    /// Bytes arrive, and all that can be received is.
    fn read_all(&self, end: &mut End, door: Door, bytes: &[u8]) {
        end.inbox.extend(bytes);
        while self.step(end, door) {}
    }

    /// Receives once, and what is a message goes back. Whether there was anything.
    fn step(&self, end: &mut End, door: Door) -> bool {
        if !end.step(door) {
            return false;
        }
        let End { connection, outbox, seen, open, .. } = end;
        let echoes = self.echoes && open.is_none() && seen.len() <= ECHOES;
        let sent = match seen.last() {
            Some(Seen::Text(text)) if echoes => connection.send_text(text, outbox),
            Some(Seen::Binary(data)) if echoes => connection.send(&Message::binary(data.clone()), outbox),
            _ => Ok(()),
        };
        assert!(matches!(sent, Ok(()) | Err(Error::Misuse(_))), "{sent:?}");
        true
    }
}

/// All that can be told of an end from outside.
#[derive(Debug, PartialEq)]
struct Outcome {
    error: Option<Error>,
    is_open: bool,
    duty: Duty,
    ending: Option<Ending>,
    sent: Vec<u8>,
    seen: Vec<Seen>,
}

impl Outcome {
    fn check(&self, setup: &Setup, reading: &Reading) {
        let is_close = |seen: &Seen| matches!(seen, Seen::Close(_));
        let sent = setup.messages(&self.sent);
        let is_data = |seen: &&Seen| matches!(seen, Seen::Text(_) | Seen::Binary(_));
        let (mut echoes, mut messages) = (sent.iter().filter(is_data), self.seen.iter().filter(is_data));
        assert!(echoes.all(|echo| messages.next() == Some(echo)), "sent {sent:?}, seen {:?}", self.seen);
        let is_long = |seen: &Seen| is_data(&seen) && seen.wire().1.len() as u64 > setup.limits.message;
        assert!(!self.seen.iter().any(is_long), "longer than {}: {:?}", setup.limits.message, self.seen);
        if reading.reaches {
            assert!(self.seen.starts_with(&reading.seen), "seen {:?}, read {reading:?}", self.seen);
        } else {
            assert_eq!(self.seen, reading.seen, "what is taken is legal, and means what the RFCs say: {reading:?}");
            let is_due = match self.error {
                Some(error) => {
                    reading.faults.iter().any(|fault| fault.is(error) && error.close_code() == Some(fault.code()))
                }
                None => reading.faults.is_empty(),
            };
            assert!(is_due, "{:?} where {:?} are due", self.error, reading.faults);
        }
        match self.error {
            Some(error) => {
                assert!(matches!(error, Error::Protocol(_) | Error::Limit(_)), "{error:?} is not of the peer's making");
                assert!(!error.to_string().is_empty());
                let ending = self.ending.expect("a failure is an end");
                assert!(!ending.clean && !self.is_open && self.duty == Duty::ShutDown);
                // Section 7.1.7: a close frame with the code, unless one was sent before.
                let closed = matches!(setup.before, Before::Close);
                let code = if closed { Some(CloseCode::NO_STATUS) } else { error.close_code() };
                assert_eq!(ending.sent, code);
                let said = if closed { None } else { code.map(|code| (code.number(), String::new())) };
                assert!(sent.contains(&Seen::Close(said)), "the peer hears {code:?}: {sent:?}");
            }
            None => {
                assert_eq!(self.ending.is_some_and(|ending| ending.clean), self.ending.is_some());
            }
        }
        let pings = self.seen.iter().filter(|seen| matches!(seen, Seen::Ping(_))).count();
        let pongs = sent.iter().filter(|seen| matches!(seen, Seen::Pong(_))).count();
        assert!(pongs <= pings, "section 5.5.3: one pong at most for each ping");
        let closes = self.seen.iter().position(is_close);
        assert!(
            closes.is_none_or(|at| at + 1 == self.seen.len()),
            "section 1.4: nothing is received after a close frame"
        );
    }
}

pub fn server_seeds() -> Vec<Seed> {
    seeds(Role::Client)
}

pub fn client_seeds() -> Vec<Seed> {
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
