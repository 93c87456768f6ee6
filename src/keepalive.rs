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
/// | [`message`](Self::message) | none | how long the largest message takes on the slowest line, only the caller knows |
/// | [`idle`](Self::idle) | 10 s | the memory of compression is made anew in microseconds |
///
/// Any byte is a sign of life, one in the middle of a frame too: with a `ping_interval` alone a peer that sends one now and then
/// holds its connection as long as it likes, and memory in proportion to what it has sent. A `message` ends that. Without both,
/// silence has no end. How many connections one peer may have is for the caller to say.
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
    /// From the first byte of a message, or of a control frame between messages, until it is there whole, however many
    /// fragments and pieces it comes in and whatever control frames are between them. It begins where the caller waits for the
    /// rest. Where an adapter's caller does something else as it ends, or waits to send, it begins anew with the next wait; but
    /// a caller that has dropped the `next` of a `Stream` of messages is not known to do something else.
    pub message: Option<Duration>,
    /// From the last message in either direction to giving memory back; of use where compression was negotiated.
    pub idle: Option<Duration>,
}

impl Timeouts {
    /// Waits for ever, for everything.
    pub const NEVER: Self =
        Self { handshake: None, ping_interval: None, pong_wait: None, close_wait: None, message: None, idle: None };
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            handshake: Some(Duration::from_secs(10)),
            ping_interval: None,
            pong_wait: Some(Duration::from_secs(20)),
            close_wait: Some(Duration::from_secs(5)),
            message: None,
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
    /// A message, or a control frame, that was begun has not ended in time: drop the transport.
    Message,
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
            Self::Message => "the rest of a message or control frame",
            Self::Idle => "a message",
        })
    }
}

/// How far one connection is with its deadlines: 14 bytes, beside [`Timeouts`] that all connections share.
///
/// It has no clock: each call is given the time, as a duration since an origin of the caller's choosing that stays
/// the same for all calls. So it runs on fake time as well. Times are kept in milliseconds, rounded up, so that
/// nothing is due too early, and last for 136 years.
///
/// ```
/// use core::time::Duration;
/// use sockeye::{Due, Keepalive, Timeouts};
///
/// let second = Duration::from_secs;
/// let timeouts = Timeouts { ping_interval: Some(second(30)), idle: None, ..Timeouts::default() };
/// let mut keepalive = Keepalive::new(second(0));
/// keepalive.opened(second(1));
/// keepalive.heard(second(5));
/// assert_eq!(keepalive.deadline(&timeouts), Some(second(35)));
/// assert_eq!(keepalive.due(&timeouts, second(35)), Some(Due::Ping)); // now send one
/// assert_eq!(keepalive.deadline(&timeouts), Some(second(55))); // 20 seconds for the answer
/// ```
#[derive(Clone, Debug)]
pub struct Keepalive {
    phase: Phase,
    activity: Activity,
    /// When the phase began, or what counts as its beginning.
    since: Moment,
    /// When the activity was, or began.
    last: Moment,
}

/// What has happened to messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Activity {
    /// Nothing since it was last said that nothing had.
    None,
    /// A message was sent or received.
    Stirred,
    /// A message or a control frame is under way. Where that has a deadline, no memory is given back meanwhile that may be
    /// needed, so that one moment is enough for both.
    Receiving { stirred: bool },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Handshake,
    Quiet,
    Pinged,
    Closing,
}

/// A time in six bytes and not in the sixteen of a [`Duration`], as there may be many connections.
#[derive(Clone, Copy, Debug)]
struct Moment {
    /// The high and the low half of the seconds, so that a moment is aligned to two bytes.
    seconds: [u16; 2],
    milliseconds: u16,
}

impl Keepalive {
    /// The deadlines of a connection whose opening handshake starts now.
    pub const fn new(now: Duration) -> Self {
        let now = Moment::at(now);
        Self { phase: Phase::Handshake, activity: Activity::None, since: now, last: now }
    }

    /// Input: the opening handshake has ended.
    pub const fn opened(&mut self, now: Duration) {
        if let Phase::Handshake = self.phase {
            self.enter(Phase::Quiet, now);
        }
    }

    /// Input: the peer gave a sign of life; any bytes are one.
    pub const fn heard(&mut self, now: Duration) {
        if let Phase::Quiet | Phase::Pinged = self.phase {
            self.enter(Phase::Quiet, now);
        }
    }

    /// Input: a message was sent or received. Control frames are none: a connection that is kept alive by pings
    /// alone is idle. To be called where the connection has memory to give back.
    pub const fn stirred(&mut self, now: Duration) {
        if let Activity::Receiving { stirred } = &mut self.activity {
            *stirred = true;
        } else {
            self.activity = Activity::Stirred;
            self.last = Moment::at(now);
        }
    }

    /// Input: a message or a control frame was begun, and its rest has not come. To be called where
    /// [`receive`](crate::Connection::receive) has returned `None` and the connection
    /// [is receiving](crate::Connection::is_receiving) or the inbox is not empty, if there is a [`Timeouts::message`].
    /// Calling it again before [`received`](Self::received) changes nothing.
    pub const fn receiving(&mut self, now: Duration) {
        if !matches!(self.activity, Activity::Receiving { .. }) {
            self.activity = Activity::Receiving { stirred: matches!(self.activity, Activity::Stirred) };
            self.last = Moment::at(now);
        }
    }

    /// Input: what was begun has ended. To be called for each event after which the connection
    /// [is not receiving](crate::Connection::is_receiving).
    #[inline]
    pub const fn received(&mut self) {
        if let Activity::Receiving { stirred } = self.activity {
            self.activity = if stirred { Activity::Stirred } else { Activity::None };
        }
    }

    /// Input: the closing handshake has begun, or the connection has failed. Calling it again changes nothing.
    pub const fn closing(&mut self, now: Duration) {
        if !matches!(self.phase, Phase::Closing) {
            self.enter(Phase::Closing, now);
        }
    }

    /// Question: when to ask [`due`](Self::due) next; `None` if never. Changes only with an input or with `due`.
    pub fn deadline(&self, timeouts: &Timeouts) -> Option<Duration> {
        self.next(timeouts).map(|(deadline, _)| deadline)
    }

    /// What is due now, if anything. A [`Due::Ping`] and a [`Due::Idle`] are said once; the others until the
    /// transport is dropped.
    pub fn due(&mut self, timeouts: &Timeouts, now: Duration) -> Option<Due> {
        let (deadline, due) = self.next(timeouts)?;
        if now < deadline {
            return None;
        }
        match due {
            Due::Ping => self.enter(Phase::Pinged, now),
            Due::Idle => self.activity = Activity::None,
            Due::Handshake | Due::Pong | Due::Close | Due::Message => {}
        }
        Some(due)
    }

    const fn enter(&mut self, phase: Phase, now: Duration) {
        self.phase = phase;
        self.since = Moment::at(now);
    }

    fn next(&self, timeouts: &Timeouts) -> Option<(Duration, Due)> {
        let (wait, due) = match self.phase {
            Phase::Handshake => (timeouts.handshake, Due::Handshake),
            Phase::Quiet => (timeouts.ping_interval, Due::Ping),
            Phase::Pinged => (timeouts.pong_wait, Due::Pong),
            Phase::Closing => (timeouts.close_wait, Due::Close),
        };
        let life = wait.map(|wait| (self.since.after(wait), due));
        let (wait, due) = match (self.phase, self.activity, timeouts.message) {
            (Phase::Quiet | Phase::Pinged, Activity::Receiving { .. }, Some(wait)) => (Some(wait), Due::Message),
            (Phase::Quiet | Phase::Pinged, Activity::Receiving { stirred: true } | Activity::Stirred, _) => {
                (timeouts.idle, Due::Idle)
            }
            _ => (None, Due::Idle),
        };
        let activity = wait.map(|wait| (self.last.after(wait), due));
        [life, activity].into_iter().flatten().min_by_key(|(deadline, _)| *deadline)
    }
}

impl Moment {
    const fn at(time: Duration) -> Self {
        let time = time.saturating_add(Duration::from_nanos(999_999));
        let seconds = if time.as_secs() > u32::MAX as u64 { u32::MAX } else { time.as_secs() as u32 };
        Self { seconds: [(seconds >> 16) as u16, seconds as u16], milliseconds: time.subsec_millis() as u16 }
    }

    fn after(self, wait: Duration) -> Duration {
        let [high, low] = self.seconds.map(u64::from);
        let since = Duration::new(high << 16 | low, u32::from(self.milliseconds) * 1_000_000);
        since.saturating_add(wait)
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
        let mut keepalive = Keepalive::new(seconds(100));
        keepalive.heard(seconds(109));
        assert_eq!(keepalive.deadline(&timeouts()), Some(seconds(110)));
        assert_eq!(keepalive.due(&timeouts(), Duration::from_millis(109_999)), None);
        assert_eq!(keepalive.due(&timeouts(), seconds(110)), Some(Due::Handshake));
    }

    #[test]
    fn silence_is_pinged_once_and_then_ends_the_connection() {
        let mut keepalive = Keepalive::new(seconds(0));
        keepalive.opened(seconds(1));
        assert_eq!(keepalive.due(&timeouts(), seconds(30)), None);
        assert_eq!(keepalive.due(&timeouts(), seconds(31)), Some(Due::Ping));
        assert_eq!(keepalive.due(&timeouts(), seconds(31)), None);
        assert_eq!(keepalive.due(&timeouts(), seconds(51)), Some(Due::Pong));
    }

    #[test]
    fn a_sign_of_life_after_a_ping_starts_the_silence_anew() {
        let mut keepalive = Keepalive::new(seconds(0));
        keepalive.opened(seconds(0));
        assert_eq!(keepalive.due(&timeouts(), seconds(30)), Some(Due::Ping));
        keepalive.heard(seconds(40));
        assert_eq!(keepalive.deadline(&timeouts()), Some(seconds(70)));
    }

    #[test]
    fn closing_has_its_deadline_whatever_is_heard_or_said_again() {
        let mut keepalive = Keepalive::new(seconds(0));
        keepalive.opened(seconds(0));
        keepalive.closing(seconds(10));
        keepalive.closing(seconds(12));
        keepalive.heard(seconds(14));
        assert_eq!(keepalive.due(&timeouts(), seconds(15)), Some(Due::Close));
    }

    #[test]
    fn idleness_is_said_once_after_each_stir() {
        let mut keepalive = Keepalive::new(seconds(0));
        keepalive.opened(seconds(0));
        assert_eq!(keepalive.deadline(&Timeouts::default()), None, "nothing has happened yet");
        keepalive.stirred(seconds(1));
        keepalive.stirred(seconds(3));
        keepalive.heard(seconds(5));
        assert_eq!(keepalive.due(&Timeouts::default(), seconds(12)), None);
        assert_eq!(keepalive.due(&Timeouts::default(), seconds(13)), Some(Due::Idle));
        assert_eq!(keepalive.deadline(&Timeouts::default()), None);
        keepalive.stirred(seconds(20));
        assert_eq!(keepalive.deadline(&Timeouts::default()), Some(seconds(30)));
        keepalive.closing(seconds(21));
        assert_eq!(
            keepalive.due(&Timeouts::default(), seconds(26)),
            Some(Due::Close),
            "a connection that closes is not idle"
        );
    }

    #[test]
    fn a_message_has_its_deadline_whatever_is_heard() {
        let timeouts = Timeouts { message: Some(seconds(60)), ..Timeouts::NEVER };
        let mut keepalive = Keepalive::new(seconds(0));
        keepalive.receiving(seconds(0));
        assert_eq!(keepalive.deadline(&timeouts), None, "the handshake has a deadline of its own");
        keepalive.opened(seconds(0));
        keepalive.receiving(seconds(10));
        keepalive.stirred(seconds(20));
        keepalive.heard(seconds(30));
        assert_eq!(keepalive.due(&timeouts, seconds(59)), None);
        assert_eq!(keepalive.due(&timeouts, seconds(60)), Some(Due::Message));
        assert_eq!(keepalive.due(&timeouts, seconds(61)), Some(Due::Message), "until the transport is dropped");
        keepalive.received();
        assert_eq!(keepalive.deadline(&timeouts), None);
        keepalive.receiving(seconds(100));
        assert_eq!(keepalive.deadline(&timeouts), Some(seconds(160)));
        keepalive.closing(seconds(101));
        assert_eq!(keepalive.deadline(&timeouts), None, "closing has a deadline of its own");
    }

    #[test]
    fn silence_and_a_message_under_way_have_each_their_deadline() {
        let timeouts = Timeouts { message: Some(seconds(60)), ..timeouts() };
        let mut keepalive = Keepalive::new(seconds(0));
        keepalive.opened(seconds(0));
        keepalive.receiving(seconds(20));
        assert_eq!(keepalive.due(&timeouts, seconds(30)), Some(Due::Ping));
        assert_eq!(keepalive.due(&timeouts, seconds(50)), Some(Due::Pong));
        keepalive.heard(seconds(50));
        assert_eq!(keepalive.due(&timeouts, seconds(80)), Some(Due::Ping), "first, where both are due");
        assert_eq!(keepalive.due(&timeouts, seconds(80)), Some(Due::Message));
    }

    #[test]
    fn a_connection_is_idle_after_a_message_and_not_within_one_that_is_waited_for() {
        let idle = Timeouts { idle: Some(seconds(10)), ..Timeouts::NEVER };
        let both = Timeouts { message: Some(seconds(60)), ..idle };
        let mut keepalive = Keepalive::new(seconds(0));
        keepalive.opened(seconds(0));
        keepalive.stirred(seconds(1));
        keepalive.receiving(seconds(5));
        assert_eq!(keepalive.deadline(&both), Some(seconds(65)));
        assert_eq!(keepalive.deadline(&idle), Some(seconds(15)));
        keepalive.received();
        assert_eq!(keepalive.due(&both, seconds(15)), Some(Due::Idle));
        keepalive.receiving(seconds(20));
        assert_eq!(keepalive.deadline(&idle), None, "nothing since");
        keepalive.received();
        assert_eq!(keepalive.deadline(&both), None);
        keepalive.receiving(seconds(30));
        keepalive.stirred(seconds(35));
        keepalive.received();
        assert_eq!(keepalive.deadline(&both), Some(seconds(40)), "a message was sent meanwhile");
    }

    #[test]
    fn never_is_never() {
        let mut keepalive = Keepalive::new(seconds(0));
        for step in [Keepalive::heard, Keepalive::opened, Keepalive::receiving, Keepalive::closing] {
            step(&mut keepalive, seconds(0));
            assert_eq!(keepalive.deadline(&Timeouts::NEVER), None);
            assert_eq!(keepalive.due(&Timeouts::NEVER, Duration::MAX), None);
        }
    }

    #[test]
    fn nothing_is_due_before_its_time_by_less_than_a_millisecond() {
        let mut keepalive = Keepalive::new(seconds(0));
        keepalive.closing(Duration::from_nanos(1_000_000_001));
        assert_eq!(keepalive.deadline(&timeouts()), Some(Duration::from_millis(6_001)));
        let mut keepalive = Keepalive::new(Duration::from_nanos(u64::from(u32::MAX) * 1_000_000_000 - 1));
        assert_eq!(keepalive.deadline(&timeouts()), Some(seconds(u64::from(u32::MAX) + 10)));
        keepalive.closing(seconds(0x1_2345));
        assert_eq!(keepalive.deadline(&timeouts()), Some(seconds(0x1_234A)));
    }

    #[test]
    fn a_time_past_the_last_counts_as_the_last() {
        for past in [seconds(u64::from(u32::MAX) + 5), seconds(u64::MAX)] {
            let deadline = Keepalive::new(past).deadline(&timeouts());
            assert_eq!(deadline, Some(seconds(u64::from(u32::MAX) + 10)));
        }
    }

    #[test]
    fn deadlines_are_small() {
        assert_eq!(size_of::<Keepalive>(), 14);
    }
}
