//! The frame that most are, at one look.

use crate::opcode::Opcode;

/// A data frame that is a message of its own: with FIN, without reserved bits, and in one of the two shorter forms of
/// length.
pub(crate) struct Whole {
    pub(crate) opcode: Opcode,
    /// Zeros where the frame is not masked.
    pub(crate) key: [u8; 4],
    /// Bytes of the header.
    pub(crate) header: usize,
    /// Bytes of payload, which need not be there.
    pub(crate) length: usize,
}

impl Whole {
    /// The frame that `bytes` begin with; `None` where it is another, or wrong, or too short to tell.
    #[inline]
    pub(crate) fn find(bytes: &[u8], masked: bool) -> Option<Self> {
        // All of such a header and more, or of the shortest frames all: one look at the memory is enough.
        let head = u64::from_le_bytes(*bytes.first_chunk()?);
        let opcode = match head as u8 {
            0x81 => Opcode::Text,
            0x82 => Opcode::Binary,
            _ => return None,
        };
        let (length, key, header) = match (head >> 8) as u8 ^ u8::from(masked) << 7 {
            short @ 0..=125 => (usize::from(short), head >> 16, 2),
            126 => (usize::from(((head >> 16) as u16).swap_bytes()), head >> 32, 4),
            _ => return None,
        };
        if header == 4 && length < 126 {
            return None;
        }
        let (key, header) = if masked { ((key as u32).to_le_bytes(), header + 4) } else { ([0; 4], header) };
        Some(Self { opcode, key, header, length })
    }
}
