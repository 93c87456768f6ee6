//! The receive path: any bytes of the peer's, in any reads, through both doors.
//!
//! Input: choices (5 bytes, see [`Setup::read`]), a seed for the reads (2), the peer's bytes.

use sockeye::bytes::BytesMut;
use sockeye::deflate::{Direction, Options, Parameters};
use sockeye::{Config, Duty, Ending, Error, Message, Role};

use super::cursor::{Cursor, Sizes};
use super::{Seed, seed, stream};
use crate::common::{
    BINARY, CLOSE, CONTINUATION, DOORS, Door, End, Frame, PING, PONG, Seen, TEXT, close, connection, drain, header,
    part, whole,
};

pub fn server(input: &[u8]) {
    run(Role::Server, input);
}

pub fn client(input: &[u8]) {
    run(Role::Client, input);
}

/// * The events, the output, the error and the ending are those of the run with one read through the door for whole
///   messages.
/// * What is taken is legal, and means what a plain reader says; so does what goes out, where echoes are what was seen.
/// * After an error nothing is received and nothing sent.
/// * The memory is bounded by what came and by the message's limit.
fn run(role: Role, input: &[u8]) {
    let mut cursor = Cursor::new(input);
    let setup = Setup::read(role, &mut cursor);
    let (mut sizes, bytes) = (Sizes::new(cursor.number()), cursor.rest());

    let expected = setup.outcome(|end| setup.read_all(end, Door::Whole, bytes), bytes);
    expected.check(&setup, bytes);
    for door in DOORS {
        let outcome = setup.outcome(|end| bytes.chunks(1).for_each(|byte| setup.read_all(end, door, byte)), bytes);
        assert_eq!(outcome, expected, "byte by byte, {door:?}");
        let pieces = sizes.split(bytes);
        let outcome = setup.outcome(|end| pieces.iter().for_each(|read| setup.read_all(end, door, read)), bytes);
        assert_eq!(outcome, expected, "in reads, {door:?}");
    }
    // Through either door in turn, and with other memory from read to read.
    let pieces = sizes.split(bytes);
    let mixed = |end: &mut End| {
        for read in pieces {
            match sizes.below(4) {
                0 => end.inbox.release(),
                1 => drop(end.inbox.exchange(BytesMut::zeroed(sizes.below(200)))),
                _ => {}
            }
            setup.read_all(end, DOORS[sizes.below(2)], read);
        }
        setup.read_all(end, Door::Pieces, &[]);
    };
    assert_eq!(setup.outcome(mixed, bytes), expected, "through either door");
}

struct Setup {
    role: Role,
    config: Config,
    message_limit: u64,
    deflate: Option<(Parameters, Options)>,
    before: Before,
    echoes: bool,
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
        let message_limit = cursor.one_of(&[1 << 16, 5, 1000, 1 << 18]);
        Self {
            role,
            config: Config::default()
                .message_limit(message_limit)
                .frame_limit(cursor.one_of(&[1 << 24, 5, 125, 70_000]))
                .fragment_limit(cursor.one_of(&[1 << 17, 1, 2, 5]))
                .auto_pong(!bit(manners, 0))
                .auto_close(!bit(manners, 1)),
            message_limit,
            deflate: bit(compression, 0).then_some((Parameters { local, remote }, options)),
            before: [Before::Nothing, Before::Close, Before::Fragment, Before::Ping][usize::from(manners >> 2 & 3)],
            echoes: bit(manners, 4),
        }
    }

    fn outcome(&self, read: impl FnOnce(&mut End), bytes: &[u8]) -> Outcome {
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
        assert!(end.inbox.len() as u64 <= bytes.len() as u64 + self.message_limit, "{:?}", end.inbox);
        if outcome.ending.is_some() {
            end.read(Door::Pieces, &whole(self.role.peer(), PING, "late"));
            assert!(end.seen.is_empty() && end.outbox.is_empty() && end.inbox.is_empty(), "after {:?}", end.error);
            assert_eq!(end.error, outcome.error);
        }
        outcome
    }

    /// Bytes arrive, all that can be received is, and what is a message goes back.
    fn read_all(&self, end: &mut End, door: Door, bytes: &[u8]) {
        end.inbox.extend(bytes);
        while end.step(door) {
            let End { connection, outbox, seen, open, .. } = end;
            let sent = match seen.last() {
                Some(Seen::Text(text)) if self.echoes && open.is_none() => connection.send_text(text, outbox),
                Some(Seen::Binary(data)) if self.echoes && open.is_none() => {
                    connection.send(&Message::binary(data.clone()), outbox)
                }
                _ => Ok(()),
            };
            assert!(matches!(sent, Ok(()) | Err(Error::Misuse(_))), "{sent:?}");
        }
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
    fn check(&self, setup: &Setup, bytes: &[u8]) {
        let is_close = |seen: &Seen| matches!(seen, Seen::Close(_));
        let local = setup.deflate.as_ref().map(|(parameters, _)| parameters.local);
        let sent = stream::messages(setup.role, local, &self.sent);
        let is_data = |seen: &&Seen| matches!(seen, Seen::Text(_) | Seen::Binary(_));
        let (mut echoes, mut messages) = (sent.iter().filter(is_data), self.seen.iter().filter(is_data));
        assert!(echoes.all(|echo| messages.next() == Some(echo)), "sent {sent:?}, seen {:?}", self.seen);
        let is_long = |seen: &Seen| is_data(&seen) && seen.wire().1.len() as u64 > setup.message_limit;
        assert!(!self.seen.iter().any(is_long), "longer than {}: {:?}", setup.message_limit, self.seen);
        match self.error {
            Some(error) => {
                assert!(matches!(error, Error::Protocol(_) | Error::Limit(_)), "{error:?} is not of the peer's making");
                assert!(!error.to_string().is_empty());
                let ending = self.ending.expect("a failure is an end");
                assert!(!ending.clean && !self.is_open && self.duty == Duty::ShutDown);
                // Section 7.1.7: a close frame with the code, unless one was sent before.
                let code = if matches!(setup.before, Before::Close) {
                    Some(sockeye::CloseCode::NO_STATUS)
                } else {
                    error.close_code()
                };
                assert_eq!(ending.sent, code);
                assert!(sent.iter().any(is_close));
            }
            None => {
                assert_eq!(self.ending.is_some_and(|ending| ending.clean), self.ending.is_some());
                let remote = setup.deflate.as_ref().map(|(parameters, _)| parameters.remote);
                let said = stream::messages(setup.role.peer(), remote, stream::taken(bytes));
                assert_eq!(self.seen, said, "what is taken is legal, and means what the RFCs say");
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
        seed("limit-fragments", &[&[0, 0, 0, 0, 1, 0, 1], &part(peer, TEXT, ""), &part(peer, CONTINUATION, "")]),
        seed("no-auto", &[&[0, 3, 0, 0, 0, 0, 1], &whole(peer, PING, "?"), &close(peer, 1000, "")]),
        seed(
            "after-close",
            &[&[0, 4, 0, 0, 0, 0, 1], &whole(peer, TEXT, "late"), &whole(peer, PING, "?"), &close(peer, 1000, "")],
        ),
        seed("while-sending", &[&[0, 8, 0, 0, 0, 0, 1], &whole(peer, PING, "?"), &frame(true, 1, TEXT, b"")]),
    ];

    // Compressed: all windows of 15 bits, with context takeover.
    let deflate: [u8; 7] = [0x7F, 0x10, 0, 0, 0, 0x12, 0x34];
    let no_takeover: [u8; 7] = [0x0F, 0x10, 0, 0, 0, 0x12, 0x34];
    let compressed = |payload: &[u8]| frame(true, 0b100, TEXT, payload);
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
        seed(
            "deflate-limit",
            &[&[0x7F, 0, 1, 0, 0, 0, 1], &compressed(hello), &compressed(b"\x4a\xd4\x51\x48\x04\x00")],
        ),
    ]);
    seeds
}

/// A message of 200,000 zeros, as an end of this crate sends it.
fn bomb(peer: Role) -> Vec<u8> {
    let direction = Direction::new(15, true);
    let parameters = Parameters { local: direction, remote: direction };
    let mut end = End::new(peer);
    end.connection = connection(peer, &Config::default()).with_deflate(parameters, &Options::new());
    end.connection.send_binary(&[0; 200_000], &mut end.outbox).unwrap();
    drain(&mut end.outbox)
}
