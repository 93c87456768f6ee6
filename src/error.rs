//! The errors of a connection, and the close code that the peer hears of each.

use core::fmt;

use crate::buffer::OutboxFull;
use crate::close::{CloseCode, CloseError};
use crate::frame::HeaderError;
use crate::opcode::Opcode;

/// Why a call on a [`Connection`](crate::Connection) failed.
///
/// `Protocol` and `Limit` are terminal: the fitting close frame is in the outbox already, every later call returns
/// the same error, and what the peer sends afterwards is discarded. `Misuse` and `OutboxFull` leave the connection
/// as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The peer broke a rule of the protocol.
    Protocol(Protocol),
    /// The peer went past a limit of this endpoint.
    Limit(Limit),
    /// The caller used the connection in a way that has no meaning. Never caused by what the peer sent.
    Misuse(Misuse),
    /// The outbox's limit is reached; nothing is lost.
    OutboxFull(OutboxFull),
}

impl Error {
    /// What the peer hears of this error: the code of the close frame that is in the outbox. `None` where the
    /// connection goes on.
    pub const fn close_code(&self) -> Option<CloseCode> {
        match self {
            // "an endpoint [that] has received data within a message that was not consistent with the type of
            // the message (e.g., non-UTF-8 [RFC3629] data within a text message)" (RFC 6455 section 7.4.1)
            Self::Protocol(
                Protocol::InvalidText(_) | Protocol::Close(CloseError::Reason) | Protocol::Corrupt { .. },
            ) => Some(CloseCode::INVALID_PAYLOAD),
            Self::Protocol(_) => Some(CloseCode::PROTOCOL_ERROR),
            Self::Limit(Limit::Frame { .. } | Limit::Message { .. }) => Some(CloseCode::MESSAGE_TOO_BIG),
            Self::Limit(Limit::Fragments { .. }) => Some(CloseCode::POLICY_VIOLATION),
            Self::Misuse(_) | Self::OutboxFull(_) => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Protocol(error) => error.fmt(f),
            Self::Limit(error) => error.fmt(f),
            Self::Misuse(error) => error.fmt(f),
            Self::OutboxFull(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for Error {}

/// The rule that the peer broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Protocol {
    /// A frame's header is wrong by itself (RFC 6455 sections 5.2 and 5.5).
    Header(HeaderError),
    /// A reserved bit is set that no negotiated extension defines for this frame (RFC 6455 section 5.2, RFC 7692
    /// section 6). The three bits, RSV1 the highest.
    ReservedBits(u8),
    /// A client sent a frame without a mask (RFC 6455 section 5.1).
    Unmasked(Opcode),
    /// A server sent a frame with a mask (RFC 6455 section 5.1).
    Masked(Opcode),
    /// A continuation frame where no message is open (RFC 6455 section 5.4).
    NothingToContinue,
    /// A new message where another is open (RFC 6455 section 5.4). The new one's opcode.
    MessageOpen(Opcode),
    /// A text message is not UTF-8 (RFC 6455 section 8.1).
    InvalidText(InvalidText),
    /// The body of a close frame is wrong (RFC 6455 sections 5.5.1 and 7.4).
    Close(CloseError),
    /// A compressed message is not valid DEFLATE (RFC 7692 section 7.2.2).
    Corrupt {
        /// Bytes of the compressed message that were read when the fault showed.
        at: u64,
    },
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(error) => error.fmt(f),
            Self::ReservedBits(bits) => write!(
                f,
                "expected no reserved bits but those that a negotiated extension defines for this frame, got {bits:03b} (RFC 6455 section 5.2)"
            ),
            Self::Unmasked(opcode) => {
                write!(
                    f,
                    "expected a masked frame from a client, got an unmasked {opcode} frame (RFC 6455 section 5.1)"
                )
            }
            Self::Masked(opcode) => {
                write!(
                    f,
                    "expected an unmasked frame from a server, got a masked {opcode} frame (RFC 6455 section 5.1)"
                )
            }
            Self::NothingToContinue => f.write_str(
                "expected a text or binary frame to begin a message, got a continuation frame (RFC 6455 section 5.4)",
            ),
            Self::MessageOpen(opcode) => write!(
                f,
                "expected a continuation frame for the message that is open, got a {opcode} frame (RFC 6455 section 5.4)"
            ),
            Self::InvalidText(error) => error.fmt(f),
            Self::Close(error) => error.fmt(f),
            Self::Corrupt { at } => write!(
                f,
                "expected valid DEFLATE in a compressed message, got a fault within its first {at} bytes (RFC 7692 section 7.2.2)"
            ),
        }
    }
}

impl core::error::Error for Protocol {}

/// Where a text message stopped to be UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidText {
    /// At this byte of the message, counted from 0.
    At(u64),
    /// At its end, inside a code point. The length of the message.
    Unfinished(u64),
}

impl fmt::Display for InvalidText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(at) => {
                write!(f, "expected UTF-8 in a text message, got a wrong byte at offset {at} (RFC 6455 section 8.1)")
            }
            Self::Unfinished(length) => write!(
                f,
                "expected UTF-8 in a text message, got one that ends inside a code point after {length} bytes (RFC 6455 section 8.1)"
            ),
        }
    }
}

/// The limit that the peer went past (RFC 6455 section 10.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Limit {
    /// A frame of more payload than [`Config::frame_limit`](crate::Config::frame_limit).
    Frame {
        /// Bytes that the frame's header declares.
        length: u64,
    },
    /// A message of more bytes than [`Config::message_limit`](crate::Config::message_limit).
    Message {
        /// Bytes of the message with the frame that goes past the limit.
        length: u64,
    },
    /// A message of more fragments than [`Config::fragment_limit`](crate::Config::fragment_limit).
    Fragments {
        /// The limit.
        limit: u32,
    },
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Frame { length } => write!(
                f,
                "expected a frame within the limit, got one of {length} bytes: raise `Config::frame_limit` or have the peer send smaller frames (RFC 6455 section 10.4)"
            ),
            Self::Message { length } => write!(
                f,
                "expected a message within the limit, got one of at least {length} bytes: raise `Config::message_limit` or have the peer send smaller messages (RFC 6455 section 10.4)"
            ),
            Self::Fragments { limit } => write!(
                f,
                "expected a message of at most {limit} fragments, got more: raise `Config::fragment_limit` or have the peer send larger fragments (RFC 6455 section 10.4)"
            ),
        }
    }
}

impl core::error::Error for Limit {}

/// What the caller did that has no meaning. Deterministic; the connection is as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Misuse {
    /// A message was sent after a close frame, or anything after the end (RFC 6455 sections 5.5.1 and 6.1).
    Closed,
    /// A new message was sent while a fragmented one is open (RFC 6455 section 5.4).
    MessageOpen,
    /// A fragment of one kind continues a message of the other (RFC 6455 section 5.4).
    OtherKind(Opcode),
    /// A ping, a pong or a close with more than 125 bytes (RFC 6455 section 5.5).
    LongControl(usize),
    /// A close code that must not be sent (RFC 6455 section 7.4.1).
    CloseCode(CloseCode),
    /// A prepared, unmasked frame on a client's connection (RFC 6455 section 5.1).
    UnmaskedBroadcast,
    /// `receive` was called for a message of which `receive_piece` has handed out a part.
    MessageInPieces,
}

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str(
                "expected nothing to be sent any more, as the connection closes or is closed: ask `is_open` before sending (RFC 6455 sections 5.5.1 and 6.1)",
            ),
            Self::MessageOpen => f.write_str(
                "expected a fragment of the message that is open, got a whole message: send the last fragment first (RFC 6455 section 5.4)",
            ),
            Self::OtherKind(open) => write!(
                f,
                "expected a fragment of the {open} message that is open, got one of the other kind: send its last fragment first (RFC 6455 section 5.4)"
            ),
            Self::LongControl(length) => write!(
                f,
                "expected at most 125 bytes in a control frame (a close reason has 123), got {length}: send less (RFC 6455 section 5.5)"
            ),
            Self::CloseCode(code) => write!(
                f,
                "expected a close code of 1000 to 1003, 1007 to 1014 or 3000 to 4999, got {code}: choose one of them (RFC 6455 section 7.4)"
            ),
            Self::UnmaskedBroadcast => f.write_str(
                "expected a server's connection, got a client's, whose frames are masked one by one: use `send` (RFC 6455 section 5.1)",
            ),
            Self::MessageInPieces => f.write_str(
                "expected `receive_piece` (`receive_part` in an adapter) for the rest of a message that began in pieces, got `receive`: take pieces until the last one",
            ),
        }
    }
}

impl core::error::Error for Misuse {}

impl From<HeaderError> for Error {
    fn from(error: HeaderError) -> Self {
        Self::Protocol(Protocol::Header(error))
    }
}

impl From<CloseError> for Error {
    fn from(error: CloseError) -> Self {
        Self::Protocol(Protocol::Close(error))
    }
}

impl From<Protocol> for Error {
    fn from(error: Protocol) -> Self {
        Self::Protocol(error)
    }
}

impl From<Limit> for Error {
    fn from(error: Limit) -> Self {
        Self::Limit(error)
    }
}

impl From<Misuse> for Error {
    fn from(error: Misuse) -> Self {
        Self::Misuse(error)
    }
}

impl From<OutboxFull> for Error {
    fn from(error: OutboxFull) -> Self {
        Self::OutboxFull(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_small() {
        assert!(size_of::<Error>() <= 32, "{}", size_of::<Error>());
    }
}
