//! What can go wrong in an opening handshake.

use core::fmt;

/// Why an opening handshake failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HandshakeError {
    /// A `Sec-WebSocket-Extensions` header departs from its grammar.
    MalformedExtensions,
}

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MalformedExtensions => f.write_str(
                "Sec-WebSocket-Extensions departs from its grammar (RFC 6455 section 9.1)",
            ),
        }
    }
}

impl core::error::Error for HandshakeError {}
