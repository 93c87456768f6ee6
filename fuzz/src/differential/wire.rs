//! What goes over the wire, read by hand: what the peer sends, legal or not, and what the three send.

use std::str::from_utf8;

use sockeye::close::CloseError;
use sockeye::frame::HeaderError;
use sockeye::{Error, Limit, Protocol, Role};

use super::LIMIT;
use crate::common::{BINARY, CLOSE, CONTINUATION, PONG, TEXT, frames, header, masked};

/// A frame of the peer's. All of it has come, but for the payload of one that is longer than [`LIMIT`].
#[derive(Debug)]
pub struct Frame {
    pub bytes: Vec<u8>,
    pub fin: bool,
    pub reserved: u8,
    pub opcode: u8,
    pub mask: Option<[u8; 4]>,
    pub length: u64,
    /// Unmasked.
    pub payload: Vec<u8>,
    /// Whether a message is open in front of it.
    pub is_inside: bool,
}

impl Frame {
    /// The frames of `bytes`, and zeros until the last one is whole.
    pub fn split(mut bytes: &[u8]) -> Vec<Self> {
        let (mut frames, mut is_inside) = (Vec::new(), false);
        while !bytes.is_empty() {
            let frame = Self::first(bytes, is_inside);
            if frame.opcode < CLOSE {
                is_inside = !frame.fin;
            }
            bytes = bytes.get(frame.bytes.len()..).unwrap_or_default();
            frames.push(frame);
        }
        frames
    }

    fn first(bytes: &[u8], is_inside: bool) -> Self {
        let byte = |at: usize| bytes.get(at).copied().unwrap_or(0);
        let number = |range: std::ops::Range<usize>| range.fold(0u64, |sum, at| sum << 8 | u64::from(byte(at)));
        let (size, length) = match byte(1) & 0x7F {
            126 => (4, number(2..4)),
            127 => (10, number(2..10)),
            short => (2, u64::from(short)),
        };
        let mask = (byte(1) & 0x80 != 0).then(|| [0, 1, 2, 3].map(|i| byte(size + i)));
        let start = size + mask.map_or(0, |key| key.len());
        let end = start + if length > LIMIT as u64 { 0 } else { length as usize };
        let bytes: Vec<u8> = (0..end).map(byte).collect();
        Self {
            fin: byte(0) & 0x80 != 0,
            reserved: byte(0) >> 4 & 7,
            opcode: byte(0) & 0xF,
            mask,
            length,
            payload: masked(&bytes[start..], mask.unwrap_or_default()),
            bytes,
            is_inside,
        }
    }

    /// Whether its length stands there in the shortest form.
    pub fn is_minimal(&self) -> bool {
        let shortest = header(self.fin, self.reserved, self.opcode, self.mask, self.length);
        self.bytes.starts_with(&shortest)
    }

    /// Whether it is as wrong as `error` says, where `role` receives it. Whether a message is text, and how long, the
    /// peers have to say.
    pub fn shows(&self, error: Error, role: Role) -> bool {
        match error {
            Error::Protocol(Protocol::Header(error)) => match error {
                HeaderError::ReservedOpcode(opcode) => self.opcode == opcode && matches!(opcode, 3..=7 | 11..),
                HeaderError::FragmentedControl(_) => self.opcode >= CLOSE && !self.fin,
                HeaderError::LongControl(_) => self.opcode >= CLOSE && (self.length > 125 || !self.is_minimal()),
                HeaderError::LengthNotMinimal(length) => self.length == length && !self.is_minimal(),
                HeaderError::LengthTopBit(length) => self.length == length && length >> 63 == 1,
                _ => false,
            },
            Error::Protocol(Protocol::ReservedBits(bits)) => self.reserved == bits && bits != 0,
            Error::Protocol(Protocol::Unmasked(_)) => role == Role::Server && self.mask.is_none(),
            Error::Protocol(Protocol::Masked(_)) => role == Role::Client && self.mask.is_some(),
            Error::Protocol(Protocol::NothingToContinue) => self.opcode == CONTINUATION && !self.is_inside,
            Error::Protocol(Protocol::MessageOpen(_)) => self.is_inside && matches!(self.opcode, TEXT | BINARY),
            Error::Protocol(Protocol::InvalidText(_)) => matches!(self.opcode, TEXT | CONTINUATION),
            Error::Protocol(Protocol::Close(error)) => match error {
                CloseError::OneByte => self.opcode == CLOSE && self.length == 1,
                CloseError::Code(code) => self.code() == Some(code.number()) && !is_sendable(code.number()),
                CloseError::Reason => self.opcode == CLOSE && self.has_bad_text(),
                _ => false,
            },
            Error::Limit(Limit::Frame { length }) => self.length == length && self.is_too_large(),
            Error::Limit(Limit::Message { .. }) => self.opcode == CONTINUATION && !self.is_too_large(),
            _ => false,
        }
    }

    pub fn is_too_large(&self) -> bool {
        self.length > LIMIT as u64
    }

    /// Whether it is a close frame with a reason, or a text in one frame, that is not UTF-8.
    pub fn has_bad_text(&self) -> bool {
        let text = match self.opcode {
            TEXT if self.fin => &self.payload[..],
            CLOSE => self.payload.get(2..).unwrap_or_default(),
            _ => return false,
        };
        from_utf8(text).is_err()
    }

    /// The code of a close frame.
    fn code(&self) -> Option<u16> {
        if self.opcode == CLOSE { code(&self.payload) } else { None }
    }
}

/// The payloads of the pongs that `from` has written, and the body's code of the close frame, the last that it writes.
///
/// # Panics
/// Where anything else was written, or with a mask where there must not be one.
pub fn sent(from: Role, bytes: &[u8]) -> (Vec<Vec<u8>>, Option<Option<u16>>) {
    let (mut pongs, mut close) = (Vec::new(), None);
    for frame in frames(bytes) {
        assert_eq!(frame.mask.is_some(), from == Role::Client, "section 5.1: a client masks, a server does not");
        assert!(frame.fin && frame.reserved == 0 && close.is_none(), "{frame:?} after {close:?}");
        match frame.opcode {
            PONG => pongs.push(frame.payload),
            CLOSE => close = Some(code(&frame.payload)),
            _ => panic!("nothing but answers is sent: {frame:?}"),
        }
    }
    (pongs, close)
}

/// The code in the body of a close frame.
fn code(body: &[u8]) -> Option<u16> {
    body.first_chunk().map(|code| u16::from_be_bytes(*code))
}

/// RFC 6455 section 7.4, and the registry of IANA.
fn is_sendable(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}
