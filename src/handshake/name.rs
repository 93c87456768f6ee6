//! The headers that the handshake itself reads and writes.

use super::token::is_in_any_case;

/// The name of a header, as far as it means something here.
///
/// It is found out once for each header, so that looking one up is to compare bytes and not texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name {
    Host,
    Origin,
    Upgrade,
    Connection,
    ContentLength,
    TransferEncoding,
    Key,
    Accept,
    Version,
    Protocol,
    Extensions,
    /// Any other.
    Other,
}

impl Name {
    /// The name that `text` is, whatever its case (RFC 9110 section 5.1).
    pub(super) fn of(text: &[u8]) -> Self {
        match text.len() {
            4 if is_in_any_case(text, b"host") => Self::Host,
            6 if is_in_any_case(text, b"origin") => Self::Origin,
            7 if is_in_any_case(text, b"upgrade") => Self::Upgrade,
            10 if is_in_any_case(text, b"connection") => Self::Connection,
            14 if is_in_any_case(text, b"content-length") => Self::ContentLength,
            17 if is_in_any_case(text, b"transfer-encoding") => Self::TransferEncoding,
            17 if is_in_any_case(text, b"sec-websocket-key") => Self::Key,
            20 if is_in_any_case(text, b"sec-websocket-accept") => Self::Accept,
            21 if is_in_any_case(text, b"sec-websocket-version") => Self::Version,
            22 if is_in_any_case(text, b"sec-websocket-protocol") => Self::Protocol,
            24 if is_in_any_case(text, b"sec-websocket-extensions") => Self::Extensions,
            _ => Self::Other,
        }
    }

    /// A bit of its own.
    pub(super) const fn bit(self) -> u16 {
        1 << self as u16
    }

    /// The name as it is written; for the others empty.
    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::Host => "Host",
            Self::Origin => "Origin",
            Self::Upgrade => "Upgrade",
            Self::Connection => "Connection",
            Self::ContentLength => "Content-Length",
            Self::TransferEncoding => "Transfer-Encoding",
            Self::Key => "Sec-WebSocket-Key",
            Self::Accept => "Sec-WebSocket-Accept",
            Self::Version => "Sec-WebSocket-Version",
            Self::Protocol => "Sec-WebSocket-Protocol",
            Self::Extensions => "Sec-WebSocket-Extensions",
            Self::Other => "",
        }
    }

    /// Whether it says where an HTTP/1.1 message ends, or whether the connection does.
    pub(super) const fn is_framing(self) -> bool {
        matches!(self, Self::Connection | Self::ContentLength | Self::TransferEncoding)
    }
}

/// Whether a header called `text` is for the handshake alone to write, in either role.
pub(super) fn is_reserved(text: &str) -> bool {
    Name::of(text.as_bytes()) != Name::Other
        || text.get(..PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(PREFIX))
}

/// What the names of the handshake's own headers start with (RFC 6455 section 11.3).
const PREFIX: &str = "Sec-WebSocket-";
