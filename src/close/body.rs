//! The body of a close frame that may own its reason.

use alloc::borrow::Cow;
use core::fmt;

use super::{CloseCode, CloseError, decode};

/// A close frame's body: a code and a reason for people
/// ([RFC 6455 section 5.5.1](https://www.rfc-editor.org/rfc/rfc6455#section-5.5.1)).
///
/// A close frame may have no body at all; that is `None` where an `Option<CloseFrame>` stands.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CloseFrame<'a> {
    /// Why the connection closes.
    pub code: CloseCode,
    /// The same in words, at most [`REASON_LIMIT`](super::REASON_LIMIT) bytes; often empty.
    pub reason: Cow<'a, str>,
}

impl<'a> CloseFrame<'a> {
    /// A body of this code and reason. They are checked when they are sent.
    pub fn new(code: CloseCode, reason: impl Into<Cow<'a, str>>) -> Self {
        Self { code, reason: reason.into() }
    }

    /// Reads the unmasked payload of a close frame, as [`decode`] does; an empty one is `None`.
    ///
    /// # Errors
    /// [`CloseError`] where the body is one byte long, the code may not be sent or the reason is not UTF-8.
    pub fn decode(body: &'a [u8]) -> Result<Option<Self>, CloseError> {
        Ok(decode(body)?.map(|(code, reason)| Self::new(code, reason)))
    }

    /// The same body with a reason of its own.
    pub fn into_owned(self) -> CloseFrame<'static> {
        CloseFrame { code: self.code, reason: Cow::Owned(self.reason.into_owned()) }
    }
}

impl fmt::Display for CloseFrame<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.reason.is_empty() { write!(f, "{}", self.code) } else { write!(f, "{} ({})", self.code, self.reason) }
    }
}
