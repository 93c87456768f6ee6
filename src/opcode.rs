//! The opcode of a frame.

use core::fmt;

/// What a frame carries ([RFC 6455 section 5.2](https://www.rfc-editor.org/rfc/rfc6455#section-5.2)).
///
/// The reserved opcodes `0x3` to `0x7` and `0xB` to `0xF` have no variant: a peer that sends one is failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Opcode {
    /// `0x0`: the next fragment of the message under way.
    Continuation = 0x0,
    /// `0x1`: a text message, or its first fragment.
    Text = 0x1,
    /// `0x2`: a binary message, or its first fragment.
    Binary = 0x2,
    /// `0x8`: the start of the closing handshake, or its answer.
    Close = 0x8,
    /// `0x9`: asks the peer for a pong with the same payload.
    Ping = 0x9,
    /// `0xA`: the answer to a ping, or a one-way heartbeat.
    Pong = 0xA,
}

impl Opcode {
    /// The opcode of the low four bits of `bits`, or `None` where it is reserved.
    pub const fn from_bits(bits: u8) -> Option<Self> {
        match bits & 0x0F {
            0x0 => Some(Self::Continuation),
            0x1 => Some(Self::Text),
            0x2 => Some(Self::Binary),
            0x8 => Some(Self::Close),
            0x9 => Some(Self::Ping),
            0xA => Some(Self::Pong),
            _ => None,
        }
    }

    /// The opcode as it stands in the low four bits of a frame's first byte.
    pub const fn bits(self) -> u8 {
        self as u8
    }

    /// Whether this is a control frame: close, ping or pong (RFC 6455 section 5.5).
    pub const fn is_control(self) -> bool {
        self.bits() & 0x8 != 0
    }
}

impl fmt::Display for Opcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Continuation => "continuation",
            Self::Text => "text",
            Self::Binary => "binary",
            Self::Close => "close",
            Self::Ping => "ping",
            Self::Pong => "pong",
        })
    }
}
