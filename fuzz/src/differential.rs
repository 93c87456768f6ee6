//! The same bytes to this engine, to tungstenite and to fastwebsockets.
//!
//! Input: choices (1 byte: the role, and whether what this engine sends waits until all has come), the bytes that the
//! peer of all three sends. Nothing is compressed, as the others cannot, and all are given a limit of [`LIMIT`] bytes
//! for a frame and for a message. A last frame that is not whole is made whole: this engine fails at the first wrong
//! byte, and the others when they have the frame.
//!
//! All three have to see the same messages and control frames, to fail for the same reason or not at all, and to send
//! the same pongs and the same close code. Where they do not, there has to be a row in [`table`] for it, with the
//! section that decides.

mod fast;
mod table;
mod tungsten;
mod wire;

use sockeye::close::CloseError;
use sockeye::{Config, Error, Protocol, Role};

pub use self::table::decided_by;
use self::table::{Case, Peer};
use self::wire::Frame;
use crate::bodies::cursor::Cursor;
use crate::bodies::{Seed, receive};
use crate::common::{BINARY, CONTINUATION, Door, End, KEY, PING, PONG, Seen, TEXT, close, drain, header, part, whole};

/// The most bytes in a frame and in a message, of all three.
pub const LIMIT: usize = 1 << 16;

/// What an implementation made of the bytes.
#[derive(Debug, PartialEq)]
pub struct Outcome {
    /// What it handed out.
    pub seen: Vec<Seen>,
    pub failure: Option<Failure>,
    /// The payloads of the pongs that it sent.
    pub pongs: Vec<Vec<u8>>,
    /// The close frame that it sent, with a code or without.
    pub close: Option<Option<u16>>,
}

impl Outcome {
    fn new(role: Role, seen: Vec<Seen>, failure: Option<Failure>, written: &[u8]) -> Self {
        let (pongs, close) = wire::sent(role, written);
        Self { seen, failure, pongs, close }
    }
}

/// Why a connection failed, as far as the errors of all three tell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Failure {
    Protocol,
    Text,
    TooLarge,
}

impl Failure {
    fn of(error: Error) -> Self {
        match error {
            Error::Protocol(Protocol::InvalidText(_) | Protocol::Close(CloseError::Reason)) => Self::Text,
            Error::Protocol(_) => Self::Protocol,
            Error::Limit(_) => Self::TooLarge,
            _ => panic!("{error:?} is not of the peer's making"),
        }
    }

    /// RFC 6455 section 7.4.1.
    fn code(self) -> u16 {
        match self {
            Self::Protocol => 1002,
            Self::Text => 1007,
            Self::TooLarge => 1009,
        }
    }
}

/// The rows of the table that it took.
pub fn run(input: &[u8]) -> Vec<usize> {
    let mut cursor = Cursor::new(input);
    let choices = cursor.byte();
    let role = if choices & 1 == 0 { Role::Server } else { Role::Client };
    let waits = choices & 2 != 0;
    let frames = Frame::split(cursor.rest());
    let bytes: Vec<u8> = frames.iter().flat_map(|frame| &frame.bytes).copied().collect();
    let (ours, fault) = run_ours(role, &frames, waits);
    if let Some((error, frame)) = fault {
        assert!(frame.shows(error, role), "as {role:?}: {error:?} at {frame:?}");
        let code = Failure::of(error).code();
        assert_eq!(ours.close, Some(Some(code)), "section 7.1.7: the peer hears why: {error:?}");
    }
    let mut rows = Vec::new();
    for (peer, theirs) in
        [(Peer::Tungstenite, tungsten::run(role, &bytes)), (Peer::FastWebSockets, fast::run(role, &bytes))]
    {
        let case = Case { peer, role, frames: &frames, ours: &ours, fault, theirs: &theirs, waits };
        if !case.is_same() {
            let row = case.row();
            rows.push(row.unwrap_or_else(|| panic!("{peer:?} as {role:?}: {theirs:?}\nours: {ours:?} {fault:?}")));
        }
    }
    rows
}

/// This engine, frame by frame, so that it is known which one fails it.
fn run_ours(role: Role, frames: &[Frame], waits: bool) -> (Outcome, Option<(Error, &Frame)>) {
    let mut end = End::with(role, &Config::default().frame_limit(LIMIT as u64).message_limit(LIMIT as u64));
    let (mut written, mut fault) = (Vec::new(), None);
    for frame in frames {
        end.read(Door::Whole, &frame.bytes);
        fault = fault.or(end.error.map(|error| (error, frame)));
        if !waits {
            written.extend(drain(&mut end.outbox));
        }
    }
    written.extend(drain(&mut end.outbox));
    (Outcome::new(role, end.seen, end.error.map(Failure::of), &written), fault)
}

/// Those of the receive path that need no other limits, and no compression, and its own.
pub fn seeds() -> Vec<Seed> {
    [(Role::Server, "server", receive::seeds::server()), (Role::Client, "client", receive::seeds::client())]
        .into_iter()
        .flat_map(|(role, side, seeds)| {
            let received = seeds
                .into_iter()
                .filter(|(_, bytes)| bytes[0] == 0 && bytes[1] & 0xF == 0 && bytes[2..5] == [0; 3])
                .map(|(name, bytes)| (name, 0, bytes[7..].to_vec()));
            let own = own_seeds(role.peer()).map(|(name, waits, bytes)| (name.to_string(), waits, bytes));
            received.chain(own).map(move |(name, waits, bytes)| {
                let choices = waits << 1 | u8::from(role == Role::Client);
                (format!("{side}-{name}"), [&[choices], &bytes[..]].concat())
            })
        })
        .collect()
}

/// What `peer` sends, and whether the answers wait.
fn own_seeds(peer: Role) -> [(&'static str, u8, Vec<u8>); 9] {
    let pings: Vec<u8> = (0..40).flat_map(|i| whole(peer, PING, [i; 125])).collect();
    // Made whole, it is one byte longer than the limit with the fragment before it.
    let mask = (peer == Role::Client).then_some(KEY);
    let rest = header(true, 0, CONTINUATION, mask, LIMIT as u64);
    [
        ("forty-pings", 0, pings.clone()),
        ("forty-pings-that-wait", 1, pings),
        ("ping-before-failure-that-waits", 1, [whole(peer, PING, "last"), whole(peer, TEXT, [0xFF])].concat()),
        ("bad-code-and-reason", 0, close(peer, 999, [0xFF])),
        ("bad-text-in-message", 0, [part(peer, BINARY, "open"), whole(peer, TEXT, [0xFF])].concat()),
        ("fragment-in-message", 0, [part(peer, BINARY, "open"), part(peer, TEXT, "open, too")].concat()),
        ("unfinished-fragments", 0, [part(peer, TEXT, "fish: "), whole(peer, CONTINUATION, b"\xF0\x9F\x90")].concat()),
        ("long-pong", 0, whole(peer, PONG, [b'p'; 126])),
        ("long-fragments", 0, [part(peer, BINARY, "1"), rest].concat()),
    ]
}
