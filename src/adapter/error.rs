//! Why a connection over a transport failed.

use core::fmt;
use std::io;

#[cfg(feature = "rustls")]
use super::tls::TlsError;
#[cfg(feature = "deflate")]
use crate::deflate::NegotiationError;
use crate::handshake::HandshakeError;
use crate::{Due, Error};

/// Why a call on an adapter's connection failed: the transport, the handshake, the protocol or a deadline.
///
/// The end of a connection is none of these: an adapter reports it as the end of its messages, and its `ending`
/// says how it came.
#[derive(Debug)]
#[non_exhaustive]
pub enum IoError {
    /// The transport failed.
    Io(io::Error),
    /// The opening handshake failed (RFC 6455 section 4).
    Handshake(HandshakeError),
    /// The connection failed, or was misused; see [`Error`].
    Connection(Error),
    /// The server's answer to the offer of compression is wrong (RFC 7692 section 7).
    #[cfg(feature = "deflate")]
    Deflate(NegotiationError),
    /// The peer took longer than the [`Timeouts`](crate::Timeouts) allow.
    TimedOut(Due),
    /// The transport ended inside the opening handshake.
    HandshakeCut,
    /// TLS failed, below `wss://`.
    #[cfg(feature = "rustls")]
    Tls(TlsError),
    /// `wss://` where the adapter has no TLS: the feature for it is off.
    NoTls,
}

impl fmt::Display for IoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "the transport failed: {error}"),
            Self::Handshake(error) => write!(f, "the opening handshake failed: {error}"),
            Self::Connection(error) => error.fmt(f),
            #[cfg(feature = "deflate")]
            Self::Deflate(error) => write!(f, "the opening handshake failed: {error}"),
            Self::TimedOut(due) => {
                write!(f, "waited for {due} longer than allowed: see whether the peer is alive, or raise `Timeouts`")
            }
            Self::HandshakeCut => {
                f.write_str("expected the rest of the opening handshake, but the peer ended the transport")
            }
            #[cfg(feature = "rustls")]
            Self::Tls(error) => error.fmt(f),
            Self::NoTls => f.write_str(
                "expected a ws:// URL, got wss://: turn on the feature of sockeye that brings TLS to this adapter (`rustls` \
                 for `blocking`, `tokio-rustls` for `tokio`, `futures-rustls` for `futures`), or make the TLS stream yourself \
                 and hand it over with `connect_over`",
            ),
        }
    }
}

impl std::error::Error for IoError {
    /// What is behind the error that this one wraps, whose own text is in this one's.
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => error.source(),
            Self::Handshake(error) => error.source(),
            Self::Connection(error) => error.source(),
            #[cfg(feature = "deflate")]
            Self::Deflate(error) => error.source(),
            #[cfg(feature = "rustls")]
            Self::Tls(error) => error.source(),
            Self::TimedOut(_) | Self::HandshakeCut | Self::NoTls => None,
        }
    }
}

impl From<io::Error> for IoError {
    fn from(error: io::Error) -> Self {
        #[cfg(feature = "rustls")]
        let error = match error.downcast() {
            Ok(error) => return Self::Tls(error),
            Err(error) => error,
        };
        Self::Io(error)
    }
}

#[cfg(feature = "rustls")]
impl From<TlsError> for IoError {
    fn from(error: TlsError) -> Self {
        Self::Tls(error)
    }
}

impl From<HandshakeError> for IoError {
    fn from(error: HandshakeError) -> Self {
        Self::Handshake(error)
    }
}

impl From<crate::handshake::UrlError> for IoError {
    fn from(error: crate::handshake::UrlError) -> Self {
        Self::Handshake(error.into())
    }
}

impl From<crate::handshake::Misuse> for IoError {
    fn from(error: crate::handshake::Misuse) -> Self {
        Self::Handshake(error.into())
    }
}

impl From<Error> for IoError {
    fn from(error: Error) -> Self {
        Self::Connection(error)
    }
}

#[cfg(feature = "deflate")]
impl From<NegotiationError> for IoError {
    fn from(error: NegotiationError) -> Self {
        Self::Deflate(error)
    }
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;

    /// Whoever has no TLS is told the feature of each adapter, and what to do without.
    #[test]
    fn no_tls_says_what_to_turn_on() {
        let said = IoError::NoTls.to_string();
        for word in ["wss://", "`rustls`", "`tokio-rustls`", "`futures-rustls`", "connect_over"] {
            assert!(said.contains(word), "{word} in {said}");
        }
    }
}
