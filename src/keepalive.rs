//! Deadlines, on a clock that the caller keeps.

use core::fmt;
use core::time::Duration;

/// How long an endpoint waits, and for what. `None` waits for ever.
///
/// | wait | default | why |
/// | --- | --- | --- |
/// | [`handshake`](Self::handshake) | 10 s | a peer that connects and says nothing must not hold a place |
/// | [`ping_interval`](Self::ping_interval) | none | pings cost a sleeping phone its battery; a server behind a proxy that drops silent connections sets 30 s or so |
/// | [`pong_wait`](Self::pong_wait) | 20 s | a round trip on a bad network, several times over |
/// | [`close_wait`](Self::close_wait) | 5 s | the peer has agreed to close, or has misbehaved |
/// | [`idle`](Self::idle) | 10 s | the memory of compression is made anew in microseconds |
///
/// Any byte is a sign of life, one in the middle of a frame too, and without a `ping_interval` silence has no end: a peer may
/// hold its connection as long as it likes, and memory in proportion to what it has sent. How many connections one peer may
/// have, and how long a message may take, is for the caller to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// The opening handshake: from its start to its end, for a client. A server has it twice, as its caller looks at the
    /// request in between: from the start until the request is read, and until the answer is written.
    pub handshake: Option<Duration>,
    /// From the last sign of life of the peer to a ping.
    pub ping_interval: Option<Duration>,
    /// From a ping to any sign of life of the peer.
    pub pong_wait: Option<Duration>,
    /// From the start of the closing handshake, or from a failure, to the end of the transport.
    pub close_wait: Option<Duration>,
    /// From the last message in either direction to giving memory back; of use where compression was negotiated.
    pub idle: Option<Duration>,
}

impl Timeouts {
    /// Waits for ever, for everything.
    pub const NEVER: Self =
        Self { handshake: None, ping_interval: None, pong_wait: None, close_wait: None, idle: None };
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            handshake: Some(Duration::from_secs(10)),
            ping_interval: None,
            pong_wait: Some(Duration::from_secs(20)),
            close_wait: Some(Duration::from_secs(5)),
            idle: Some(Duration::from_secs(10)),
        }
    }
}

/// What is due; see [`Keepalive::due`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// The opening handshake has taken too long: drop the transport.
    Handshake,
    /// The peer has been silent for the interval: send a ping.
    Ping,
    /// The peer has given no sign of life since the ping: drop the transport.
    Pong,
    /// The peer has not ended the connection in time: drop the transport.
    Close,
    /// No message has gone either way for a while: call [`Connection::release_idle`](crate::Connection::release_idle).
    Idle,
}

impl fmt::Display for Due {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Handshake => "the opening handshake to end",
            Self::Ping => "a sign of life of the peer before a ping",
            Self::Pong => "a sign of life of the peer after a ping",
            Self::Close => "the peer to end the connection",
            Self::Idle => "a message",
        })
    }
}

/// The deadlines of one connection.
///
/// It has no clock: each call is given the time, as a duration since an origin of the caller's choosing that stays
/// the same for all calls. So it runs on fake time as well.
///
/// ```
/// use core::time::Duration;
/// use sockeye::{Due, Keepalive, Timeouts};
///
/// let second = Duration::from_secs;
/// let timeouts = Timeouts { ping_interval: Some(second(30)), idle: None, ..Timeouts::default() };
/// let mut keepalive = Keepalive::new(timeouts, second(0));
/// keepalive.opened(second(1));
/// keepalive.heard(second(5));
/// assert_eq!(keepalive.deadline(), Some(second(35)));
/// assert_eq!(keepalive.due(second(35)), Some(Due::Ping)); // now send one
/// assert_eq!(keepalive.deadline(), Some(second(55))); // 20 seconds for the answer
/// ```
#[derive(Clone, Debug)]
pub struct Keepalive {
    timeouts: Timeouts,
    phase: Phase,
    /// When a message was sent or received last; `None` once it was said that none was since.
    stirred: Option<Duration>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Handshake { since: Duration },
    Quiet { since: Duration },
    Pinged { at: Duration },
    Closing { since: Duration },
}

impl Keepalive {
    /// The deadlines of a connection whose opening handshake starts now.
    pub const fn new(timeouts: Timeouts, now: Duration) -> Self {
        Self { timeouts, phase: Phase::Handshake { since: now }, stirred: None }
    }

    /// Input: the opening handshake has ended.
    pub const fn opened(&mut self, now: Duration) {
        if let Phase::Handshake { .. } = self.phase {
            self.phase = Phase::Quiet { since: now };
        }
    }

    /// Input: the peer gave a sign of life; any bytes are one.
    pub const fn heard(&mut self, now: Duration) {
        if let Phase::Quiet { .. } | Phase::Pinged { .. } = self.phase {
            self.phase = Phase::Quiet { since: now };
        }
    }

    /// Input: a message was sent or received. Control frames are none: a connection that is kept alive by pings
    /// alone is idle.
    pub const fn stirred(&mut self, now: Duration) {
        self.stirred = Some(now);
    }

    /// Input: the closing handshake has begun, or the connection has failed. Calling it again changes nothing.
    pub const fn closing(&mut self, now: Duration) {
        if !matches!(self.phase, Phase::Closing { .. }) {
            self.phase = Phase::Closing { since: now };
        }
    }

    /// Question: when to ask [`due`](Self::due) next; `None` if never. Changes only with an input or with `due`.
    pub fn deadline(&self) -> Option<Duration> {
        self.next().map(|(deadline, _)| deadline)
    }

    /// What is due now, if anything. A [`Due::Ping`] and a [`Due::Idle`] are said once; the others until the
    /// transport is dropped.
    pub fn due(&mut self, now: Duration) -> Option<Due> {
        let (deadline, due) = self.next()?;
        if now < deadline {
            return None;
        }
        match due {
            Due::Ping => self.phase = Phase::Pinged { at: now },
            Due::Idle => self.stirred = None,
            Due::Handshake | Due::Pong | Due::Close => {}
        }
        Some(due)
    }

    fn next(&self) -> Option<(Duration, Due)> {
        let Timeouts { handshake, ping_interval, pong_wait, close_wait, idle } = self.timeouts;
        let (since, wait, due) = match self.phase {
            Phase::Handshake { since } => (since, handshake, Due::Handshake),
            Phase::Quiet { since } => (since, ping_interval, Due::Ping),
            Phase::Pinged { at } => (at, pong_wait, Due::Pong),
            Phase::Closing { since } => (since, close_wait, Due::Close),
        };
        let life = wait.map(|wait| (since.saturating_add(wait), due));
        let idle = match (self.phase, self.stirred, idle) {
            (Phase::Quiet { .. } | Phase::Pinged { .. }, Some(since), Some(idle)) => {
                Some((since.saturating_add(idle), Due::Idle))
            }
            _ => None,
        };
        [life, idle].into_iter().flatten().min_by_key(|(deadline, _)| *deadline)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    fn timeouts() -> Timeouts {
        Timeouts { ping_interval: Some(seconds(30)), idle: None, ..Timeouts::default() }
    }

    #[test]
    fn a_handshake_has_its_deadline_whatever_is_heard() {
        let mut keepalive = Keepalive::new(timeouts(), seconds(100));
        keepalive.heard(seconds(109));
        assert_eq!(keepalive.deadline(), Some(seconds(110)));
        assert_eq!(keepalive.due(Duration::from_millis(109_999)), None);
        assert_eq!(keepalive.due(seconds(110)), Some(Due::Handshake));
    }

    #[test]
    fn silence_is_pinged_once_and_then_ends_the_connection() {
        let mut keepalive = Keepalive::new(timeouts(), seconds(0));
        keepalive.opened(seconds(1));
        assert_eq!(keepalive.due(seconds(30)), None);
        assert_eq!(keepalive.due(seconds(31)), Some(Due::Ping));
        assert_eq!(keepalive.due(seconds(31)), None);
        assert_eq!(keepalive.due(seconds(51)), Some(Due::Pong));
    }

    #[test]
    fn a_sign_of_life_after_a_ping_starts_the_silence_anew() {
        let mut keepalive = Keepalive::new(timeouts(), seconds(0));
        keepalive.opened(seconds(0));
        assert_eq!(keepalive.due(seconds(30)), Some(Due::Ping));
        keepalive.heard(seconds(40));
        assert_eq!(keepalive.deadline(), Some(seconds(70)));
    }

    #[test]
    fn closing_has_its_deadline_whatever_is_heard_or_said_again() {
        let mut keepalive = Keepalive::new(timeouts(), seconds(0));
        keepalive.opened(seconds(0));
        keepalive.closing(seconds(10));
        keepalive.closing(seconds(12));
        keepalive.heard(seconds(14));
        assert_eq!(keepalive.due(seconds(15)), Some(Due::Close));
    }

    #[test]
    fn idleness_is_said_once_after_each_stir() {
        let mut keepalive = Keepalive::new(Timeouts::default(), seconds(0));
        keepalive.opened(seconds(0));
        assert_eq!(keepalive.deadline(), None, "nothing has happened yet");
        keepalive.stirred(seconds(1));
        keepalive.stirred(seconds(3));
        keepalive.heard(seconds(5));
        assert_eq!(keepalive.due(seconds(12)), None);
        assert_eq!(keepalive.due(seconds(13)), Some(Due::Idle));
        assert_eq!(keepalive.deadline(), None);
        keepalive.stirred(seconds(20));
        assert_eq!(keepalive.deadline(), Some(seconds(30)));
        keepalive.closing(seconds(21));
        assert_eq!(keepalive.due(seconds(26)), Some(Due::Close), "a connection that closes is not idle");
    }

    #[test]
    fn never_is_never() {
        let mut keepalive = Keepalive::new(Timeouts::NEVER, seconds(0));
        for step in [Keepalive::heard, Keepalive::opened, Keepalive::closing] {
            step(&mut keepalive, seconds(0));
            assert_eq!(keepalive.deadline(), None);
            assert_eq!(keepalive.due(Duration::MAX), None);
        }
    }
}
