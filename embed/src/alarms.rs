//! When to look at which connection, if nothing happens on it.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

/// The alarms of all connections, at most one that counts for each.
///
/// An alarm that has become pointless is not searched for but left to ring: whoever hears it looks whether something is
/// due. So a deadline that moves back with every message costs nothing, and one that is in force costs eight bytes.
#[derive(Default)]
pub struct Alarms {
    heap: BinaryHeap<Reverse<(Tick, u32)>>,
}

/// The alarm of one connection, kept with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Alarm(Option<Tick>);

/// Whole ticks since the start, and one: none is zero, so that an alarm takes four bytes. They last for 17 years.
type Tick = std::num::NonZeroU32;

impl Alarms {
    /// None yet, and room for so many.
    pub fn with_capacity(alarms: usize) -> Self {
        Self { heap: BinaryHeap::with_capacity(alarms) }
    }

    /// Has the alarm ring when the deadline has passed, or before.
    pub fn set(&mut self, alarm: &mut Alarm, key: usize, deadline: Duration) {
        let tick = tick_after(deadline);
        if alarm.0.is_some_and(|set| set <= tick) {
            return;
        }
        let Ok(key) = u32::try_from(key) else { return };
        alarm.0 = Some(tick);
        self.heap.push(Reverse((tick, key)));
    }

    /// When to call [`ring`](Self::ring) next.
    pub fn next(&self) -> Option<Duration> {
        self.heap.peek().map(|Reverse((tick, _))| time_of(*tick))
    }

    /// The next connection whose alarm rings by now. Where the connection has gone or has another alarm, it is to be
    /// passed over: see [`Alarm::rings`].
    pub fn ring(&mut self, now: Duration) -> Option<(Ring, usize)> {
        let Reverse((tick, key)) = *self.heap.peek()?;
        if now < time_of(tick) {
            return None;
        }
        self.heap.pop();
        Some((Ring(tick), key as usize))
    }
}

/// An alarm that rings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ring(Tick);

impl Alarm {
    /// Whether it is this connection's alarm that rings; it is then off.
    pub fn rings(&mut self, ring: Ring) -> bool {
        let rings = self.0 == Some(ring.0);
        if rings {
            self.0 = None;
        }
        rings
    }
}

/// The first tick at which this time has passed.
fn tick_after(time: Duration) -> Tick {
    let ticks = time.as_nanos().div_ceil(TICK.as_nanos());
    u32::try_from(ticks).ok().and_then(|ticks| Tick::MIN.checked_add(ticks)).unwrap_or(Tick::MAX)
}

fn time_of(tick: Tick) -> Duration {
    TICK * (tick.get() - 1)
}

/// Deadlines are seconds: what is due a moment later hurts nobody, and what is due in the same moment is seen to at once.
const TICK: Duration = Duration::from_millis(125);

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    #[test]
    fn alarms_ring_in_their_order_and_not_before_the_deadline() {
        let mut alarms = Alarms::default();
        let mut of = [Alarm::default(); 3];
        alarms.set(&mut of[0], 0, seconds(10));
        alarms.set(&mut of[1], 1, Duration::from_millis(5_001));
        alarms.set(&mut of[2], 2, seconds(7));
        assert_eq!(alarms.ring(Duration::from_millis(5_001)), None, "rounded up to a tick");
        let mut heard = Vec::new();
        while let Some(next) = alarms.next() {
            let (ring, key) = alarms.ring(next).unwrap();
            assert!(of[key].rings(ring));
            heard.push((key, next.as_millis()));
        }
        assert_eq!(heard, [(1, 5_125), (2, 7_000), (0, 10_000)]);
    }

    /// Or it would ring before the deadline, be set anew for the same moment, and ring again.
    #[test]
    fn a_deadline_a_moment_after_a_tick_rings_with_the_next_one() {
        let mut alarms = Alarms::default();
        alarms.set(&mut Alarm::default(), 0, Duration::from_nanos(125_000_001));
        assert_eq!(alarms.next(), Some(Duration::from_millis(250)));
    }

    #[test]
    fn a_deadline_that_moves_back_sets_no_other_alarm() {
        let mut alarms = Alarms::default();
        let mut alarm = Alarm::default();
        for moved in 10..1_000 {
            alarms.set(&mut alarm, 0, seconds(moved));
        }
        assert_eq!(alarms.heap.len(), 1);
        let (ring, 0) = alarms.ring(seconds(10)).unwrap() else { panic!("expected the first deadline") };
        assert!(alarm.rings(ring));
        alarms.set(&mut alarm, 0, seconds(999));
        assert_eq!(alarms.next(), Some(seconds(999)));
    }

    #[test]
    fn of_a_deadline_that_moves_forward_the_earlier_alarm_counts() {
        let mut alarms = Alarms::default();
        let mut alarm = Alarm::default();
        alarms.set(&mut alarm, 0, seconds(10));
        alarms.set(&mut alarm, 0, seconds(5));
        let (ring, _) = alarms.ring(seconds(5)).unwrap();
        assert!(alarm.rings(ring));
        let (ring, _) = alarms.ring(seconds(10)).unwrap();
        assert!(!alarm.rings(ring), "the later one is stale");
        assert_eq!(alarms.next(), None);
    }

    #[test]
    fn the_alarm_of_a_connection_that_has_gone_is_none_of_the_next_one_in_its_place() {
        let mut alarms = Alarms::default();
        alarms.set(&mut Alarm::default(), 0, seconds(5));
        let mut next = Alarm::default();
        alarms.set(&mut next, 0, seconds(6));
        let (ring, _) = alarms.ring(seconds(6)).unwrap();
        assert!(!next.rings(ring));
        let (ring, _) = alarms.ring(seconds(6)).unwrap();
        assert!(next.rings(ring));
    }

    #[test]
    fn a_time_past_all_ticks_is_the_last_one() {
        let mut alarms = Alarms::default();
        let mut alarm = Alarm::default();
        alarms.set(&mut alarm, 0, Duration::MAX);
        assert!(alarms.next().is_some_and(|next| next > seconds(500_000_000)));
    }

    #[test]
    fn an_alarm_is_small() {
        assert_eq!(size_of::<Alarm>(), 4);
        assert_eq!(size_of::<Reverse<(Tick, u32)>>(), 8);
    }
}
