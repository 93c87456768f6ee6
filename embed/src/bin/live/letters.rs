//! The messages of one connection. Each names its connection and its number, and all of its bytes follow from these two, so that
//! an echo is known to be whole, and whose it is.

use std::collections::VecDeque;

use sockeye::Message;

/// What one connection has sent, and waits to hear.
pub(crate) struct Letters {
    connection: u64,
    sent: u64,
    waiting: VecDeque<u64>,
}

/// What an echo is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The one that is next.
    Good,
    /// One that was there before.
    Doubled,
    /// One before its turn.
    Disordered,
    /// None that this connection has sent.
    Damaged,
}

impl Letters {
    pub(crate) fn new(connection: u64) -> Self {
        Self { connection, sent: 0, waiting: VecDeque::new() }
    }

    /// The next one to send.
    pub(crate) fn next(&mut self) -> Message {
        self.waiting.push_back(self.sent);
        self.sent += 1;
        letter(self.connection, self.sent - 1)
    }

    /// How many echoes are under way.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    pub(crate) fn judge(&mut self, echo: &Message) -> Verdict {
        let Some(number) = number(echo).filter(|number| *number < self.sent) else { return Verdict::Damaged };
        if *echo != letter(self.connection, number) {
            return Verdict::Damaged;
        }
        match self.waiting.iter().position(|waiting| *waiting == number) {
            Some(0) => {
                self.waiting.pop_front();
                Verdict::Good
            }
            Some(place) => {
                self.waiting.remove(place);
                Verdict::Disordered
            }
            None => Verdict::Doubled,
        }
    }
}

/// A letter of this connection: most are short, one in a hundred has up to 128 KiB.
fn letter(connection: u64, number: u64) -> Message {
    let mut dice = Dice::new(connection.rotate_left(32) ^ number);
    let size = match dice.below(100) {
        0 => dice.below(128 << 10),
        1..10 => dice.below(8 << 10),
        _ => dice.below(512),
    };
    let mut bytes = format!("{connection} {number} ").into_bytes();
    bytes.extend(std::iter::repeat_with(|| b'!' + dice.below(94) as u8).take(size));
    match String::from_utf8(bytes) {
        Ok(text) if number.is_multiple_of(2) => Message::text(text),
        Ok(text) => Message::binary(text.into_bytes()),
        Err(_) => unreachable!("all of it is ASCII"),
    }
}

/// The number that an echo names.
fn number(echo: &Message) -> Option<u64> {
    str::from_utf8(payload(echo).split(|byte| *byte == b' ').nth(1)?).ok()?.parse().ok()
}

/// The bytes of a message.
pub(crate) fn payload(message: &Message) -> &[u8] {
    match message {
        Message::Text(text) => text.as_bytes(),
        Message::Binary(bytes) => bytes,
        _ => &[],
    }
}

/// Random numbers that follow from their seed (SplitMix64).
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below this one, which must not be 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % end as u64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_echo_is_judged() {
        let mut letters = Letters::new(7);
        let sent: Vec<_> = (0..4).map(|_| letters.next()).collect();
        assert_eq!(letters.judge(&sent[0]), Verdict::Good);
        assert_eq!(letters.judge(&sent[0]), Verdict::Doubled);
        assert_eq!(letters.judge(&sent[2]), Verdict::Disordered);
        assert_eq!(letters.judge(&letter(8, 1)), Verdict::Damaged, "another connection's");
        assert_eq!(letters.judge(&letter(7, 4)), Verdict::Damaged, "not sent");
        let mut cut = sent[1].clone();
        if let Message::Binary(bytes) = &mut cut {
            bytes.truncate(bytes.len() - 1);
        }
        assert_eq!(letters.judge(&cut), Verdict::Damaged, "cut short");
        assert_eq!(letters.judge(&sent[1]), Verdict::Good);
        assert_eq!(letters.judge(&sent[3]), Verdict::Good);
        assert_eq!(letters.waiting(), 0);
    }
}
