//! What one end may send, held against RFC 6455 and RFC 7692 by a reader that shares nothing with the crate's.

use sockeye::close::CloseError;
use sockeye::deflate::Direction;
use sockeye::{CloseCode, Error, Limit, Protocol, Role};

use crate::common::inflate::Inflater;
use crate::common::{BINARY, CLOSE, CONTINUATION, PING, PONG, Seen, TEXT, masked};

/// What may be told of bytes that one end has sent after its opening handshake, up to its first close frame.
#[derive(Debug, Default)]
pub struct Reading {
    /// The messages and control frames that are whole.
    pub seen: Vec<Seen>,
    /// What there is of a message that has begun, inflated: its opcode and its bytes.
    pub open: Option<(u8, Vec<u8>)>,
    /// Why a reader must fail here, if it must. Where it may find one thing or another first, both stand here.
    pub faults: Vec<Fault>,
    /// Whether a compressed message reaches back further than its sender promised, or is wrong where the limit leaves no
    /// room to see it. Whether that is understood, and when it is found, is up to the reader, so nothing is told of what comes
    /// of it or after it.
    pub is_unclear: bool,
    /// Bytes up to the end of the last whole frame.
    pub taken: usize,
}

/// Why a reader fails, with the section or the limit that says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A rule of the protocol is broken.
    Rule(&'static str),
    /// A text, or the reason of a close frame, is not UTF-8.
    Text,
    /// A compressed message is not DEFLATE.
    Data,
    /// A frame or a message is longer than its limit.
    Long,
    /// A message has more fragments than its limit.
    Fragments,
}

impl Fault {
    /// What the peer hears of it: RFC 6455 section 7.4.1.
    pub fn code(self) -> CloseCode {
        match self {
            Self::Rule(_) => CloseCode::PROTOCOL_ERROR,
            Self::Text | Self::Data => CloseCode::INVALID_PAYLOAD,
            Self::Long => CloseCode::MESSAGE_TOO_BIG,
            Self::Fragments => CloseCode::POLICY_VIOLATION,
        }
    }

    /// Whether the error says the same.
    pub fn is(self, error: Error) -> bool {
        let is_text = matches!(error, Error::Protocol(Protocol::InvalidText(_) | Protocol::Close(CloseError::Reason)));
        let is_data = matches!(error, Error::Protocol(Protocol::Corrupt { .. }));
        match self {
            Self::Rule(_) => matches!(error, Error::Protocol(_)) && !is_text && !is_data,
            Self::Text => is_text,
            Self::Data => is_data,
            Self::Long => matches!(error, Error::Limit(Limit::Frame { .. } | Limit::Message { .. })),
            Self::Fragments => matches!(error, Error::Limit(Limit::Fragments { .. })),
        }
    }
}

/// The most that a reader takes.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub frame: u64,
    pub message: u64,
    pub fragments: u32,
}

impl Limits {
    pub const NONE: Self = Self { frame: u64::MAX, message: u64::MAX, fragments: u32::MAX };
}

/// The messages and control frames that `bytes` carry, which `from` has sent after its opening handshake. A message that is
/// not whole is left out.
///
/// # Panics
/// Where an end must not send these, or where they end inside a frame.
pub fn messages(from: Role, deflate: Option<Direction>, bytes: &[u8]) -> Vec<Seen> {
    let (mut seen, mut rest) = (Vec::new(), bytes);
    loop {
        let reading = read(from, deflate, Limits::NONE, rest);
        assert!(reading.faults.is_empty() && !reading.is_unclear, "{:?} after {:?}", reading.faults, reading.seen);
        rest = &rest[reading.taken..];
        let follows = |seen: &Seen| matches!(seen, Seen::Ping(_) | Seen::Pong(_));
        assert!(
            seen.is_empty() || (reading.seen.iter().all(follows) && reading.open.is_none()),
            "section 5.5.1: no data and no other close frame follows a close frame: {:?}",
            reading.seen
        );
        seen.extend(reading.seen);
        if !matches!(seen.last(), Some(Seen::Close(_))) || rest.is_empty() {
            assert!(rest.is_empty(), "the end is inside a frame: {rest:x?}");
            return seen;
        }
    }
}

/// Reads what `bytes` carry, which `from` has sent after its opening handshake.
pub fn read(from: Role, deflate: Option<Direction>, limits: Limits, bytes: &[u8]) -> Reading {
    let mut reader =
        Reader { from, deflate, limits, rest: bytes, history: Vec::new(), message: None, reading: Reading::default() };
    loop {
        match reader.frame() {
            Ok(true) => reader.reading.taken = bytes.len() - reader.rest.len(),
            Ok(false) => break,
            Err(faults) => {
                reader.reading.faults = faults;
                break;
            }
        }
        if matches!(reader.reading.seen.last(), Some(Seen::Close(_))) {
            break;
        }
    }
    let open = |message: Message| (message.opcode, message.data[message.start..].to_vec());
    Reading { open: reader.message.map(open), ..reader.reading }
}

struct Reader<'a> {
    from: Role,
    deflate: Option<Direction>,
    limits: Limits,
    rest: &'a [u8],
    /// What was inflated so far: matches may reach back into it.
    history: Vec<u8>,
    message: Option<Message>,
    reading: Reading,
}

/// A message that has begun.
struct Message {
    opcode: u8,
    inflater: Option<Inflater>,
    /// For a compressed message behind what was inflated before it.
    data: Vec<u8>,
    /// Where in the data the message begins, and how far it is seen to be text.
    start: usize,
    text: usize,
    fragments: u32,
}

impl Reader<'_> {
    /// Reads a frame, as much of it as there is. Whether it was whole, and may be followed by another.
    ///
    /// Each part of a header is judged when it is there, and each byte of a message: a reader does not wait for the rest of
    /// what can only be refused. So rules come before limits, and those before the payload.
    fn frame(&mut self) -> Result<bool, Vec<Fault>> {
        let &[first, second, ..] = self.rest else { return Ok(false) };
        let (fin, reserved, opcode) = (first & 0x80 != 0, first >> 4 & 7, first & 0xF);
        let (is_masked, short) = (second & 0x80 != 0, second & 0x7F);
        let rule = |holds: bool, section| if holds { Ok(()) } else { Err(vec![Fault::Rule(section)]) };
        rule(matches!(opcode, CONTINUATION | TEXT | BINARY | CLOSE | PING | PONG), "section 5.2: opcodes")?;
        let is_control = opcode >= CLOSE;
        rule(!is_control || (fin && short <= 125), "section 5.5: control frames are whole and short")?;
        let may_compress = self.deflate.is_some() && matches!(opcode, TEXT | BINARY);
        let defined = if may_compress { 0b100 } else { 0 };
        rule(reserved & !defined == 0, "section 5.2, RFC 7692 section 6: reserved bits that nothing defines here")?;
        rule(is_masked == (self.from == Role::Client), "section 5.1: a client masks, a server does not")?;
        rule(is_control || (opcode == CONTINUATION) == self.message.is_some(), "section 5.4: fragments")?;
        let message = self.message.as_ref().filter(|_| !is_control);
        if message.is_some_and(|message| message.fragments >= self.limits.fragments) {
            return Err(vec![Fault::Fragments]);
        }

        let (size, least) = match short {
            126 => (2, 126),
            127 => (8, 0x1_0000),
            _ => (0, 0),
        };
        let Some(long) = self.rest.get(2..2 + size) else { return Ok(false) };
        let number = long.iter().fold(0, |sum, &byte| sum << 8 | u64::from(byte));
        let length = if size == 0 { u64::from(short) } else { number };
        rule(length >= least && length < 1 << 63, "section 5.2: the shortest form, and no top bit")?;
        let is_compressed = reserved != 0 || message.is_some_and(|message| message.inflater.is_some());
        let most = if is_compressed {
            // As the documentation of the frame's limit has it.
            let least = self.limits.frame.min(self.limits.message);
            least.saturating_add(least / 4 + 1024)
        } else {
            let before = message.map_or(0, |message| message.data.len() as u64);
            self.limits.frame.min(self.limits.message - before)
        };
        if !is_control && length > most {
            return Err(vec![Fault::Long]);
        }

        let header = 2 + size + if is_masked { 4 } else { 0 };
        let Some((header, rest)) = self.rest.split_at_checked(header) else { return Ok(false) };
        let key = if is_masked { header.last_chunk().copied().unwrap() } else { [0; 4] };
        let count = length.min(rest.len() as u64) as usize;
        let is_whole = count as u64 == length;
        let payload = masked(&rest[..count], key);
        self.rest = &rest[count..];
        if is_control {
            if is_whole {
                self.reading.seen.push(control(opcode, payload)?);
            }
            return Ok(is_whole);
        }
        if opcode != CONTINUATION {
            self.message = Some(self.begin(opcode, is_compressed));
        }
        self.data(&payload, fin && is_whole)?;
        Ok(is_whole && !self.reading.is_unclear)
    }

    fn begin(&mut self, opcode: u8, is_compressed: bool) -> Message {
        let data = if is_compressed { std::mem::take(&mut self.history) } else { Vec::new() };
        let (start, text) = (data.len(), data.len());
        Message { opcode, inflater: is_compressed.then(Inflater::default), data, start, text, fragments: 0 }
    }

    /// The next bytes of the message, the last ones if it has `ended`.
    fn data(&mut self, payload: &[u8], ended: bool) -> Result<(), Vec<Fault>> {
        let Some(message) = &mut self.message else { return Ok(()) };
        message.fragments += 1;
        let limit = message.start.saturating_add(usize::try_from(self.limits.message).unwrap_or(usize::MAX));
        let mut is_wrong = false;
        match (&mut message.inflater, self.deflate) {
            (Some(inflater), Some(direction)) => {
                is_wrong = inflater.inflate(payload, &mut message.data, limit).is_err();
                let is_hidden = is_wrong && !ended && message.data.len() == limit;
                if is_hidden || inflater.report().farthest > direction.window() {
                    self.reading.is_unclear = true;
                    return Ok(());
                }
            }
            _ => message.data.extend(payload),
        }
        // What is wrong in the text stands before what is wrong with the data behind it, and before what is too much.
        let most = message.data.len().min(limit);
        if message.opcode == TEXT {
            match std::str::from_utf8(&message.data[message.text..most]) {
                Err(error) if error.error_len().is_some() => return Err(vec![Fault::Text]),
                Err(error) => message.text += error.valid_up_to(),
                Ok(_) => message.text = most,
            }
        }
        if message.data.len() > limit {
            // What comes out past the limit is not seen before there is more to inflate, or the message ends.
            let is_seen = ended || message.inflater.as_ref().is_some_and(|inflater| inflater.left() > 0);
            return if is_seen { Err(vec![Fault::Long]) } else { Ok(()) };
        }
        if !ended && !is_wrong {
            return Ok(());
        }
        let is_compressed = message.inflater.is_some();
        if is_wrong || message.inflater.take().is_some_and(|inflater| inflater.finish().is_none()) {
            // Where the limit leaves no room, a fault may be found or that more data follows.
            let is_full = message.data.len() == limit;
            return Err(if is_full { vec![Fault::Data, Fault::Long] } else { vec![Fault::Data] });
        }
        if message.opcode == TEXT && message.text < message.data.len() {
            return Err(vec![Fault::Text]);
        }
        let data = message.data[message.start..].to_vec();
        self.reading.seen.push(match message.opcode {
            TEXT => Seen::Text(String::from_utf8(data).expect("it was checked")),
            _ => Seen::Binary(data),
        });
        let data = self.message.take().map(|message| message.data);
        if is_compressed && self.deflate.is_some_and(Direction::context_takeover) {
            self.history = data.unwrap_or_default();
        }
        Ok(())
    }
}

fn control(opcode: u8, payload: Vec<u8>) -> Result<Seen, Vec<Fault>> {
    match (opcode, &payload[..]) {
        (PING, _) => Ok(Seen::Ping(payload)),
        (PONG, _) => Ok(Seen::Pong(payload)),
        (_, []) => Ok(Seen::Close(None)),
        (_, [_]) => Err(vec![Fault::Rule("section 5.5.1: a code takes two bytes")]),
        (_, [high, low, reason @ ..]) => {
            let code = u16::from_be_bytes([*high, *low]);
            // Section 7.4, and the registry of IANA.
            if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
                return Err(vec![Fault::Rule("section 7.4: a code that is not sent")]);
            }
            let reason = std::str::from_utf8(reason).map_err(|_| vec![Fault::Text])?;
            Ok(Seen::close(code, reason))
        }
    }
}
