//! Frames as a peer writes them, one end to judge, and the ways in which bytes arrive.

use sockeye::bytes::Buf;
use sockeye::deflate::{Deflate, Direction, Options, Parameters};
use sockeye::frame::Header;
use sockeye::mask::Mask;
use sockeye::{CloseCode, Config, Connection, Entropy, Error, Event, Inbox, Message, Opcode, Outbox, Piece, Role};

pub(crate) const ROLES: [Role; 2] = [Role::Server, Role::Client];

/// RSV1, RSV2 and RSV3.
pub(crate) const RSV1: u8 = 0b100;
pub(crate) const RSV2: u8 = 0b010;
pub(crate) const RSV3: u8 = 0b001;

/// A frame that the peer of `role` writes.
pub(crate) fn frame(role: Role, fin: bool, reserved: u8, opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    let mask = (role == Role::Server).then_some([0x37, 0xfa, 0x21, 0x3d]);
    let header = Header { fin, reserved, opcode, mask, length: payload.len() as u64 };
    let mut frame = header.encode().as_slice().to_vec();
    let start = frame.len();
    frame.extend_from_slice(payload);
    if let Some(key) = mask {
        Mask::new(key).apply(&mut frame[start..]);
    }
    frame
}

/// The same window and the same takeover both ways.
pub(crate) fn symmetric(window_bits: u8, context_takeover: bool) -> Parameters {
    let direction = Direction::new(window_bits, context_takeover);
    Parameters { local: direction, remote: direction }
}

/// The options under which every message is compressed.
pub(crate) fn eager() -> Options {
    Options::new().threshold(0).memory_level(8)
}

/// The payload of a compressed message in one frame, from a compressor with the largest window.
pub(crate) fn compressed(message: &[u8]) -> Vec<u8> {
    let mut payload = sockeye::bytes::BytesMut::new();
    assert!(Deflate::new(symmetric(15, true), &eager()).compress(message, true, &mut payload));
    payload.to_vec()
}

/// Keys that are the same in every run.
struct Counter(u8);

impl Entropy for Counter {
    fn fill(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            self.0 = self.0.wrapping_mul(37).wrapping_add(11);
            *byte = self.0;
        }
    }
}

/// A connection without compression.
pub(crate) fn plain(role: Role, config: &Config) -> Connection {
    match role {
        Role::Server => Connection::server(config),
        Role::Client => Connection::client_with_entropy(config, Box::new(Counter(1))),
    }
}

/// A connection with its buffers.
pub(crate) struct End {
    pub(crate) connection: Connection,
    pub(crate) inbox: Inbox,
    pub(crate) outbox: Outbox,
    /// Whether payloads are taken for keeps.
    pub(crate) owned: bool,
    /// What has arrived of the message that is being taken in pieces.
    piece: Vec<u8>,
}

/// What an end was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<CloseCode>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    Whole,
    Pieces,
}

pub(crate) const DOORS: [Door; 2] = [Door::Whole, Door::Pieces];

impl End {
    pub(crate) fn new(connection: Connection) -> Self {
        Self { connection, inbox: Inbox::new(), outbox: Outbox::new(), owned: false, piece: Vec::new() }
    }

    /// What has come of the message under way, through the door for pieces.
    pub(crate) fn piece(&self) -> &[u8] {
        &self.piece
    }

    /// Takes all that can be had now.
    pub(crate) fn take(&mut self, door: Door, seen: &mut Vec<Seen>) -> Result<(), Error> {
        while let Some(one) = self.next(door)? {
            seen.extend(one);
        }
        Ok(())
    }

    /// One event or one piece; the inner `None` is a piece that does not end its message.
    fn next(&mut self, door: Door) -> Result<Option<Option<Seen>>, Error> {
        let Self { connection, inbox, outbox, owned, piece } = self;
        Ok(match door {
            Door::Whole if *owned => connection.receive(inbox, outbox)?.map(|event| {
                Some(match event.into_message() {
                    Message::Text(text) => Seen::Text(text.to_string()),
                    Message::Binary(data) => Seen::Binary(data.to_vec()),
                    Message::Ping(data) => Seen::Ping(data.to_vec()),
                    Message::Pong(data) => Seen::Pong(data.to_vec()),
                    Message::Close(frame) => Seen::Close(frame.map(|frame| frame.code)),
                })
            }),
            Door::Whole => connection.receive(inbox, outbox)?.map(|event| {
                Some(match event {
                    Event::Text(text) => Seen::Text(text.to_string()),
                    Event::Binary(data) => Seen::Binary(data.to_vec()),
                    Event::Ping(data) => Seen::Ping(data.to_vec()),
                    Event::Pong(data) => Seen::Pong(data.to_vec()),
                    Event::Close(frame) => Seen::Close(frame.map(|frame| frame.code)),
                })
            }),
            Door::Pieces => connection.receive_piece(inbox, outbox)?.map(|found| match found {
                Piece::Text { text, last } => {
                    piece.extend_from_slice(text.as_str().as_bytes());
                    last.then(|| Seen::Text(String::from_utf8(std::mem::take(piece)).expect("whole code points")))
                }
                Piece::Binary { data, last } => {
                    if *owned {
                        piece.extend_from_slice(&data.into_bytes());
                    } else {
                        piece.extend_from_slice(&data);
                    }
                    last.then(|| Seen::Binary(std::mem::take(piece)))
                }
                Piece::Ping(data) => Some(Seen::Ping(data.to_vec())),
                Piece::Pong(data) => Some(Seen::Pong(data.to_vec())),
                Piece::Close(frame) => Some(Seen::Close(frame.map(|frame| frame.code))),
            }),
        })
    }

    /// All bytes that wait for the peer.
    pub(crate) fn drain(&mut self) -> Vec<u8> {
        drain(&mut self.outbox)
    }
}

pub(crate) fn drain(outbox: &mut Outbox) -> Vec<u8> {
    let mut bytes = Vec::new();
    while outbox.has_remaining() {
        let chunk = outbox.chunk();
        bytes.extend_from_slice(chunk);
        let count = chunk.len();
        outbox.advance(count);
    }
    bytes
}

/// A frame that was sent: its header and its payload without the mask.
pub(crate) fn frames(mut wire: &[u8]) -> Vec<(Header, Vec<u8>)> {
    let mut frames = Vec::new();
    while let Some((header, size)) = Header::decode(wire).expect("a good header") {
        let end = size + header.length as usize;
        let mut payload = wire[size..end].to_vec();
        if let Some(key) = header.mask {
            Mask::new(key).apply(&mut payload);
        }
        frames.push((header, payload));
        wire = &wire[end..];
    }
    assert!(wire.is_empty(), "whole frames alone");
    frames
}

/// What came of a wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) seen: Vec<Seen>,
    pub(crate) result: Result<(), Error>,
    /// The code of the close frame that this end sent.
    pub(crate) told: Option<CloseCode>,
}

/// Feeds `wire` in pieces that end at `ends`, and asks for events after each.
pub(crate) fn arrive(mut end: End, door: Door, wire: &[u8], ends: impl IntoIterator<Item = usize>) -> Outcome {
    let mut seen = Vec::new();
    let mut start = 0;
    let mut result = Ok(());
    for stop in ends.into_iter().chain([wire.len()]) {
        end.inbox.extend(&wire[start..stop]);
        start = stop;
        result = end.take(door, &mut seen);
    }
    let told = frames(&end.drain()).into_iter().find(|(header, _)| header.opcode == Opcode::Close).map(|(_, body)| {
        body.first_chunk().map_or(CloseCode::NO_STATUS, |&code| CloseCode::new(u16::from_be_bytes(code)))
    });
    Outcome { seen, result, told }
}

/// Feeds `wire` through both doors: whole, byte by byte, in two pieces of every kind where that is affordable, and with
/// a ping behind it. Every way must come to the same; returns what.
pub(crate) fn every_way(make: impl Fn() -> End, wire: &[u8]) -> Outcome {
    let outcome = arrive(make(), Door::Whole, wire, []);
    for door in DOORS {
        let same = |ends: &[usize]| assert_eq!(arrive(make(), door, wire, ends.iter().copied()), outcome, "{ends:?}");
        same(&[]);
        same(&(1..wire.len()).collect::<Vec<_>>());
        if wire.len() <= 400 {
            (1..wire.len()).for_each(|split| same(&[split]));
        }
        let mut trailed = wire.to_vec();
        trailed.extend(frame(make().connection.role(), true, 0, Opcode::Ping, b"tail"));
        let mut expected = outcome.clone();
        if outcome.result.is_ok() {
            expected.seen.push(Seen::Ping(b"tail".to_vec()));
        }
        assert_eq!(arrive(make(), door, &trailed, []), expected);
    }
    outcome
}

/// Text that DEFLATE finds something in, with code points of every length.
pub(crate) fn prose(length: usize) -> String {
    let mut text = String::new();
    let mut seed = 1u32;
    while text.len() < length {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        text.push_str(WORDS[(seed >> 24) as usize % WORDS.len()]);
    }
    let mut end = length;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text
}

/// Bytes that DEFLATE finds nothing in.
pub(crate) fn noise(length: usize) -> Vec<u8> {
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed >> 32) as u8
    };
    (0..length).map(|_| next()).collect()
}

const WORDS: [&str; 12] =
    ["salmon ", "river ", "연어 ", "{\"id\":", "null,", "éé", "𝄞", "upstream and ", "sea\n", "x", "true}", "ocean "];
