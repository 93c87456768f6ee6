//! The body of a close frame: a code and a reason.
//!
//! [`CloseCode`], [`decode`] and [`CloseError`] need no allocator and are there without any feature of the crate.

#[cfg(feature = "alloc")]
mod body;

use core::fmt;

#[cfg(feature = "alloc")]
pub use body::CloseFrame;

/// The code of a close frame ([RFC 6455 section 7.4](https://www.rfc-editor.org/rfc/rfc6455#section-7.4)).
///
/// A newtype and not an enum, so that codes of libraries (3000 to 3999) and of applications (4000 to 4999)
/// pass through as they are.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CloseCode(u16);

impl CloseCode {
    /// 1000: the purpose of the connection is fulfilled.
    pub const NORMAL: Self = Self(1000);
    /// 1001: the endpoint goes away: a server shuts down, a browser leaves the page.
    pub const GOING_AWAY: Self = Self(1001);
    /// 1002: the peer broke a rule of the protocol.
    pub const PROTOCOL_ERROR: Self = Self(1002);
    /// 1003: a kind of data that the endpoint does not accept.
    pub const UNSUPPORTED_DATA: Self = Self(1003);
    /// 1005: the close frame had no code. Reported, never sent (section 7.4.1).
    pub const NO_STATUS: Self = Self(1005);
    /// 1006: the transport ended without a close frame. Reported, never sent (section 7.4.1).
    pub const ABNORMAL: Self = Self(1006);
    /// 1007: data that is not what its message's type promises, such as text that is not UTF-8.
    pub const INVALID_PAYLOAD: Self = Self(1007);
    /// 1008: a message that breaks the endpoint's policy, where no better code fits.
    pub const POLICY_VIOLATION: Self = Self(1008);
    /// 1009: a message too big to process.
    pub const MESSAGE_TOO_BIG: Self = Self(1009);
    /// 1010: a client that needed an extension which the server did not negotiate.
    pub const MANDATORY_EXTENSION: Self = Self(1010);
    /// 1011: the server met a condition that it did not expect.
    pub const INTERNAL_ERROR: Self = Self(1011);
    /// 1012: the service restarts (IANA registry).
    pub const SERVICE_RESTART: Self = Self(1012);
    /// 1013: try again later (IANA registry).
    pub const TRY_AGAIN_LATER: Self = Self(1013);
    /// 1014: a gateway got an invalid answer from its upstream server (IANA registry).
    pub const BAD_GATEWAY: Self = Self(1014);
    /// 1015: the TLS handshake failed. Reported, never sent (section 7.4.1).
    pub const TLS_HANDSHAKE: Self = Self(1015);

    /// The code with this number, whether or not it may be sent.
    pub const fn new(code: u16) -> Self {
        Self(code)
    }

    /// The code's number.
    pub const fn number(self) -> u16 {
        self.0
    }

    /// Whether the code may stand in a close frame.
    ///
    /// > Status codes in the range 0-999 are not used. (RFC 6455 section 7.4.2)
    ///
    /// 1004 and 1016 to 2999 are reserved, and 1005, 1006 and 1015 must not be set by an endpoint
    /// (section 7.4.1). Codes from 5000 on have no meaning.
    pub const fn is_sendable(self) -> bool {
        matches!(self.0, 1000..=1003 | 1007..=1014 | 3000..=4999)
    }
}

impl From<u16> for CloseCode {
    fn from(code: u16) -> Self {
        Self(code)
    }
}

impl From<CloseCode> for u16 {
    fn from(code: CloseCode) -> Self {
        code.0
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CloseCode({})", self.0)
    }
}

/// Reads the unmasked payload of a close frame, a code and a reason, where it stands; an empty one is `None`.
///
/// Encoding is as short: the two bytes of the [`number`](CloseCode::number) in network byte order, then the reason.
///
/// # Errors
/// [`CloseError`] where the body is one byte long, the code may not be sent or the reason is not UTF-8.
pub fn decode(body: &[u8]) -> Result<Option<(CloseCode, &str)>, CloseError> {
    // RFC 6455 section 5.5.1: "If there is a body, the first two bytes of the body MUST be a 2-byte
    // unsigned integer (in network byte order) representing a status code".
    let (code, reason) = match body {
        [] => return Ok(None),
        [_] => return Err(CloseError::OneByte),
        [high, low, reason @ ..] => (CloseCode(u16::from_be_bytes([*high, *low])), reason),
    };
    if !code.is_sendable() {
        return Err(CloseError::Code(code));
    }
    match core::str::from_utf8(reason) {
        Ok(reason) => Ok(Some((code, reason))),
        Err(_) => Err(CloseError::Reason),
    }
}

/// The most bytes that a close frame's reason may have: a control frame's 125 less the code's two.
pub const REASON_LIMIT: usize = 123;

/// What is wrong with the body of a close frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CloseError {
    /// The body is one byte long, and a code takes two (RFC 6455 section 5.5.1).
    OneByte,
    /// The code may not be sent (RFC 6455 section 7.4).
    Code(CloseCode),
    /// The reason is not UTF-8 (RFC 6455 sections 5.5.1 and 8.1).
    Reason,
}

impl fmt::Display for CloseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OneByte => f.write_str(
                "expected a close frame with an empty body or a code of two bytes, got a body of one byte (RFC 6455 section 5.5.1)",
            ),
            Self::Code(code) => write!(
                f,
                "expected a close code of 1000 to 1003, 1007 to 1014 or 3000 to 4999, got {code} (RFC 6455 section 7.4)"
            ),
            Self::Reason => f.write_str("expected a close reason in UTF-8, got other bytes (RFC 6455 section 5.5.1)"),
        }
    }
}

impl core::error::Error for CloseError {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;

    #[test]
    fn rule_51_of_all_codes_the_registered_and_the_private_are_sendable() {
        for number in 0..=u16::MAX {
            let expected = match number {
                0..=999 => false,
                1000..=1003 => true,
                1004..=1006 => false,
                1007..=1014 => true,
                1015..=2999 => false,
                3000..=4999 => true,
                5000.. => false,
            };
            let body = number.to_be_bytes();
            assert_eq!(CloseCode::new(number).is_sendable(), expected, "{number}");
            assert_eq!(decode(&body).is_ok(), expected, "{number}");
        }
    }

    #[test]
    fn a_code_comes_of_its_number_and_goes_back_to_it() {
        for number in [0, 999, 1000, 4999, u16::MAX] {
            let code = CloseCode::from(number);
            assert_eq!((u16::from(code), code.number()), (number, number));
        }
    }

    #[test]
    fn rule_43_the_body_is_empty_or_a_code_and_a_reason() {
        assert_eq!(decode(&[]), Ok(None));
        assert_eq!(decode(&[3]), Err(CloseError::OneByte));
        assert_eq!(decode(&[3, 232]), Ok(Some((CloseCode::NORMAL, ""))));
        let mut body = vec![3, 232];
        body.extend("끝".bytes());
        assert_eq!(decode(&body), Ok(Some((CloseCode::NORMAL, "끝"))));
        body.pop();
        assert_eq!(decode(&body), Err(CloseError::Reason));
    }
}
