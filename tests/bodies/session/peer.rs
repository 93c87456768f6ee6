//! One end of a session, and what it does.

use std::time::Duration;

use sockeye::bytes::{Buf, BytesMut};
use sockeye::deflate::Options;
use sockeye::{Broadcast, CloseCode, CloseFrame, Error, Keepalive, Message, Misuse, Outbox, OutboxFull};

use crate::bodies::cursor::Cursor;
use crate::common::{Door, End, Seen};

/// One end, its half of the link, and what it has sent.
pub struct Peer {
    pub end: End,
    pub keepalive: Keepalive,
    pub message_limit: u64,
    /// What was written and has not arrived at the other end.
    pub link: BytesMut,
    /// Whether the writing half was shut down.
    pub shut: bool,
    /// Whether the end of the other's writing was noticed.
    pub eof: bool,
    /// When bytes arrived last, or the handshake ended.
    pub heard: Duration,
    /// Since when a message or a control frame has been waited for whose beginning is there.
    pub begun: Option<Duration>,
    /// What was sent with success, in the order in which it ends.
    pub sent: Vec<Seen>,
    /// What of a message was sent in fragments, and whether it is text.
    pub fragments: Option<(bool, Vec<u8>)>,
    /// How many of this end's pings are answered; a later answer stands for those before it.
    pub answered: usize,
    /// How much of what this end has seen was held against what the other sent.
    pub checked: usize,
    /// How many of the other's messages those were.
    pub matched: usize,
}

impl Peer {
    pub fn send_text(&mut self, text: &str) {
        self.act(Some(Seen::text(text)), |end| end.connection.send_text(text, &mut end.outbox));
    }

    pub fn send_binary(&mut self, data: &[u8]) {
        self.act(Some(Seen::binary(data)), |end| end.connection.send_binary(data, &mut end.outbox));
    }

    pub fn send_shared(&mut self, seen: Seen) {
        let message = match seen.clone() {
            Seen::Text(text) => Message::text(text),
            Seen::Binary(data) => Message::binary(data),
            other => panic!("{other:?}"),
        };
        self.act(Some(seen), |end| end.connection.send(&message, &mut end.outbox));
    }

    pub fn send_control(&mut self, seen: Seen) {
        let message = match seen.clone() {
            Seen::Ping(data) => Message::Ping(data.into()),
            Seen::Pong(data) => Message::Pong(data.into()),
            other => panic!("{other:?}"),
        };
        self.act(Some(seen), |end| end.connection.send(&message, &mut end.outbox));
    }

    /// A fragment of a message of this kind, or of the one that is open.
    pub fn fragment(&mut self, is_text: bool, data: &[u8], last: bool) {
        let text = str::from_utf8(data);
        let is_open = self.fragments.is_some();
        let done = self.act(None, |end| match text {
            Ok(text) if is_text => end.connection.send_text_fragment(text, last, &mut end.outbox),
            _ => end.connection.send_binary_fragment(data, last, &mut end.outbox),
        });
        if !done {
            return;
        }
        let (began_as_text, all) = self.fragments.get_or_insert_with(|| (is_text, Vec::new()));
        assert!(!is_open || *began_as_text == is_text, "a message is of one kind");
        all.extend(data);
        if last && let Some((is_text, all)) = self.fragments.take() {
            let whole = if is_text { Seen::Text(String::from_utf8(all).unwrap()) } else { Seen::Binary(all) };
            self.sent.push(whole);
        }
    }

    pub fn broadcast(&mut self, text: &str, threshold: usize) {
        let options = Options::new().local_window_bits(9).threshold(threshold);
        let news = Broadcast::text(text).deflated(&options);
        self.act(Some(Seen::text(text)), |end| end.connection.broadcast(&news, &mut end.outbox));
    }

    pub fn close(&mut self, cursor: &mut Cursor<'_>) {
        let code = cursor.one_of(&[0, 1000, 1001, 1003, 1011, 3000, 4999, 1005, 1006, 1015, 999, 5000]);
        let reason = text(cursor);
        let frame = CloseFrame::new(CloseCode::new(code), &*reason);
        let legal = matches!(code, 0 | 1000..=1003 | 1007..=1014 | 3000..=4999) && (reason.len() <= 123 || code == 0);
        let (seen, frame) = if code == 0 { (None, None) } else { (Some((code, reason.clone())), Some(&frame)) };
        let sent = self.act(Some(Seen::Close(seen)), |end| end.connection.close(frame, &mut end.outbox));
        assert!(legal || !sent, "{code} with {} bytes was sent", reason.len());
    }

    /// Whether the action was taken; if not, nothing has changed.
    pub fn act(&mut self, seen: Option<Seen>, action: impl FnOnce(&mut End) -> Result<(), Error>) -> bool {
        let before = (self.end.outbox.len(), self.end.connection.is_open(), self.end.connection.ending());
        match action(&mut self.end) {
            Ok(()) => {
                self.sent.extend(seen);
                true
            }
            Err(error) => {
                refused(error);
                let after = (self.end.outbox.len(), self.end.connection.is_open(), self.end.connection.ending());
                assert_eq!(before, after, "after {error}");
                false
            }
        }
    }

    /// A write that takes a part of what waits, from several slices at once.
    pub fn write(&mut self, most: usize, cut: bool) {
        let mut slices = [std::io::IoSlice::new(&[]); 4];
        let mut left = most;
        while left > 0 && !self.end.outbox.is_empty() && !cut && !self.shut {
            let count = self.end.outbox.chunks_vectored(&mut slices);
            let mut taken = 0;
            for slice in &slices[..count] {
                let part = slice.len().min(left - taken);
                self.link.extend_from_slice(&slice[..part]);
                taken += part;
            }
            assert!(taken > 0, "what is not empty has something");
            slices = [std::io::IoSlice::new(&[]); 4];
            self.end.outbox.advance(taken);
            left -= taken;
        }
    }

    /// Takes the next event, if there is one.
    pub fn step(&mut self, door: Door, now: Duration) -> bool {
        let more = self.end.step(door);
        let is_receiving = self.end.connection.is_receiving();
        if more && !is_receiving {
            self.begun = None;
            self.keepalive.received();
        } else if !more && (is_receiving || !self.end.inbox.is_empty()) {
            self.begun.get_or_insert(now);
            self.keepalive.receiving(now);
        }
        more
    }

    pub fn receive_all(&mut self, door: Door, now: Duration) {
        let before = self.end.seen.len();
        while self.step(door, now) {}
        if self.end.seen.len() > before {
            self.keepalive.stirred(now);
        }
        if self.end.connection.is_closing() {
            self.keepalive.closing(now);
        }
    }

    pub fn notice_eof(&mut self) {
        if !self.eof {
            // What came before the end is received before it.
            while self.end.step(Door::Pieces) {}
            self.end.connection.receive_eof();
            self.eof = true;
        }
    }

    /// Holds what was seen since the last time against what `from` sent, in order: every message, ping and close frame,
    /// and the pongs that were sent by hand. The other pongs answer pings of this end, in their order.
    pub fn compare(&mut self, from: &Peer) {
        if self.checked == self.end.seen.len() {
            return;
        }
        let pings: Vec<&Vec<u8>> =
            self.sent.iter().filter_map(|sent| if let Seen::Ping(data) = sent { Some(data) } else { None }).collect();
        for seen in &self.end.seen[self.checked..] {
            match seen {
                Seen::Pong(data) if !data.starts_with(b"!") => {
                    let place = pings[self.answered..].iter().position(|ping| *ping == data);
                    self.answered += 1 + place.unwrap_or_else(|| panic!("{data:?} answers none of {pings:?}"));
                }
                Seen::Close(body) if from.sent.get(self.matched) != Some(seen) => {
                    // An answer has the code of what it answers, a failure has its own. Either comes last.
                    assert_eq!(self.matched, from.sent.len(), "{seen:?} comes before {:?}", from.sent);
                    let code = body.as_ref().map_or(CloseCode::NO_STATUS, |(code, _)| CloseCode::new(*code));
                    assert_eq!(from.end.connection.ending().and_then(|ending| ending.sent).or(Some(code)), Some(code));
                    let answers = self.sent.iter().any(|sent| match (sent, body) {
                        (Seen::Close(None), None) => true,
                        (Seen::Close(Some((sent, _))), Some((code, _))) => sent == code,
                        _ => false,
                    });
                    let fails = from.end.error.and_then(|error| error.close_code()) == Some(code);
                    assert!(answers || fails, "{seen:?} answers nothing of {:?}", self.sent);
                }
                seen => {
                    assert_eq!(Some(seen), from.sent.get(self.matched), "in order, whole, and once");
                    self.matched += 1;
                }
            }
        }
        self.checked = self.end.seen.len();
    }

    /// What the documentation promises of `Outbox` and `Inbox`.
    pub fn check_memory(&self) {
        let (inbox, outbox) = (&self.end.inbox, &self.end.outbox);
        let control = 2 + 4 + 125;
        assert!(outbox.len() <= outbox.limit().saturating_add(Outbox::CONTROL_ROOM + 3 * control), "{outbox:?}");
        let arrived = inbox.unread().len() as u64;
        assert!(inbox.len() as u64 <= arrived + self.message_limit, "{inbox:?}, limit {}", self.message_limit);
    }
}

/// An action is refused for what the caller did or the outbox holds, or because the connection has failed.
pub fn refused(error: Error) {
    let misuse = matches!(
        error,
        Error::Misuse(
            Misuse::Closed
                | Misuse::MessageOpen
                | Misuse::OtherKind(_)
                | Misuse::LongControl(_)
                | Misuse::CloseCode(_)
                | Misuse::UnmaskedBroadcast
        )
    );
    assert!(misuse || matches!(error, Error::OutboxFull(OutboxFull { .. }) | Error::Limit(_)), "{error:?}");
}

/// A payload of one to 40 bytes that starts with this one.
pub fn marked(mark: u8, cursor: &mut Cursor<'_>) -> Vec<u8> {
    let length = cursor.byte() % 40;
    [&[mark], cursor.take(length.into())].concat()
}

/// A text of a few bytes, or of many.
pub fn text(cursor: &mut Cursor<'_>) -> String {
    let (length, kind) = length(cursor);
    let pattern = ["salmon ", "물고기 ", "a", "🐟é"][usize::from(kind % 4)];
    let mut text = pattern.repeat(length / pattern.len());
    text.push_str(&String::from_utf8_lossy(cursor.take(usize::from(kind >> 6))));
    text
}

/// Bytes, few or many, that repeat or not.
pub fn data(cursor: &mut Cursor<'_>) -> Vec<u8> {
    let (length, kind) = length(cursor);
    match kind % 3 {
        0 => vec![kind; length],
        1 => cursor.take(length).into(),
        _ => {
            (0..length as u32).map(|i| (i.wrapping_mul(0x9E37_79B9).rotate_left(u32::from(kind)) >> 24) as u8).collect()
        }
    }
}

/// A length, and a byte to choose by.
fn length(cursor: &mut Cursor<'_>) -> (usize, u8) {
    let (size, kind) = (usize::from(cursor.byte()), cursor.byte());
    // Of 256 lengths 16 are long, and one of them takes the longest form of a header.
    let length = match size {
        0..240 => size,
        240..255 => (size - 239) * 256,
        _ => 66_000,
    };
    (length, kind)
}
