//! Messages that are owned: cheap to clone and to send elsewhere.

use alloc::string::String;
use core::fmt;
use core::ops::Deref;

use bytes::Bytes;

use crate::close::CloseFrame;
use crate::utf8::Validator;

/// An owned message, or a control frame. Clones share the payload's memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// A text message.
    Text(Text),
    /// A binary message.
    Binary(Bytes),
    /// A ping, with at most 125 bytes (RFC 6455 section 5.5.2).
    Ping(Bytes),
    /// A pong, with at most 125 bytes (RFC 6455 section 5.5.3).
    Pong(Bytes),
    /// A close frame, with or without a body (RFC 6455 section 5.5.1).
    Close(Option<CloseFrame<'static>>),
}

impl Message {
    /// A text message.
    pub fn text(text: impl Into<Text>) -> Self {
        Self::Text(text.into())
    }

    /// A binary message.
    pub fn binary(data: impl Into<Bytes>) -> Self {
        Self::Binary(data.into())
    }

    /// The text, where this is a text message.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Whether this is a text or a binary message and not a control frame.
    pub const fn is_data(&self) -> bool {
        matches!(self, Self::Text(_) | Self::Binary(_))
    }
}

impl From<&str> for Message {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<String> for Message {
    fn from(text: String) -> Self {
        Self::text(text)
    }
}

impl From<Text> for Message {
    fn from(text: Text) -> Self {
        Self::Text(text)
    }
}

impl From<Bytes> for Message {
    fn from(data: Bytes) -> Self {
        Self::Binary(data)
    }
}

/// An owned piece of a message, or a control frame: for messages that need not be in memory as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// The next piece of a text message, whole code points only; it may be empty.
    Text {
        /// The piece.
        text: Text,
        /// Whether the message ends with it.
        last: bool,
    },
    /// The next piece of a binary message; it may be empty.
    Binary {
        /// The piece.
        data: Bytes,
        /// Whether the message ends with it.
        last: bool,
    },
    /// A ping; see [`Message::Ping`].
    Ping(Bytes),
    /// A pong; see [`Message::Pong`].
    Pong(Bytes),
    /// A close frame; see [`Message::Close`].
    Close(Option<CloseFrame<'static>>),
}

/// Text in shared memory: [`Bytes`] that are UTF-8. A clone costs a reference count.
///
/// The crate has no `unsafe` for it, so each look at it as a `str` validates it again, with SIMD where there is
/// any: take the `&str` once where you look at it often. [`as_bytes`](Self::as_bytes) and `len` cost nothing.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text {
    bytes: Bytes,
}

impl Text {
    /// The text of bytes.
    ///
    /// # Errors
    /// Returns the bytes where they are not UTF-8.
    pub fn new(bytes: Bytes) -> Result<Self, Bytes> {
        let mut validator = Validator::new();
        if validator.validate(&bytes).is_ok() && validator.is_complete() { Ok(Self { bytes }) } else { Err(bytes) }
    }

    /// A text that lives as long as the program, without a copy.
    pub const fn from_static(text: &'static str) -> Self {
        Self { bytes: Bytes::from_static(text.as_bytes()) }
    }

    /// The text of bytes that the engine has validated as they arrived.
    pub(crate) fn validated(bytes: Bytes) -> Self {
        Self { bytes }
    }

    /// The text. Costs a validation.
    pub fn as_str(&self) -> &str {
        validated(&self.bytes)
    }

    /// The text's bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The length in bytes.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether the text is empty.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The text's bytes, to be shared.
    pub(crate) fn as_shared(&self) -> &Bytes {
        &self.bytes
    }

    /// The text's bytes, for keeps.
    pub fn into_bytes(self) -> Bytes {
        self.bytes
    }
}

/// The text of bytes that were validated before.
#[inline]
pub(crate) fn validated(bytes: &[u8]) -> &str {
    simdutf8::basic::from_utf8(bytes).expect("text is validated when it is made")
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for Text {
    fn as_ref(&self) -> &str {
        self
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self { bytes: Bytes::copy_from_slice(text.as_bytes()) }
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self { bytes: text.into() }
    }
}

impl From<Text> for Bytes {
    fn from(text: Text) -> Self {
        text.bytes
    }
}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        self.bytes == other.as_bytes()
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        *self == **other
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.as_str(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::borrow::ToOwned;
    use alloc::string::ToString;

    #[test]
    fn a_text_is_what_it_was_made_of() {
        for expected in ["", "a", "물고기"] {
            let bytes = Bytes::from_static(expected.as_bytes());
            let made = [
                Text::from_static(expected),
                Text::from(expected),
                Text::from(expected.to_owned()),
                Text::new(bytes.clone()).unwrap(),
            ];
            for text in made {
                assert_eq!((text.as_str(), &*text, text.as_ref()), (expected, expected, expected));
                assert_eq!((text.as_bytes(), text.to_string().as_str()), (&bytes[..], expected));
                assert_eq!((text.len(), text.is_empty()), (expected.len(), expected.is_empty()));
                assert!(text == *expected && text == expected && text != *"b" && text != "b");
                assert_eq!((text.clone().into_bytes(), Bytes::from(text)), (bytes.clone(), bytes.clone()));
            }
        }
    }

    #[test]
    fn bytes_that_are_not_utf_8_are_no_text() {
        for bytes in [&b"\xFF"[..], b"a\xEB\xAC", b"\xED\xA0\x80"] {
            assert_eq!(Text::new(Bytes::from_static(bytes)), Err(Bytes::from_static(bytes)));
        }
    }
}
