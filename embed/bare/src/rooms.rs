//! A server's answer to frames, with the rooms that need no allocator: everything happens in memory that the caller owns.

use sockeye::close::{self, CloseError};
use sockeye::frame::{Header, HeaderError};
use sockeye::mask::Mask;
use sockeye::utf8::{InvalidUtf8, Validator};
use sockeye::{CloseCode, Opcode, Role};

/// Whether the frames of [`CASES`] are answered as they should be, and how many that were.
pub(crate) fn check() -> Result<usize, Wrong> {
    let mut text = Validator::new();
    for (from_client, expected) in CASES {
        let (mut frame, mut memory) = ([0; 32], [0; 32]);
        let frame = &mut frame[..from_client.len()];
        frame.copy_from_slice(from_client);
        let answer = answer(frame, &mut text, &mut memory)?;
        if answer != expected {
            return Err(Wrong::Answer);
        }
    }
    Ok(CASES.len())
}

/// Decodes, unmasks and validates a frame where it stands, and writes its answer into `memory`: the same data, a pong, or
/// the same close.
fn answer<'m>(frame: &mut [u8], text: &mut Validator, memory: &'m mut [u8]) -> Result<&'m [u8], Wrong> {
    let (header, size) = Header::decode(frame)?.ok_or(Wrong::Unfinished)?;
    let length = usize::try_from(header.length).map_err(|_| Wrong::Unfinished)?;
    let payload = frame[size..].get_mut(..length).ok_or(Wrong::Unfinished)?;
    if header.mask.is_some() != Role::Client.masks() || header.reserved != 0 {
        return Err(Wrong::Frame);
    }
    Mask::new(header.mask.unwrap_or_default()).apply(payload);
    match header.opcode {
        Opcode::Text | Opcode::Continuation => {
            text.validate(payload)?;
            if header.fin && !text.is_complete() {
                return Err(Wrong::Unfinished);
            }
        }
        Opcode::Close => {
            let code = close::decode(payload)?.map_or(CloseCode::NO_STATUS, |(code, _)| code);
            if code != CloseCode::NORMAL {
                return Err(Wrong::Frame);
            }
        }
        Opcode::Binary | Opcode::Ping | Opcode::Pong => {}
    }
    let opcode = if header.opcode == Opcode::Ping { Opcode::Pong } else { header.opcode };
    let encoded = Header { opcode, mask: None, ..header }.encode();
    let (head, rest) = memory.split_at_mut_checked(encoded.as_slice().len()).ok_or(Wrong::NoRoom)?;
    head.copy_from_slice(encoded.as_slice());
    rest.get_mut(..length).ok_or(Wrong::NoRoom)?.copy_from_slice(payload);
    Ok(&memory[..encoded.as_slice().len() + length])
}

/// What went wrong.
#[derive(Debug)]
#[expect(dead_code, reason = "they are printed")]
pub(crate) enum Wrong {
    Header(HeaderError),
    Text(InvalidUtf8),
    Close(CloseError),
    /// A frame, or a text, that is not all there.
    Unfinished,
    /// A frame that a server does not expect, or that is none of the cases.
    Frame,
    /// An answer that does not fit into its memory.
    NoRoom,
    Answer,
}

impl From<HeaderError> for Wrong {
    fn from(error: HeaderError) -> Self {
        Self::Header(error)
    }
}

impl From<InvalidUtf8> for Wrong {
    fn from(error: InvalidUtf8) -> Self {
        Self::Text(error)
    }
}

impl From<CloseError> for Wrong {
    fn from(error: CloseError) -> Self {
        Self::Close(error)
    }
}

/// Frames of a client, and what its server answers. The first is that of RFC 6455 section 5.7; the next two are a text of
/// one character, cut within it.
const CASES: [(&[u8], &[u8]); 5] = [
    (b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", b"\x81\x05Hello"),
    (b"\x01\x81\x01\x02\x03\x04\xea", b"\x01\x01\xeb"),
    (b"\x80\x82\x01\x02\x03\x04\x97\x96", b"\x80\x02\x96\x94"),
    (b"\x89\x82\xff\xff\xff\xff\x97\x96", b"\x8a\x02hi"),
    (b"\x88\x82\0\0\0\0\x03\xe8", b"\x88\x02\x03\xe8"),
];
