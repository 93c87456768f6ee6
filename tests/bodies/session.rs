//! Two ends of this crate that do anything at any time, over a link that splits, delays and is cut.
//!
//! Input: what was agreed on and the limits (6 bytes, see [`Session::new`]), and a program: an operation in each byte, with
//! the end that does it in the highest bit, and behind it what the operation takes.

mod peer;
mod seeds;

use std::time::Duration;

use sockeye::bytes::BytesMut;
use sockeye::deflate::{Direction, Options, Parameters};
use sockeye::{Config, Due, Duty, Error, Keepalive, Outbox, Role, Side, Timeouts};

use super::cursor::Cursor;
use crate::common::{DOORS, Door, End, Seen, connection};
use peer::{Peer, data, marked, refused, text};
pub use seeds::seeds;

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
    timeouts: Timeouts,
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
            message: (other & 64 != 0).then_some(Duration::from_secs(40)),
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
            let mut keepalive = Keepalive::new(Duration::ZERO);
            keepalive.opened(Duration::ZERO);
            Peer {
                end,
                keepalive,
                message_limit,
                link: BytesMut::new(),
                shut: false,
                eof: false,
                heard: Duration::ZERO,
                begun: None,
                sent: Vec::new(),
                fragments: None,
                answered: 0,
                checked: 0,
                matched: 0,
            }
        });
        Self { peers, now: Duration::ZERO, cut: false, deflate_threshold, timeouts }
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
            20..=21 => drop(peer.step(DOORS[usize::from(operation & 1)], self.now)),
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
            while let Some(due) = peer.keepalive.due(&self.timeouts, self.now) {
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
                    Due::Message => {
                        let begun = peer.begun.expect("nothing is under way");
                        assert!(self.now - begun >= Duration::from_secs(40), "there was time left");
                        return self.cut();
                    }
                    Due::Close => {
                        assert!(!peer.end.connection.is_open());
                        return self.cut();
                    }
                    Due::Handshake => panic!("the handshake has ended"),
                }
            }
            let waited = peer.begun.map_or(Duration::ZERO, |begun| self.now - begun);
            let most = self.timeouts.message.unwrap_or(Duration::MAX);
            assert!(waited < most || !peer.end.connection.is_open(), "there was no time left");
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
                // By its payload and not by its number: an answer that gave way to a later one may have had the same.
                let asked = to.sent.iter().rev().find_map(|sent| match sent {
                    Seen::Ping(data) => Some(data),
                    _ => None,
                });
                let answer = to.end.seen.iter().rev().find_map(|seen| match seen {
                    Seen::Pong(data) if !data.starts_with(b"!") => Some(data),
                    _ => None,
                });
                assert_eq!(answer, asked, "section 5.5.3: the latest ping is answered at least");
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
