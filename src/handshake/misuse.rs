//! What the caller asked for and cannot have.

use core::fmt;

/// A mistake of the caller's: deterministic, and never caused by what a peer sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Misuse {
    /// The name of a header is not a token (RFC 9110 section 5.1).
    HeaderName,
    /// The value of a header holds a CR, a LF, a NUL or another control character (RFC 9110 section 5.5).
    HeaderValue,
    /// The header belongs to the handshake, or frames the message, and is written by this crate alone.
    ReservedHeader,
    /// The status of a response that is not an acceptance is outside of 200 to 599.
    Status,
    /// A subprotocol is not a token (RFC 6455 section 4.1).
    Subprotocol,
    /// A subprotocol is offered twice (RFC 6455 section 4.1).
    RepeatedSubprotocol,
    /// The subprotocol to accept is not in the client's list (RFC 6455 section 4.2.2).
    UnrequestedSubprotocol,
    /// A name or a value in an extension is not a token (RFC 6455 section 9.1).
    Extension,
    /// An extension to accept is not in the client's list (RFC 6455 section 4.2.2).
    UnrequestedExtension,
}

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::HeaderName => "the name of a header must be a token (RFC 9110 section 5.1)",
            Self::HeaderValue => {
                "the value of a header must be free of CR, LF, NUL and other control characters (RFC 9110 section 5.5)"
            }
            Self::ReservedHeader => {
                "a header of the handshake's own, or one that frames the message, was added by hand: leave it out"
            }
            Self::Status => {
                "a response takes a status from 200 to 599; only `Request::accept` makes a 101 (RFC 9110 section 15)"
            }
            Self::Subprotocol => "a subprotocol must be a non-empty token (RFC 6455 section 4.1)",
            Self::RepeatedSubprotocol => "each subprotocol may be offered once (RFC 6455 section 4.1)",
            Self::UnrequestedSubprotocol => {
                "the accepted subprotocol must be one that the client offered (RFC 6455 section 4.2.2)"
            }
            Self::Extension => "the names and values of an extension must be tokens (RFC 6455 section 9.1)",
            Self::UnrequestedExtension => {
                "an accepted extension must be one that the client offered (RFC 6455 section 4.2.2)"
            }
        })
    }
}

impl core::error::Error for Misuse {}
