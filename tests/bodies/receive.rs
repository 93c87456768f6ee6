//! The receive path: any bytes of the peer's, in any reads, through both doors.
//!
//! Input: choices (5 bytes, see [`Setup::read`]), a seed for the reads (2), the peer's bytes. With the bit 5 of the second
//! choice [`REPEAT`] in the peer's bytes, with two bytes behind it, stands for a repetition: see [`repeated`].

pub mod seeds;

use sockeye::bytes::BytesMut;
use sockeye::deflate::{Direction, Options, Parameters};
use sockeye::{CloseCode, Config, Duty, Ending, Error, Message, Role};

use super::cursor::{Cursor, Sizes};
use super::stream::{self, Limits, Reading};
use crate::common::{DOORS, Door, End, PING, Seen, connection, drain, whole};

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
                if !reading.is_unclear && sizes.below(3) == 0 && releases.next().is_some() {
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
        if let (Some((opcode, data)), false) = (&end.open, reading.is_unclear) {
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
        if reading.is_unclear {
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
