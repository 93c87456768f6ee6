//! Two ends of this crate that do anything at any time, over a link that splits, delays and is cut.
//!
//! Input: what was agreed on and the limits (6 bytes, see [`Session::new`]), and a program: an operation in each byte, with
//! the end that does it in the highest bit, and behind it what the operation takes.

use std::time::Duration;

use sockeye::bytes::{Buf, BytesMut};
use sockeye::deflate::{Direction, Options, Parameters};
use sockeye::{
    Broadcast, CloseCode, CloseFrame, Config, Due, Duty, Error, Keepalive, Message, Misuse, Outbox, OutboxFull, Role,
    Side, Timeouts,
};

use super::cursor::Cursor;
use super::{Seed, seed};
use crate::common::{DOORS, Door, End, Seen, connection};

/// * What an end receives is what the other has sent, in order, each message whole and once, from the first one on.
/// * Where nothing cuts the link and nothing fails, all of it arrives, and after a close both ends say the same of it.
/// * Otherwise the ending says so: who failed, or that the transport ended.
/// * An action that is refused changes nothing; memory is bounded by the limits.
pub fn run(input: &[u8]) {
    let mut cursor = Cursor::new(input);
    let mut session = Session::new(&mut cursor);
    // More operations than an input of a few KiB has use for: a bound on the work.
    for _ in 0..2000 {
        if cursor.is_empty() {
            break;
        }
        session.operate(&mut cursor);
        session.check();
    }
    session.settle();
    session.check_arrived();
    session.end();
    session.check_endings();
}

struct Session {
    /// The client and the server.
    peers: [Peer; 2],
    /// The time on the clock of both.
    now: Duration,
    /// Whether the transport was lost.
    cut: bool,
    deflate_threshold: usize,
}

struct Peer {
    end: End,
    keepalive: Keepalive,
    message_limit: u64,
    /// What was written and has not arrived at the other end.
    link: BytesMut,
    /// Whether the writing half was shut down.
    shut: bool,
    /// Whether the end of the other's writing was noticed.
    eof: bool,
    /// When bytes arrived last, or the handshake ended.
    heard: Duration,
    /// What was sent with success, in the order in which it ends.
    sent: Vec<Seen>,
    /// What of a message was sent in fragments, and whether it is text.
    fragments: Option<(bool, Vec<u8>)>,
    /// How many of the peer's pings an automatic answer was seen for, at most.
    answered: usize,
    /// How much of what this end has seen was held against what the other sent.
    checked: usize,
    /// How many of the other's messages those were.
    matched: usize,
}

impl Session {
    fn new(cursor: &mut Cursor<'_>) -> Self {
        let (up, down, other) = (cursor.byte(), cursor.byte(), cursor.byte());
        let direction = |choice: u8| Direction::new(8 + (choice & 7), choice & 8 != 0);
        let (up, down) = (direction(up), direction(down));
        let deflate_threshold = [0, 256][usize::from(other >> 1 & 1)];
        let options = Options::new()
            .threshold(deflate_threshold)
            .memory_level(1 + (other >> 2 & 7))
            .release_when_idle(other & 32 == 0);
        let outbox_limit = cursor.one_of(&[usize::MAX, 10_000, 200, 0]);
        let message_limit = cursor.one_of(&[1 << 20, 40_000, 1000, 10]);
        let fragment_limit = cursor.one_of(&[1 << 17, 100, 3, 1]);
        let timeouts = Timeouts {
            ping_interval: Some(Duration::from_secs(30)),
            idle: Some(Duration::from_secs(10)),
            ..Timeouts::default()
        };
        let peers = [Role::Client, Role::Server].map(|role| {
            let config = Config::default().message_limit(message_limit).fragment_limit(fragment_limit);
            let mut end = End::with(role, &config);
            end.outbox = Outbox::with_limit(outbox_limit);
            if other & 1 == 1 {
                let (local, remote) = if role == Role::Client { (up, down) } else { (down, up) };
                end.connection = connection(role, &config).with_deflate(Parameters { local, remote }, &options);
            }
            let mut keepalive = Keepalive::new(timeouts, Duration::ZERO);
            keepalive.opened(Duration::ZERO);
            Peer {
                end,
                keepalive,
                message_limit,
                link: BytesMut::new(),
                shut: false,
                eof: false,
                heard: Duration::ZERO,
                sent: Vec::new(),
                fragments: None,
                answered: 0,
                checked: 0,
                matched: 0,
            }
        });
        Self { peers, now: Duration::ZERO, cut: false, deflate_threshold }
    }

    fn operate(&mut self, cursor: &mut Cursor<'_>) {
        let operation = cursor.byte();
        let side = usize::from(operation >> 7);
        let peer = &mut self.peers[side];
        match operation & 0x1F {
            0 => peer.send_text(&text(cursor)),
            1 => peer.send_binary(&data(cursor)),
            2 => peer.send_shared(Seen::Text(text(cursor))),
            3 => peer.send_shared(Seen::Binary(data(cursor))),
            4 => peer.send_control(Seen::Ping(marked(b'?', cursor))),
            5 => peer.send_control(Seen::Pong(marked(b'!', cursor))),
            6 => peer.fragment(true, text(cursor).as_bytes(), cursor.byte() & 1 == 1),
            7 => peer.fragment(false, &data(cursor), cursor.byte() & 1 == 1),
            8 => peer.broadcast(&text(cursor), self.deflate_threshold),
            9 => peer.close(cursor),
            10..=13 => peer.write(1 + usize::from(cursor.byte()), self.cut),
            14 => peer.write(usize::from(cursor.number()), self.cut),
            15..=17 => self.deliver(side, 1 + usize::from(cursor.byte())),
            18..=19 => self.deliver(side, usize::from(cursor.number())),
            20..=21 => drop(peer.end.step(DOORS[usize::from(operation & 1)])),
            22..=23 => peer.receive_all(DOORS[usize::from(operation & 1)], self.now),
            24 => self.wait(Duration::from_millis(u64::from(cursor.number()))),
            25 => peer.end.inbox.release(),
            26 => drop(peer.end.inbox.exchange(BytesMut::zeroed(cursor.byte().into()))),
            27 => peer.end.connection.release_idle(),
            28 => peer.end.outbox.release(),
            // Seldom: a cut ends all that is of interest.
            29 if cursor.byte() > 200 => self.cut(),
            30 => peer
                .end
                .connection
                .ping(&[b'k'; 126], &mut peer.end.outbox)
                .map_or_else(refused, |()| panic!("too long")),
            _ => self.exchange(),
        }
    }

    /// What one end wrote arrives at the other.
    fn deliver(&mut self, from: usize, count: usize) {
        let count = count.min(self.peers[from].link.len());
        if count == 0 {
            return;
        }
        let bytes = self.peers[from].link.split_to(count);
        let to = &mut self.peers[1 - from];
        if count.is_multiple_of(2) {
            to.end.inbox.extend(&bytes);
        } else {
            to.end.inbox.space(count)[..count].copy_from_slice(&bytes);
            to.end.inbox.filled(count);
        }
        to.keepalive.heard(self.now);
        to.heard = self.now;
    }

    /// All that was sent so far arrives and is received.
    fn exchange(&mut self) {
        for from in [0, 1] {
            self.peers[from].write(usize::MAX, self.cut);
            self.deliver(from, usize::MAX);
            self.peers[1 - from].receive_all(Door::Pieces, self.now);
        }
    }

    /// Time passes, and what is due is done.
    fn wait(&mut self, time: Duration) {
        self.now += time;
        for side in [0, 1] {
            let peer = &mut self.peers[side];
            if peer.end.connection.is_closing() {
                peer.keepalive.closing(self.now);
            }
            while let Some(due) = peer.keepalive.due(self.now) {
                match due {
                    Due::Ping => {
                        assert!(self.now - peer.heard >= Duration::from_secs(30), "the peer was heard");
                        peer.send_control(Seen::Ping(b"?keepalive".into()));
                    }
                    Due::Idle => peer.end.connection.release_idle(),
                    Due::Pong => {
                        assert!(self.now - peer.heard >= Duration::from_secs(20), "the peer was heard");
                        return self.cut();
                    }
                    Due::Close => {
                        assert!(!peer.end.connection.is_open());
                        return self.cut();
                    }
                    Due::Handshake => panic!("the handshake has ended"),
                }
            }
        }
    }

    /// The transport is lost, with all that is under way.
    fn cut(&mut self) {
        self.cut = true;
        for peer in &mut self.peers {
            peer.link.clear();
            peer.notice_eof();
        }
    }

    /// Carries until neither end has anything to say, and does what the ends owe the transport.
    fn settle(&mut self) {
        for round in 0.. {
            assert!(round < 1000, "it goes on for ever");
            self.exchange();
            let mut shut = false;
            for side in [0, 1] {
                let peer = &mut self.peers[side];
                if peer.end.connection.duty() != Duty::Carry && peer.end.outbox.is_empty() && !peer.shut {
                    peer.shut = true;
                    shut = true;
                }
                if self.peers[side].shut && self.peers[side].link.is_empty() {
                    self.peers[1 - side].notice_eof();
                }
            }
            if !shut && self.peers.iter().all(|peer| peer.end.outbox.is_empty() || self.cut) {
                return;
            }
        }
    }

    /// Holds what has arrived so far against what was sent, and the memory against the limits.
    fn check(&mut self) {
        for side in [0, 1] {
            let [client, server] = &mut self.peers;
            let (to, from) = if side == 0 { (client, server) } else { (server, client) };
            to.compare(from);
            to.check_memory();
        }
    }

    /// Holds the end against what was sent, where nothing was cut.
    fn check_arrived(&mut self) {
        self.check();
        let failed = self.peers.iter().any(|peer| peer.end.error.is_some());
        for (to, from) in [(0, 1), (1, 0)] {
            let [to, from] = [&self.peers[to], &self.peers[from]];
            let sent =
                from.sent.iter().position(|seen| matches!(seen, Seen::Close(_))).map_or(from.sent.len(), |at| at + 1);
            let closed = to.end.seen.iter().any(|seen| matches!(seen, Seen::Close(_)));
            if !self.cut && !failed && !closed {
                assert_eq!(to.matched, sent, "all arrives: sent {:?}, seen {:?}", from.sent, to.end.seen);
                let pings = to.sent.iter().filter(|sent| matches!(sent, Seen::Ping(_))).count();
                assert!(to.answered == pings, "section 5.5.3: the latest ping is answered at least");
            }
        }
    }

    /// Ends what has not ended: the client closes.
    fn end(&mut self) {
        let client = &mut self.peers[0];
        match client.end.connection.close(None, &mut client.end.outbox) {
            Ok(()) => client.sent.push(Seen::Close(None)),
            Err(error) => refused(error),
        }
        self.settle();
        self.check();
        for peer in &mut self.peers {
            peer.shut = true;
            peer.notice_eof();
        }
    }

    fn check_endings(&self) {
        let endings = [0, 1].map(|side| self.peers[side].end.connection.ending().expect("it has ended"));
        for (peer, ending) in self.peers.iter().zip(endings) {
            assert_eq!(peer.end.connection.duty(), Duty::Drop, "nothing is owed any more");
            assert!(!peer.end.connection.is_open() && !peer.end.connection.is_closing());
            let seen = peer.end.seen.iter().any(|seen| matches!(seen, Seen::Close(_)));
            assert_eq!(ending.received.is_some(), seen);
            assert_eq!(ending.clean, ending.received.is_some() && ending.sent.is_some() && peer.end.error.is_none());
            assert!(ending.clean || self.cut || self.peers.iter().any(|peer| peer.end.error.is_some()), "{ending:?}");
            if let Some(error) = peer.end.error {
                assert_eq!(ending.by, Side::Local);
                assert!(matches!(error, Error::Limit(_)), "an end of this crate keeps to the rules: {error:?}");
            }
        }
        // What one received is what the other sent, and nothing is lost but on the way to an end that has failed.
        let [client, server] = endings;
        for (to, from, peer) in [(client, server, &self.peers[0]), (server, client, &self.peers[1])] {
            assert!(to.received.is_none() || to.received == from.sent, "{client:?}, {server:?}");
            let lost = self.cut || peer.end.error.is_some();
            assert!(lost || to.received == from.sent, "{client:?}, {server:?}");
        }
        // One of them has begun, and both where their close frames crossed.
        let begun = [client, server].iter().filter(|ending| ending.by == Side::Local).count();
        assert!(begun > 0 || self.cut, "{client:?}, {server:?}");
    }
}

impl Peer {
    fn send_text(&mut self, text: &str) {
        self.act(Some(Seen::text(text)), |end| end.connection.send_text(text, &mut end.outbox));
    }

    fn send_binary(&mut self, data: &[u8]) {
        self.act(Some(Seen::binary(data)), |end| end.connection.send_binary(data, &mut end.outbox));
    }

    fn send_shared(&mut self, seen: Seen) {
        let message = match seen.clone() {
            Seen::Text(text) => Message::text(text),
            Seen::Binary(data) => Message::binary(data),
            other => panic!("{other:?}"),
        };
        self.act(Some(seen), |end| end.connection.send(&message, &mut end.outbox));
    }

    fn send_control(&mut self, seen: Seen) {
        let message = match seen.clone() {
            Seen::Ping(data) => Message::Ping(data.into()),
            Seen::Pong(data) => Message::Pong(data.into()),
            other => panic!("{other:?}"),
        };
        self.act(Some(seen), |end| end.connection.send(&message, &mut end.outbox));
    }

    /// A fragment of a message of this kind, or of the one that is open.
    fn fragment(&mut self, is_text: bool, data: &[u8], last: bool) {
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

    fn broadcast(&mut self, text: &str, threshold: usize) {
        let options = Options::new().local_window_bits(9).threshold(threshold);
        let news = Broadcast::text(text).deflated(&options);
        self.act(Some(Seen::text(text)), |end| end.connection.broadcast(&news, &mut end.outbox));
    }

    fn close(&mut self, cursor: &mut Cursor<'_>) {
        let code = cursor.one_of(&[0, 1000, 1001, 1003, 1011, 3000, 4999, 1005, 1006, 1015, 999, 5000]);
        let reason = text(cursor);
        let frame = CloseFrame::new(CloseCode::new(code), &*reason);
        let legal = matches!(code, 0 | 1000..=1003 | 1007..=1014 | 3000..=4999) && (reason.len() <= 123 || code == 0);
        let (seen, frame) = if code == 0 { (None, None) } else { (Some((code, reason.clone())), Some(&frame)) };
        let sent = self.act(Some(Seen::Close(seen)), |end| end.connection.close(frame, &mut end.outbox));
        assert!(legal || !sent, "{code} with {} bytes was sent", reason.len());
    }

    /// Whether the action was taken; if not, nothing has changed.
    fn act(&mut self, seen: Option<Seen>, action: impl FnOnce(&mut End) -> Result<(), Error>) -> bool {
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
    fn write(&mut self, most: usize, cut: bool) {
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

    fn receive_all(&mut self, door: Door, now: Duration) {
        let before = self.end.seen.len();
        while self.end.step(door) {}
        if self.end.seen.len() > before {
            self.keepalive.stirred(now);
        }
        if self.end.connection.is_closing() {
            self.keepalive.closing(now);
        }
    }

    fn notice_eof(&mut self) {
        if !self.eof {
            // What came before the end is received before it.
            while self.end.step(Door::Pieces) {}
            self.end.connection.receive_eof();
            self.eof = true;
        }
    }

    /// Holds what was seen since the last time against what `from` sent, in order: every message, ping and close frame,
    /// and the pongs that were sent by hand. The other pongs answer pings of this end, in their order.
    fn compare(&mut self, from: &Peer) {
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
    fn check_memory(&self) {
        let (inbox, outbox) = (&self.end.inbox, &self.end.outbox);
        let control = 2 + 4 + 125;
        assert!(outbox.len() <= outbox.limit().saturating_add(Outbox::CONTROL_ROOM + 3 * control), "{outbox:?}");
        let arrived = inbox.unread().len() as u64;
        assert!(inbox.len() as u64 <= arrived + self.message_limit, "{inbox:?}, limit {}", self.message_limit);
    }
}

/// An action is refused for what the caller did or the outbox holds, or because the connection has failed.
fn refused(error: Error) {
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
fn marked(mark: u8, cursor: &mut Cursor<'_>) -> Vec<u8> {
    let length = cursor.byte() % 40;
    [&[mark], cursor.take(length.into())].concat()
}

/// A text of a few bytes, or of many.
fn text(cursor: &mut Cursor<'_>) -> String {
    let (length, kind) = length(cursor);
    let pattern = ["salmon ", "물고기 ", "a", "🐟é"][usize::from(kind % 4)];
    let mut text = pattern.repeat(length / pattern.len());
    text.push_str(&String::from_utf8_lossy(cursor.take(usize::from(kind >> 6))));
    text
}

/// Bytes, few or many, that repeat or not.
fn data(cursor: &mut Cursor<'_>) -> Vec<u8> {
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

/// Programs of all kinds, by the letter.
pub fn seeds() -> Vec<Seed> {
    const CLIENT: u8 = 0;
    const SERVER: u8 = 0x80;
    let plain = [0, 0, 0, 0, 0, 0];
    let takeover = [0x0F, 0x0F, 0x11, 0, 0, 0];
    let small_windows = [1, 0, 0x01, 0, 0, 0];
    let text = |side: u8, length: u8| [side, length, 1];
    let binary = |side: u8, length: u8| [side | 1, length, 2];
    let all = [31u8];
    let ping = |side: u8| [side | 4, 3, b'a', b'b', b'c'];
    let fragment = |side: u8, length: u8, last: u8| [side | 6, length, 0, last];
    let close = |side: u8, code: u8| [side | 9, code, 4, 0];
    let wait = |high: u8| [24, high, 0];
    let (c, s) = (CLIENT, SERVER);
    vec![
        seed("late-pong", &[&plain, &wait(120), &wait(40), &all, &wait(50), &all]),
        seed("write-all-but-one", &[&plain, &[s | 3, 250, 0, s | 14, 11, 3], &all, &text(s, 9), &all]),
        seed(
            "pong-that-waits",
            &[
                &plain,
                &binary(s, 254),
                &binary(s, 254),
                &ping(c),
                &[c | 14, 1, 0, c | 18, 1, 0, s | 22],
                &text(s, 9),
                &all,
            ],
        ),
        seed("text", &[&plain, &text(c, 20), &text(s, 30), &all]),
        seed("binary", &[&plain, &binary(c, 20), &binary(s, 250), &all]),
        seed("shared", &[&plain, &[s | 3, 241, 0], &[s | 2, 242, 1], &all, &text(s, 3), &all]),
        seed("pings", &[&plain, &ping(c), &ping(s), &all, &ping(c), &[c | 5, 2, b'x', b'y'], &all, &all]),
        seed("many-pings", &[&plain, &ping(c).repeat(60), &all, &all]),
        seed("fragments", &[&plain, &fragment(c, 9, 0), &ping(c), &fragment(c, 5, 0), &fragment(c, 1, 1), &all]),
        seed("fragments-left-open", &[&plain, &fragment(s, 9, 0), &all, &text(s, 3), &close(c, 1), &all]),
        seed("fragments-of-other-kind", &[&plain, &fragment(s, 9, 0), &[s | 7, 3, 0, 1], &fragment(s, 2, 1), &all]),
        seed("by-byte", &[&plain, &text(c, 5), &[c | 10, 0, c | 15, 0, s | 21].repeat(12), &all]),
        seed(
            "in-halves",
            &[&plain, &binary(c, 245), &[c | 14, 20, 0, c | 18, 10, 0, s | 22, c | 18, 9, 0, s | 23], &all],
        ),
        seed("whole-then-pieces", &[&plain, &binary(c, 60), &[c | 10, 30, c | 15, 30, s | 20, s | 21, s | 20], &all]),
        seed("close", &[&plain, &close(c, 1), &all, &all]),
        seed("close-both", &[&plain, &close(c, 1), &close(s, 2), &all, &all]),
        seed("close-illegal", &[&plain, &close(c, 7), &close(c, 8), &close(c, 10), &close(s, 6), &all]),
        seed("close-after-text", &[&plain, &text(s, 50), &close(s, 0), &text(s, 3), &text(c, 3), &ping(s), &all]),
        seed("cut", &[&plain, &text(c, 50), &[c | 10, 9, 29, 255], &text(c, 3), &text(s, 3)]),
        seed("cut-closing", &[&plain, &close(c, 1), &[c | 10, 200, 29, 255], &all]),
        seed(
            "outbox-full",
            &[&[0, 0, 0, 2, 0, 0], &binary(c, 150), &binary(c, 150), &ping(c), &all, &binary(c, 150), &all],
        ),
        seed("outbox-none", &[&[0, 0, 0, 3, 0, 0], &text(c, 1), &ping(s), &close(s, 1), &all]),
        seed("message-limit", &[&[0, 0, 0, 0, 3, 0], &text(c, 8), &text(c, 60), &text(c, 3), &text(s, 3), &all, &all]),
        seed("fragment-limit", &[&[0, 0, 0, 0, 0, 2], &fragment(s, 1, 0).repeat(4), &all, &all]),
        seed("silence", &[&plain, &wait(120), &all, &wait(120), &wait(80)]),
        seed("no-pong", &[&plain, &wait(120), &wait(80)]),
        seed("slow-close", &[&plain, &close(c, 1), &wait(10), &wait(20)]),
        seed("broadcast", &[&takeover, &[s | 8, 200, 0, c | 8, 200, 0], &all]),
        seed("broadcast-stateless", &[&[7, 7, 1, 0, 0, 0], &[s | 8, 200, 0, s | 8, 100, 0], &all, &text(s, 90), &all]),
        seed("compressed", &[&takeover, &text(c, 200), &text(c, 200), &all, &text(s, 250), &text(s, 250), &all]),
        seed("compressed-small-windows", &[&small_windows, &binary(c, 250), &text(c, 250), &binary(s, 250), &all]),
        seed(
            "compressed-fragments",
            &[&takeover, &fragment(c, 100, 0), &fragment(c, 0, 0), &ping(c), &fragment(c, 90, 1), &all],
        ),
        seed("compressed-by-byte", &[&takeover, &text(c, 60), &[c | 10, 0, c | 15, 0, s | 20].repeat(40), &all]),
        seed(
            "compressed-idle",
            &[&takeover, &text(c, 200), &all, &wait(50), &[27, s | 27], &text(c, 200), &text(s, 200), &all],
        ),
        seed("compressed-limit", &[&[0x0F, 0x0F, 1, 0, 2, 0], &text(c, 200), &text(c, 245), &all, &all]),
        seed("compressed-threshold", &[&[0x0F, 0x0F, 3, 0, 0, 0], &text(c, 20), &text(c, 250), &text(c, 30), &all]),
        seed(
            "memory",
            &[&plain, &binary(c, 242), &[c | 10, 99, c | 15, 50, s | 22, s | 25, s | 26, 80, s | 28, c | 28], &all],
        ),
    ]
}
