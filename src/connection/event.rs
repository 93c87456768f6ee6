//! What happened, lent from the inbox.

use core::fmt;
use core::ops::Deref;

use bytes::Bytes;

use super::receive::Found;
use crate::buffer::Inbox;
use crate::close::CloseFrame;
use crate::message::{Message, Part, Text, validated};
use crate::opcode::Opcode;

/// What the peer sent: a whole message or a control frame.
///
/// It borrows from the [`Inbox`] alone, so the caller can send while it holds one.
#[derive(Debug)]
pub enum Event<'i> {
    /// A text message.
    Text(TextPayload<'i>),
    /// A binary message.
    Binary(Payload<'i>),
    /// A ping. Its pong is in the outbox already, unless [`Config::auto_pong`](crate::Config::auto_pong) is off.
    Ping(Payload<'i>),
    /// A pong, asked for or not.
    Pong(Payload<'i>),
    /// A close frame; `None` for one without a body, which counts as
    /// [`CloseCode::NO_STATUS`](crate::CloseCode::NO_STATUS). Its answer is in the outbox already, unless
    /// [`Config::auto_close`](crate::Config::auto_close) is off.
    Close(Option<CloseFrame<'i>>),
}

impl<'i> Event<'i> {
    #[inline]
    pub(super) fn text(inbox: &'i mut Inbox) -> Self {
        Self::Text(TextPayload { payload: Payload { inbox } })
    }

    #[inline]
    pub(super) fn binary(inbox: &'i mut Inbox) -> Self {
        Self::Binary(Payload { inbox })
    }

    #[inline]
    pub(super) fn of(found: Found, inbox: &'i mut Inbox) -> Self {
        let payload = Payload { inbox };
        match found.opcode {
            Opcode::Text => Self::Text(TextPayload { payload }),
            Opcode::Binary | Opcode::Continuation => Self::Binary(payload),
            Opcode::Ping => Self::Ping(payload),
            Opcode::Pong => Self::Pong(payload),
            Opcode::Close => Self::Close(payload.into_close()),
        }
    }

    /// The event for keeps; see [`Payload::into_bytes`].
    pub fn into_message(self) -> Message {
        match self {
            Self::Text(text) => Message::Text(text.into_text()),
            Self::Binary(data) => Message::Binary(data.into_bytes()),
            Self::Ping(data) => Message::Ping(data.into_bytes()),
            Self::Pong(data) => Message::Pong(data.into_bytes()),
            Self::Close(frame) => Message::Close(frame.map(CloseFrame::into_owned)),
        }
    }
}

/// What the peer sent, a message in pieces: as much of it as has arrived.
#[derive(Debug)]
pub enum Piece<'i> {
    /// The next piece of a text message, whole code points only; it may be empty where `last` is set.
    Text {
        /// The piece.
        text: TextPayload<'i>,
        /// Whether the message ends with it.
        last: bool,
    },
    /// The next piece of a binary message; it may be empty where `last` is set.
    Binary {
        /// The piece.
        data: Payload<'i>,
        /// Whether the message ends with it.
        last: bool,
    },
    /// A ping; see [`Event::Ping`].
    Ping(Payload<'i>),
    /// A pong; see [`Event::Pong`].
    Pong(Payload<'i>),
    /// A close frame; see [`Event::Close`].
    Close(Option<CloseFrame<'i>>),
}

impl<'i> Piece<'i> {
    pub(super) fn of(found: Found, inbox: &'i mut Inbox) -> Self {
        let last = found.last;
        match Event::of(found, inbox) {
            Event::Text(text) => Self::Text { text, last },
            Event::Binary(data) => Self::Binary { data, last },
            Event::Ping(data) => Self::Ping(data),
            Event::Pong(data) => Self::Pong(data),
            Event::Close(frame) => Self::Close(frame),
        }
    }
}

impl Piece<'_> {
    /// The piece for keeps; see [`Event::into_message`].
    pub fn into_part(self) -> Part {
        match self {
            Self::Text { text, last } => Part::Text { text: text.into_text(), last },
            Self::Binary { data, last } => Part::Binary { data: data.into_bytes(), last },
            Self::Ping(data) => Part::Ping(data.into_bytes()),
            Self::Pong(data) => Part::Pong(data.into_bytes()),
            Self::Close(frame) => Part::Close(frame.map(CloseFrame::into_owned)),
        }
    }
}

/// Bytes lent from the [`Inbox`]: a `[u8]` to look at, or [`into_bytes`](Self::into_bytes) for keeps.
pub struct Payload<'i> {
    inbox: &'i mut Inbox,
}

impl<'i> Payload<'i> {
    /// The bytes for keeps.
    ///
    /// A payload that is at least a quarter of the inbox's memory, and no less than what is unread behind it, is not copied:
    /// it leaves with the memory, which lives as long as any part of it, and the inbox goes on in other memory. When the
    /// last part is dropped, the inbox uses it again. A smaller payload is copied, so that a few bytes that are kept do not
    /// keep many more, and so is a payload between the fragments of a message.
    #[inline]
    pub fn into_bytes(self) -> Bytes {
        self.inbox.detach()
    }

    fn into_slice(self) -> &'i [u8] {
        self.inbox.lent()
    }

    /// The body of a close frame, which was found to be a good one.
    fn into_close(self) -> Option<CloseFrame<'i>> {
        CloseFrame::decode(self.into_slice()).ok().flatten()
    }
}

impl Deref for Payload<'_> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        self.inbox.lent()
    }
}

impl AsRef<[u8]> for Payload<'_> {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl fmt::Debug for Payload<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

/// Text lent from the [`Inbox`]: a `str` to look at, or [`into_text`](Self::into_text) for keeps.
///
/// Each look at it as a `str` validates it again; see [`Text`].
pub struct TextPayload<'i> {
    payload: Payload<'i>,
}

impl TextPayload<'_> {
    /// The text. Costs a validation.
    #[inline]
    pub fn as_str(&self) -> &str {
        validated(&self.payload)
    }

    /// The text's bytes.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        &self.payload
    }

    /// The length in bytes.
    pub fn len(&self) -> usize {
        self.payload.len()
    }

    /// Whether the text is empty.
    pub fn is_empty(&self) -> bool {
        self.payload.is_empty()
    }

    /// The text for keeps; see [`Payload::into_bytes`].
    #[inline]
    pub fn into_text(self) -> Text {
        Text::validated(self.payload.into_bytes())
    }
}

impl Deref for TextPayload<'_> {
    type Target = str;

    #[inline]
    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for TextPayload<'_> {
    fn as_ref(&self) -> &str {
        self
    }
}

impl fmt::Debug for TextPayload<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}
