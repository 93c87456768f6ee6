//! The header of a frame ([RFC 6455 section 5.2](https://www.rfc-editor.org/rfc/rfc6455#section-5.2)).
//!
//! Usable alone and without an allocator: this room is there without any feature of the crate, and so are [`mask`],
//! [`utf8`] and what [`close`] has for the body of a close frame. What a header means in its place (who masks, which
//! reserved bits were negotiated, whether a continuation has anything to continue) is the
//! [`Connection`](crate::Connection)'s.
//!
//! A frame that is decoded, unmasked and validated where it stands, with these rooms alone:
//!
//! ```
//! use sockeye::frame::Header;
//! use sockeye::mask::Mask;
//! use sockeye::utf8::Validator;
//! use sockeye::{Opcode, Role};
//!
//! // The masked "Hello" of RFC 6455 section 5.7, as it came from a client, and the first byte of the next frame.
//! let mut memory = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58, 0x81];
//!
//! let (header, size) = Header::decode(&memory)?.expect("the whole header has come");
//! assert_eq!((header.opcode, header.fin, header.reserved), (Opcode::Text, true, 0));
//! assert_eq!(header.mask.is_some(), Role::Client.masks());
//!
//! let length = usize::try_from(header.length).expect("no more than this machine can address");
//! let payload = &mut memory[size..size + length];
//! Mask::new(header.mask.unwrap_or_default()).apply(payload);
//!
//! let mut text = Validator::new(); // of the whole message: the next fragment goes on where this one ends
//! text.validate(payload).expect("a text is UTF-8");
//! assert!(header.fin && text.is_complete());
//! assert_eq!(payload, b"Hello");
//! # Ok::<(), sockeye::frame::HeaderError>(())
//! ```
//!
//! [`mask`]: crate::mask
//! [`utf8`]: crate::utf8
//! [`close`]: crate::close

#[cfg(feature = "alloc")]
mod whole;

use core::fmt;

use crate::opcode::Opcode;
#[cfg(feature = "alloc")]
pub(crate) use whole::Whole;

/// The header of a frame.
///
/// ```
/// use sockeye::frame::Header;
/// use sockeye::Opcode;
///
/// // The masked "Hello" of RFC 6455 section 5.7.
/// let bytes = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
/// let (header, size) = Header::decode(&bytes)?.unwrap();
/// assert_eq!(header.opcode, Opcode::Text);
/// assert_eq!(header.length, 5);
/// assert_eq!(header.encode().as_slice(), &bytes[..size]);
/// # Ok::<(), sockeye::frame::HeaderError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Whether this is the last frame of its message.
    pub fin: bool,
    /// The reserved bits RSV1, RSV2 and RSV3 in the three lowest bits, RSV1 the highest of them.
    pub reserved: u8,
    /// What the frame carries.
    pub opcode: Opcode,
    /// The masking key, where the payload is masked.
    pub mask: Option<[u8; 4]>,
    /// Bytes of payload that follow; below 2^63.
    pub length: u64,
}

impl Header {
    /// Reads a header from the front of `bytes`, and how many bytes it took. `None`: more bytes are needed.
    ///
    /// # Errors
    /// [`HeaderError`] as soon as the bytes that show it are there, whatever follows.
    pub fn decode(bytes: &[u8]) -> Result<Option<(Self, usize)>, HeaderError> {
        let Some(&first) = bytes.first_chunk() else { return Ok(None) };
        let start = Start::decode(first)?;
        let Some(length) = start.length(bytes)? else { return Ok(None) };
        let Some(mask) = start.mask(bytes) else { return Ok(None) };
        let header = Self { fin: start.fin, reserved: start.reserved, opcode: start.opcode, mask, length };
        Ok(Some((header, start.size())))
    }

    /// The header as it goes over the wire, in the shortest form.
    ///
    /// A length of 2^63 or more and reserved bits above the lowest three cannot be encoded and lose their
    /// excess bits.
    #[inline]
    pub fn encode(&self) -> Encoded {
        let Self { fin, reserved, opcode, mask, length } = *self;
        let Packed { word, size } = Packed::new(fin, reserved, opcode, mask.is_some(), length);
        let mut bytes = word.to_le_bytes();
        if let Some(key) = mask {
            bytes[size - 4..size].copy_from_slice(&key);
        }
        Encoded { bytes, size: size as u8 }
    }
}

/// Bytes of the header of a frame with this much payload: the room to leave in front of a payload that is written first.
#[inline]
pub const fn size(payload: usize, masked: bool) -> usize {
    let length = match payload {
        0..=125 => 0,
        126..=0xFFFF => 2,
        _ => 8,
    };
    2 + length + if masked { 4 } else { 0 }
}

/// The first two bytes of a header, which say how long it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Start {
    pub(crate) fin: bool,
    pub(crate) reserved: u8,
    pub(crate) opcode: Opcode,
    pub(crate) masked: bool,
    /// The seven bits of length: 0 to 125 the length itself, 126 and 127 the longer forms.
    short: u8,
}

impl Start {
    #[inline]
    pub(crate) fn decode([first, second]: [u8; 2]) -> Result<Self, HeaderError> {
        // "If an unknown opcode is received, the receiving endpoint MUST _Fail the WebSocket Connection_."
        // (RFC 6455 section 5.2)
        let opcode = Opcode::from_bits(first).ok_or(HeaderError::ReservedOpcode(first & 0x0F))?;
        let fin = first & 0x80 != 0;
        let short = second & 0x7F;
        // "All control frames MUST have a payload length of 125 bytes or less and MUST NOT be fragmented."
        // (RFC 6455 section 5.5)
        if opcode.is_control() {
            if !fin {
                return Err(HeaderError::FragmentedControl(opcode));
            }
            if short > 125 {
                return Err(HeaderError::LongControl(opcode));
            }
        }
        Ok(Self { fin, reserved: first >> 4 & 0x7, opcode, masked: second & 0x80 != 0, short })
    }

    /// The payload's length; `None` where its bytes are not all in `bytes`, the header from its start.
    #[inline]
    pub(crate) fn length(self, bytes: &[u8]) -> Result<Option<u64>, HeaderError> {
        // "Note that in all cases, the minimal number of bytes MUST be used to encode the length" and, of the
        // 64-bit form, "the most significant bit MUST be 0" (RFC 6455 section 5.2).
        let (length, least) = match self.short {
            126 => {
                let Some(&[_, _, a, b]) = bytes.first_chunk() else { return Ok(None) };
                (u64::from(u16::from_be_bytes([a, b])), 126)
            }
            127 => {
                let Some(&[_, _, a, b, c, d, e, f, g, h]) = bytes.first_chunk() else { return Ok(None) };
                (u64::from_be_bytes([a, b, c, d, e, f, g, h]), 0x1_0000)
            }
            short => return Ok(Some(u64::from(short))),
        };
        if length & TOP_BIT != 0 {
            return Err(HeaderError::LengthTopBit(length));
        }
        if length < least {
            return Err(HeaderError::LengthNotMinimal(length));
        }
        Ok(Some(length))
    }

    /// The masking key, where there is one; `None` where its bytes are not all there.
    #[inline]
    pub(crate) fn mask(self, bytes: &[u8]) -> Option<Option<[u8; 4]>> {
        if !self.masked {
            return Some(None);
        }
        let key = bytes.get(self.size() - 4..self.size())?;
        key.first_chunk().map(|key| Some(*key))
    }

    /// Bytes of the whole header, 2 to [`MAX_SIZE`].
    #[inline]
    pub(crate) fn size(self) -> usize {
        let length = match self.short {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        2 + length + if self.masked { 4 } else { 0 }
    }
}

/// A header as it goes over the wire: 2 to [`MAX_SIZE`] bytes.
#[derive(Clone, Copy, Debug)]
pub struct Encoded {
    /// The header and zeros.
    bytes: [u8; Packed::BYTES],
    size: u8,
}

impl Encoded {
    /// The bytes.
    #[inline]
    pub fn as_slice(&self) -> &[u8] {
        &self.bytes[..usize::from(self.size)]
    }
}

/// A header as it goes over the wire but for its key, in registers.
#[derive(Clone, Copy)]
pub(crate) struct Packed {
    /// The header from the lowest byte on, and zeros.
    pub(crate) word: u128,
    /// Bytes of the header, 2 to [`MAX_SIZE`]; where it is masked the last four are the key's.
    pub(crate) size: usize,
}

impl Packed {
    /// The shortest form.
    #[inline]
    pub(crate) fn new(fin: bool, reserved: u8, opcode: Opcode, masked: bool, length: u64) -> Self {
        let first = u128::from(u8::from(fin) << 7 | (reserved & 0x7) << 4 | opcode.bits());
        let (rest, size) = match length {
            0..=125 => (u128::from(length), 2),
            126..=0xFFFF => (126 | u128::from((length as u16).swap_bytes()) << 8, 4),
            _ => (127 | u128::from((length & !TOP_BIT).swap_bytes()) << 8, 10),
        };
        let masked = usize::from(masked);
        Self { word: first | rest << 8 | (masked as u128) << 15, size: size + 4 * masked }
    }

    /// Bytes of the word.
    pub(crate) const BYTES: usize = size_of::<u128>();
}

impl AsRef<[u8]> for Encoded {
    fn as_ref(&self) -> &[u8] {
        self.as_slice()
    }
}

/// What is wrong with a header, whoever sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeaderError {
    /// An opcode of 3 to 7 or B to F (RFC 6455 section 5.2).
    ReservedOpcode(u8),
    /// A control frame without FIN (RFC 6455 section 5.5).
    FragmentedControl(Opcode),
    /// A control frame of more than 125 bytes (RFC 6455 section 5.5).
    LongControl(Opcode),
    /// A length in a longer form than it needs (RFC 6455 section 5.2).
    LengthNotMinimal(u64),
    /// A 64-bit length whose top bit is set (RFC 6455 section 5.2).
    LengthTopBit(u64),
}

impl fmt::Display for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ReservedOpcode(bits) => {
                write!(f, "expected an opcode of 0 to 2 or 8 to A, got the reserved {bits:X} (RFC 6455 section 5.2)")
            }
            Self::FragmentedControl(opcode) => {
                write!(f, "expected a whole {opcode} frame, got a fragment of one (RFC 6455 section 5.5)")
            }
            Self::LongControl(opcode) => write!(
                f,
                "expected at most 125 bytes in a {opcode} frame, got a longer form of length (RFC 6455 section 5.5)"
            ),
            Self::LengthNotMinimal(length) => {
                write!(f, "expected the shortest form of a length, got {length} in a longer one (RFC 6455 section 5.2)")
            }
            Self::LengthTopBit(length) => {
                write!(f, "expected a length below 2^63, got {length} (RFC 6455 section 5.2)")
            }
        }
    }
}

impl core::error::Error for HeaderError {}

/// The most bytes that a header takes: two, a length of eight, a masking key.
pub const MAX_SIZE: usize = 14;

/// RSV1 among the reserved bits: "Per-Message Compressed" (RFC 7692 section 6).
pub const COMPRESSED: u8 = 0b100;

const TOP_BIT: u64 = 1 << 63;

#[cfg(test)]
mod tests;
