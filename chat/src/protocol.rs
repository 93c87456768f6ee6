//! What goes over the wire, as `PROTOCOL.md` tells it.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use sockeye::{CloseCode, CloseFrame};

/// What the server sends.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(crate) enum Frame<'a> {
    Welcome { you: &'a str, room: &'a str, log: &'a str, people: Vec<&'a str>, history: &'a VecDeque<Said> },
    Message(&'a Said),
    Joined { name: &'a str },
    Left { name: &'a str },
}

impl Frame<'_> {
    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("strings and numbers are JSON")
    }
}

/// A message that was said in a room.
#[derive(Serialize)]
pub(crate) struct Said {
    pub(crate) id: u64,
    pub(crate) from: String,
    #[serde(flatten)]
    pub(crate) say: Say,
    /// Milliseconds since the Unix epoch.
    pub(crate) at: u64,
    /// Bytes that it takes in a frame, at most.
    #[serde(skip)]
    pub(crate) size: usize,
}

/// What a page sends.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Request {
    Say(Say),
}

/// The words of a message, and what its author knows it by.
#[derive(Serialize, Deserialize)]
pub(crate) struct Say {
    text: String,
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
}

impl Say {
    /// Reads a frame of the page; `None` where it is none of the protocol's, or breaks its limits.
    pub(crate) fn parse(json: &str) -> Option<Self> {
        let Request::Say(say) = serde_json::from_str(json).ok()?;
        let is_text = !say.text.trim().is_empty() && is_shorter(&say.text, TEXT_LIMIT);
        let is_reference = say.reference.as_deref().is_none_or(|reference| is_token(reference, REFERENCE_LIMIT));
        (is_text && is_reference).then_some(say)
    }
}

/// Who wants to come in, and where.
pub(crate) struct Entry {
    pub(crate) room: String,
    pub(crate) name: String,
    pub(crate) seat: Option<String>,
}

impl Entry {
    /// Reads the query of the socket's address.
    pub(crate) fn parse(query: &str) -> Result<Self, Goodbye> {
        let value = |wanted| {
            let mut pairs = form_urlencoded::parse(query.as_bytes());
            pairs.find_map(|(key, value)| (key == wanted).then(|| value.into_owned()))
        };
        Ok(Self {
            room: value("room").filter(|room| is_name(room)).ok_or(Goodbye::NotARoom)?,
            name: value("name").filter(|name| is_name(name)).ok_or(Goodbye::NotAName)?,
            seat: value("seat").filter(|seat| is_token(seat, SEAT_LIMIT)),
        })
    }
}

/// Why the server closes a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Goodbye {
    ServerEnds,
    TooFast,
    TooSlow,
    Full,
    NotARoom,
    NotAName,
    NotAFrame,
    SeatTaken,
}

impl Goodbye {
    pub(crate) fn frame(self) -> CloseFrame<'static> {
        let (code, reason) = match self {
            Self::ServerEnds => (CloseCode::GOING_AWAY, "the server is going away"),
            Self::TooFast => (CloseCode::POLICY_VIOLATION, "too many frames at once"),
            Self::TooSlow => (CloseCode::TRY_AGAIN_LATER, "this reader is too slow, its queue is full"),
            Self::Full => (CloseCode::TRY_AGAIN_LATER, "there is no place left"),
            Self::NotARoom => (CloseCode::new(4000), "a room has 1 to 32 characters"),
            Self::NotAName => (CloseCode::new(4001), "a name has 1 to 32 characters"),
            Self::NotAFrame => (CloseCode::new(4002), "expected a `say` with a text of 1 to 2000 characters"),
            Self::SeatTaken => (CloseCode::new(4003), "another connection took over this seat"),
        };
        CloseFrame::new(code, reason)
    }
}

/// Whether this can be the name of a room or of somebody.
fn is_name(name: &str) -> bool {
    !name.is_empty() && is_shorter(name, NAME_LIMIT) && name.trim() == name && !name.contains(char::is_control)
}

/// Whether this is a secret or a reference that a page has drawn.
fn is_token(token: &str, limit: usize) -> bool {
    let is_drawn = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    (1..=limit).contains(&token.len()) && token.bytes().all(is_drawn)
}

/// Whether a text has at most `limit` characters.
fn is_shorter(text: &str, limit: usize) -> bool {
    text.chars().nth(limit).is_none()
}

// In characters.
const NAME_LIMIT: usize = 32;
const SEAT_LIMIT: usize = 64;
const TEXT_LIMIT: usize = 2_000;
const REFERENCE_LIMIT: usize = 36;

/// The largest frame of a page, in bytes: each character of a text written as two escapes, `\ud83d\udc1f`, and what
/// stands around it.
pub(crate) const FRAME_LIMIT: usize = 12 * TEXT_LIMIT + 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_read_from_the_query() {
        let entry = Entry::parse("room=%EA%B0%95-river&name=Mina+Kim&seat=a-1").unwrap();
        assert_eq!((&*entry.room, &*entry.name, entry.seat.as_deref()), ("강-river", "Mina Kim", Some("a-1")));

        let longest = "가".repeat(32);
        assert!(Entry::parse(&format!("name={longest}&room={longest}")).is_ok());
    }

    #[test]
    fn entries_that_break_the_limits_are_refused() {
        let long = "🐟".repeat(33);
        for room in ["", " x", "x%20", "a%07", "%C2%85x", &long] {
            assert_eq!(Entry::parse(&format!("room={room}&name=x")).err(), Some(Goodbye::NotARoom), "{room}");
            assert_eq!(Entry::parse(&format!("room=x&name={room}")).err(), Some(Goodbye::NotAName), "{room}");
        }
        assert_eq!(Entry::parse("").err(), Some(Goodbye::NotARoom));
        assert_eq!(Entry::parse("room=x").err(), Some(Goodbye::NotAName));
    }

    #[test]
    fn a_seat_that_no_page_draws_is_none() {
        for seat in ["", "a_b", "%EA%B0%95", &"a".repeat(65)] {
            assert_eq!(Entry::parse(&format!("room=x&name=y&seat={seat}")).unwrap().seat, None, "{seat}");
        }
    }

    #[test]
    fn a_say_is_read() {
        let say = Say::parse(r#"{"type":"say","text":" \ud83d\udc1f\n","ref":"x-1"}"#).unwrap();
        assert_eq!((&*say.text, say.reference.as_deref()), (" 🐟\n", Some("x-1")));
        assert!(Say::parse(&format!(r#"{{"type":"say","text":"{}"}}"#, "🐟".repeat(2000))).is_some());
    }

    #[test]
    fn what_is_no_say_is_refused() {
        for frame in [
            "",
            "no object",
            "[]",
            r#"{"text":"x"}"#,
            r#"{"type":"shout","text":"x"}"#,
            r#"{"type":"say"}"#,
            r#"{"type":"say","text":1}"#,
            r#"{"type":"say","text":" \n"}"#,
            r#"{"type":"say","text":"\ud83d"}"#,
            r#"{"type":"say","text":"x","ref":""}"#,
            r#"{"type":"say","text":"x","ref":"_"}"#,
            &format!(r#"{{"type":"say","text":"x","ref":"{}"}}"#, "a".repeat(37)),
            &format!(r#"{{"type":"say","text":"{}"}}"#, "가".repeat(2001)),
            &"[".repeat(20_000),
        ] {
            assert!(Say::parse(frame).is_none(), "{frame}");
        }
    }

    #[test]
    fn the_largest_say_is_a_frame_within_the_limit() {
        let text = r"\ud83d\udc1f".repeat(TEXT_LIMIT);
        let frame = format!(r#"{{"type":"say","text":"{text}","ref":"{}"}}"#, "a".repeat(REFERENCE_LIMIT));
        assert!(Say::parse(&frame).is_some() && frame.len() <= FRAME_LIMIT);
    }

    #[test]
    fn every_goodbye_can_be_sent() {
        for goodbye in [
            Goodbye::ServerEnds,
            Goodbye::TooFast,
            Goodbye::TooSlow,
            Goodbye::Full,
            Goodbye::NotARoom,
            Goodbye::NotAName,
            Goodbye::NotAFrame,
            Goodbye::SeatTaken,
        ] {
            let frame = goodbye.frame();
            assert!(frame.code.is_sendable() && frame.reason.len() <= sockeye::close::REASON_LIMIT, "{goodbye:?}");
        }
    }
}
