//! What the integration tests share: frames written and read by hand, and one end of a connection with all that it
//! has seen.
#![allow(dead_code, unreachable_pub, reason = "each test program uses a part of it")]

pub mod inflate;

use std::fmt::Debug;

use sockeye::bytes::Buf;
use sockeye::{
    CloseCode, CloseFrame, Config, Connection, Duty, Ending, Entropy, Error, Event, Inbox, Message, Misuse, Outbox,
    Piece, Role, Side,
};

pub const CONTINUATION: u8 = 0x0;
pub const TEXT: u8 = 0x1;
pub const BINARY: u8 = 0x2;
pub const CLOSE: u8 = 0x8;
pub const PING: u8 = 0x9;
pub const PONG: u8 = 0xA;

pub const ROLES: [Role; 2] = [Role::Client, Role::Server];
pub const DOORS: [Door; 2] = [Door::Whole, Door::Pieces];

/// The key of the frames that tests write for a client.
pub const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// A frame as RFC 6455 section 5.2 draws it, independent of the crate's own encoder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    pub fin: bool,
    pub reserved: u8,
    pub opcode: u8,
    pub mask: Option<[u8; 4]>,
    /// Unmasked.
    pub payload: Vec<u8>,
}

impl Frame {
    /// A frame as `from` sends it: masked if that is the client.
    pub fn new(from: Role, fin: bool, opcode: u8, payload: impl AsRef<[u8]>) -> Self {
        let mask = (from == Role::Client).then_some(KEY);
        Self { fin, reserved: 0, opcode, mask, payload: payload.as_ref().to_vec() }
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = header(self.fin, self.reserved, self.opcode, self.mask, self.payload.len() as u64);
        bytes.extend(masked(&self.payload, self.mask.unwrap_or_default()));
        bytes
    }

    /// The frame without its key, which differs by who sent it.
    pub fn shape(&self) -> (bool, u8, u8, Vec<u8>) {
        (self.fin, self.reserved, self.opcode, self.payload.clone())
    }
}

/// The bytes of a whole message or a control frame, as `from` sends it.
pub fn whole(from: Role, opcode: u8, payload: impl AsRef<[u8]>) -> Vec<u8> {
    Frame::new(from, true, opcode, payload).bytes()
}

/// The bytes of a fragment that is not the last.
pub fn part(from: Role, opcode: u8, payload: impl AsRef<[u8]>) -> Vec<u8> {
    Frame::new(from, false, opcode, payload).bytes()
}

/// The bytes of a close frame with a code and a reason.
pub fn close(from: Role, code: u16, reason: impl AsRef<[u8]>) -> Vec<u8> {
    whole(from, CLOSE, [&code.to_be_bytes(), reason.as_ref()].concat())
}

/// A header with the shortest length form.
pub fn header(fin: bool, reserved: u8, opcode: u8, mask: Option<[u8; 4]>, length: u64) -> Vec<u8> {
    let mut bytes = vec![if fin { 0x80 } else { 0 } | reserved << 4 | opcode];
    let bit = if mask.is_some() { 0x80 } else { 0 };
    if length < 126 {
        bytes.push(bit | length as u8);
    } else if length < 65536 {
        bytes.push(bit | 126);
        bytes.extend([(length >> 8) as u8, length as u8]);
    } else {
        bytes.push(bit | 127);
        bytes.extend((0..8).rev().map(|i| (length >> (8 * i)) as u8));
    }
    bytes.extend(mask.iter().flatten());
    bytes
}

/// The mask bit of what `from` sends, as it stands in the second byte.
pub fn mask_bit(from: Role) -> u8 {
    if from == Role::Client { 0x80 } else { 0 }
}

/// "octet i of the transformed data is the XOR of octet i of the original data with octet at index i modulo 4 of
/// the masking key" (RFC 6455 section 5.3)
pub fn masked(payload: &[u8], key: [u8; 4]) -> Vec<u8> {
    payload.iter().enumerate().map(|(i, byte)| byte ^ key[i % 4]).collect()
}

/// Reads the frames of `bytes`, which must be whole frames in the shortest form, and nothing else.
pub fn frames(bytes: &[u8]) -> Vec<Frame> {
    let mut rest = bytes;
    let mut take = |count: usize| {
        let (taken, left) = rest.split_at(count);
        rest = left;
        (taken, left.is_empty())
    };
    let mut frames = Vec::new();
    let mut done = bytes.is_empty();
    while !done {
        let start = take(2).0;
        let number = |bytes: &[u8]| bytes.iter().fold(0u64, |sum, &byte| sum << 8 | u64::from(byte));
        let (length, least) = match start[1] & 0x7F {
            126 => (number(take(2).0), 126),
            127 => (number(take(8).0), 65536),
            short => (u64::from(short), 0),
        };
        assert!(length >= least, "the minimal number of bytes encodes the length {length}");
        assert!(length < 1 << 63, "the most significant bit of the length is 0");
        let mask = (start[1] & 0x80 != 0).then(|| <[u8; 4]>::try_from(take(4).0).unwrap());
        let (payload, last) = take(length as usize);
        done = last;
        frames.push(Frame {
            fin: start[0] & 0x80 != 0,
            reserved: start[0] >> 4 & 7,
            opcode: start[0] & 0xF,
            mask,
            payload: masked(payload, mask.unwrap_or_default()),
        });
    }
    frames
}

/// Masking keys that a test can foresee.
#[derive(Default)]
pub struct Keys {
    next: u32,
}

impl Entropy for Keys {
    fn fill(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(4) {
            chunk.copy_from_slice(&key(self.next)[..chunk.len()]);
            self.next += 1;
        }
    }
}

/// The `n`th key of [`Keys`].
pub fn key(n: u32) -> [u8; 4] {
    (n + 1).wrapping_mul(0x9E37_79B9).to_be_bytes()
}

/// A connection that is open, with keys that a test can foresee.
pub fn connection(role: Role, config: &Config) -> Connection {
    match role {
        Role::Client => Connection::client_with_entropy(config, Box::new(Keys::default())),
        Role::Server => Connection::server(config),
    }
}

/// All bytes of the outbox, taken in the pieces that it offers.
pub fn drain(outbox: &mut Outbox) -> Vec<u8> {
    let mut bytes = Vec::new();
    while outbox.has_remaining() {
        let chunk = outbox.chunk();
        assert!(!chunk.is_empty(), "an outbox with {} bytes offers some of them", outbox.len());
        bytes.extend(chunk);
        outbox.advance(chunk.len());
    }
    bytes
}

/// How messages are received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    Whole,
    Pieces,
}

/// A message, or a control frame, that a test can write down in short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<(u16, String)>),
}

impl Seen {
    pub fn text(text: &str) -> Self {
        Self::Text(text.into())
    }

    pub fn binary(data: impl AsRef<[u8]>) -> Self {
        Self::Binary(data.as_ref().into())
    }

    pub fn close(code: u16, reason: &str) -> Self {
        Self::Close(Some((code, reason.into())))
    }

    pub fn message(message: Message) -> Self {
        match message {
            Message::Text(text) => Self::Text(text.as_str().into()),
            Message::Binary(data) => Self::Binary(data.into()),
            Message::Ping(data) => Self::Ping(data.into()),
            Message::Pong(data) => Self::Pong(data.into()),
            Message::Close(frame) => Self::Close(frame.map(|frame| (frame.code.number(), frame.reason.into_owned()))),
        }
    }

    /// The event as it is lent.
    pub fn lent(event: &Event<'_>) -> Self {
        let body = |frame: &CloseFrame<'_>| (frame.code.number(), frame.reason.to_string());
        match event {
            Event::Text(text) => Self::text(text),
            Event::Binary(data) => Self::binary(data),
            Event::Ping(data) => Self::Ping(data.to_vec()),
            Event::Pong(data) => Self::Pong(data.to_vec()),
            Event::Close(frame) => Self::Close(frame.as_ref().map(body)),
        }
    }

    /// The opcode and the payload of a frame that carries it.
    pub fn wire(&self) -> (u8, Vec<u8>) {
        match self {
            Self::Text(text) => (TEXT, text.clone().into_bytes()),
            Self::Binary(data) => (BINARY, data.clone()),
            Self::Ping(data) => (PING, data.clone()),
            Self::Pong(data) => (PONG, data.clone()),
            Self::Close(None) => (CLOSE, vec![]),
            Self::Close(Some((code, reason))) => (CLOSE, [&code.to_be_bytes(), reason.as_bytes()].concat()),
        }
    }
}

/// One end of a connection, and all that it has seen.
pub struct End {
    pub role: Role,
    pub connection: Connection,
    pub inbox: Inbox,
    pub outbox: Outbox,
    pub seen: Vec<Seen>,
    /// The pieces so far of a message that has not ended: its opcode and its bytes.
    pub open: Option<(u8, Vec<u8>)>,
    pub error: Option<Error>,
}

impl End {
    pub fn new(role: Role) -> Self {
        Self::with(role, &Config::default())
    }

    pub fn with(role: Role, config: &Config) -> Self {
        Self {
            role,
            connection: connection(role, config),
            inbox: Inbox::new(),
            outbox: Outbox::new(),
            seen: Vec::new(),
            open: None,
            error: None,
        }
    }

    /// Bytes arrive, and all that can be received through this door is.
    pub fn read(&mut self, door: Door, bytes: &[u8]) {
        // By both ways into the inbox in turn.
        if bytes.len().is_multiple_of(2) {
            self.inbox.extend(bytes);
        } else {
            self.inbox.space(bytes.len())[..bytes.len()].copy_from_slice(bytes);
            self.inbox.filled(bytes.len());
        }
        while self.step(door) {}
    }

    /// Receives once. Whether there was anything.
    pub fn step(&mut self, door: Door) -> bool {
        let result = match door {
            Door::Whole => self.receive(),
            Door::Pieces => self.receive_piece(),
        };
        match result {
            Ok(more) => {
                assert_eq!(self.error, None, "every later call returns the error");
                more
            }
            Err(error) => {
                if error != Error::Misuse(Misuse::MessageInPieces) {
                    assert_eq!(*self.error.get_or_insert(error), error, "every later call returns the same error");
                }
                false
            }
        }
    }

    pub fn receive(&mut self) -> Result<bool, Error> {
        let keep = self.seen.len() % 2 == 1;
        let Some(event) = self.connection.receive(&mut self.inbox, &mut self.outbox)? else { return Ok(false) };
        let lent = Seen::lent(&event);
        if keep {
            assert_eq!(Seen::message(event.into_message()), lent, "an event for keeps is what was lent");
        }
        self.seen.push(lent);
        Ok(true)
    }

    pub fn receive_piece(&mut self) -> Result<bool, Error> {
        let keep = self.inbox.len() % 2 == 1;
        let Some(piece) = self.connection.receive_piece(&mut self.inbox, &mut self.outbox)? else { return Ok(false) };
        let seen = match piece {
            Piece::Text { text, last } => {
                let lent = text.as_str().as_bytes().to_vec();
                if keep {
                    assert_eq!(text.into_text().as_str().as_bytes(), lent, "a piece for keeps is what was lent");
                }
                self.piece(TEXT, &lent, last);
                return Ok(true);
            }
            Piece::Binary { data, last } => {
                let lent = data.to_vec();
                if keep {
                    assert_eq!(data.into_bytes(), lent, "a piece for keeps is what was lent");
                }
                self.piece(BINARY, &lent, last);
                return Ok(true);
            }
            Piece::Ping(data) => Seen::Ping(data.into_bytes().into()),
            Piece::Pong(data) => Seen::Pong(data.into_bytes().into()),
            Piece::Close(frame) => Seen::Close(frame.map(|frame| (frame.code.number(), frame.reason.into_owned()))),
        };
        self.seen.push(seen);
        Ok(true)
    }

    fn piece(&mut self, opcode: u8, data: &[u8], last: bool) {
        assert!(last || !data.is_empty(), "a piece that does not end its message has something in it");
        let (began, mut all) = self.open.take().unwrap_or((opcode, Vec::new()));
        assert_eq!(began, opcode, "the pieces of a message are of one kind");
        all.extend(data);
        match (last, opcode) {
            (false, _) => self.open = Some((opcode, all)),
            (true, TEXT) => self.seen.push(Seen::Text(String::from_utf8(all).unwrap())),
            (true, _) => self.seen.push(Seen::Binary(all)),
        }
    }

    /// What this end has sent since the last time.
    pub fn sent(&mut self) -> Vec<Frame> {
        frames(&drain(&mut self.outbox))
    }

    /// The opcode and payload of each frame that this end has sent since the last time, all of them whole.
    pub fn answers(&mut self) -> Vec<(u8, Vec<u8>)> {
        let whole = |frame: Frame| {
            assert!(frame.fin && frame.reserved == 0, "{frame:?}");
            assert_eq!(frame.mask.is_some(), self.role == Role::Client, "{frame:?}");
            (frame.opcode, frame.payload)
        };
        frames(&drain(&mut self.outbox)).into_iter().map(whole).collect()
    }
}

/// Runs `bytes` through an end whole and byte by byte, through both doors, with and without the bytes that follow,
/// and has each result checked.
pub fn every_way(role: Role, config: &Config, bytes: &[u8], trailing: &[u8], check: impl Fn(&mut End, &dyn Debug)) {
    let all = [bytes, trailing].concat();
    for door in DOORS {
        for (how, bytes, size) in [
            ("whole", bytes, bytes.len()),
            ("byte by byte", bytes, 1),
            ("with trailing bytes", &all, all.len()),
            ("byte by byte, with trailing bytes", &all, 1),
            ("in threes, with trailing bytes", &all, 3),
        ] {
            let mut end = End::with(role, config);
            bytes.chunks(size.max(1)).for_each(|read| end.read(door, read));
            check(&mut end, &(role, door, how));
        }
    }
}

/// Expects that `bytes`, which `role` receives, are these messages, and that they are answered with these frames.
#[track_caller]
pub fn assert_receiving(role: Role, config: &Config, bytes: &[u8], seen: &[Seen], answers: &[(u8, Vec<u8>)]) {
    // What follows is the first byte of another frame.
    every_way(role, config, bytes, &[0x82], |end, how| {
        assert_eq!(end.error, None, "{how:?}");
        assert_eq!(end.open, None, "{how:?}");
        assert_eq!(end.seen, seen, "{how:?}");
        assert_eq!(end.answers(), answers, "{how:?}");
    });
}

/// Expects that the last byte of `bytes`, and none before, has `role` _Fail the WebSocket Connection_ with this code,
/// after these messages.
#[track_caller]
pub fn assert_failing_after(role: Role, config: &Config, bytes: &[u8], seen: &[Seen], code: u16) {
    let peer = role.peer();
    // "An endpoint MUST NOT continue to attempt to process data (including a responding Close frame) from the remote
    // endpoint after being instructed to _Fail the WebSocket Connection_." (RFC 6455 section 7.1.7)
    let trailing = [whole(peer, PING, "late"), whole(peer, TEXT, "late"), close(peer, 1000, "late")].concat();
    every_way(role, config, bytes, &trailing, |end, how| {
        assert_eq!(end.seen, seen, "{how:?}");
        assert_failed(end, how, code);
    });
    for door in DOORS {
        let mut end = End::with(role, config);
        end.read(door, &bytes[..bytes.len() - 1]);
        assert_eq!(end.error, None, "{door:?} {role:?}: fails at the last byte of {bytes:x?} and not before");
    }
}

/// Expects that the last byte of `bytes` has `role` _Fail the WebSocket Connection_ with this code.
#[track_caller]
pub fn assert_failing(role: Role, bytes: &[u8], code: u16) {
    assert_failing_after(role, &Config::default(), bytes, &[], code);
}

/// Expects a connection that has failed with this code, and for good.
#[track_caller]
pub fn assert_failed(end: &mut End, how: &dyn Debug, code: u16) {
    let error = end.error.unwrap_or_else(|| panic!("{how:?}: expected a failure with {code}, saw {:?}", end.seen));
    assert_eq!(error.close_code(), Some(CloseCode::new(code)), "{how:?}: {error}");
    assert!(!error.to_string().is_empty());
    let answers = end.answers();
    let last = answers.last().unwrap_or_else(|| panic!("{how:?}: expected a close frame, got nothing"));
    assert_eq!(*last, (CLOSE, code.to_be_bytes().to_vec()), "{how:?}: the last that the peer hears");
    let ending = Ending { by: Side::Local, sent: Some(CloseCode::new(code)), received: None, clean: false };
    assert_eq!(end.connection.ending(), Some(ending), "{how:?}");
    assert_eq!(ending.code(), CloseCode::ABNORMAL);
    assert_eq!(end.connection.duty(), Duty::ShutDown, "{how:?}");
    assert!(!end.connection.is_open() && end.connection.is_closing(), "{how:?}");
    assert!(end.inbox.is_empty(), "{how:?}: nothing of the peer's is kept");
    assert_replaying(end, how, error);
    end.connection.receive_eof();
    assert_eq!(end.connection.duty(), Duty::Drop, "{how:?}");
    assert!(!end.connection.is_closing(), "{how:?}");
    assert_replaying(end, how, error);
    assert_eq!(end.connection.ending(), Some(ending), "{how:?}");
}

/// Expects that every call returns the error, and that nothing more is sent.
#[track_caller]
fn assert_replaying(end: &mut End, how: &dyn Debug, error: Error) {
    let End { connection, inbox, outbox, .. } = end;
    inbox.extend(&whole(end.role.peer(), PING, "later"));
    let results = [
        connection.receive(inbox, outbox).map(|_| ()),
        connection.receive_piece(inbox, outbox).map(|_| ()),
        connection.send_text("a", outbox),
        connection.send_binary(b"a", outbox),
        connection.send_text_fragment("a", true, outbox),
        connection.send_binary_fragment(b"a", false, outbox),
        connection.send(&Message::text("a"), outbox),
        connection.send(&Message::binary(vec![0; 5000]), outbox),
        connection.ping(b"a", outbox),
        connection.pong(b"a", outbox),
        connection.close(None, outbox),
    ];
    for (i, result) in results.into_iter().enumerate() {
        assert_eq!(result, Err(error), "{how:?}: call {i} returns the same error");
    }
    assert!(outbox.is_empty() && inbox.is_empty(), "{how:?}: nothing follows");
}
