//! Two connections that speak to each other, with all parameters.

use proptest::prelude::*;
use sockeye::deflate::{Direction, Options, Parameters};
use sockeye::{Config, Error, Misuse, Role};

use crate::wire::{DOORS, Door, End, Seen, drain, eager, noise, plain, prose};

/// A client and a server, in this order.
fn pair(client: Direction, server: Direction, options: &Options) -> [End; 2] {
    let end = |role, local, remote| {
        let parameters = Parameters { local, remote };
        End::new(plain(role, &Config::default()).with_deflate(parameters, options))
    };
    [end(Role::Client, client, server), end(Role::Server, server, client)]
}

fn send(end: &mut End, message: &Seen) {
    match message {
        Seen::Text(text) => end.connection.send_text(text, &mut end.outbox),
        Seen::Binary(data) => end.connection.send_binary(data, &mut end.outbox),
        Seen::Ping(data) => end.connection.ping(data, &mut end.outbox),
        Seen::Pong(_) | Seen::Close(_) => unreachable!("not sent here"),
    }
    .expect("room");
}

#[test]
fn every_combination_of_the_parameters_carries_every_kind_of_message() {
    let long = prose(1500);
    let messages = [
        Seen::Text("salmon".into()),
        Seen::Text(long.clone()),
        Seen::Ping(b"?".into()),
        Seen::Binary(noise(300)),
        Seen::Text(String::new()),
        Seen::Text(long),
        Seen::Binary(vec![7; 40_000]),
        Seen::Text("salmon".into()),
    ];
    for combination in 0..=u8::MAX {
        let (client_bits, server_bits) = (8 + combination % 8, 8 + combination / 8 % 8);
        let client = Direction::new(client_bits, combination & 64 == 0);
        let server = Direction::new(server_bits, combination & 128 == 0);
        let mut ends = pair(client, server, &eager());
        let door = DOORS[usize::from(combination % 3 == 0)];
        for from in [0, 1] {
            for (index, message) in messages.iter().enumerate() {
                send(&mut ends[from], message);
                if index == 4 {
                    ends[from].connection.release_idle();
                    ends[1 - from].connection.release_idle();
                }
                let wire = ends[from].drain();
                let mut seen = Vec::new();
                for read in wire.chunks(700) {
                    ends[1 - from].inbox.extend(read);
                    ends[1 - from].take(door, &mut seen).expect("a good message");
                }
                assert!(seen == [message.clone()], "message {index}, {client:?}, {server:?}");
                drain(&mut ends[1 - from].outbox);
            }
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    Whole(Content),
    Fragment(Content, bool),
    Ping(u8),
    /// Both connections and their buffers give back what they need not.
    Release,
    /// So many bytes cross the wire.
    Flow(usize),
}

#[derive(Clone, Debug)]
enum Content {
    Text(usize, usize),
    Noise(usize),
    Run(u8, usize),
}

impl Content {
    fn message(&self) -> Seen {
        match *self {
            Self::Text(skip, length) => Seen::Text(prose(skip + length).chars().skip(skip).collect()),
            Self::Noise(length) => Seen::Binary(noise(length)),
            Self::Run(byte, length) => Seen::Binary(vec![byte; length]),
        }
    }
}

fn content() -> impl Strategy<Value = Content> {
    prop_oneof![
        (0..300usize, 0..2500usize).prop_map(|(skip, length)| Content::Text(skip, length)),
        (0..1500usize).prop_map(Content::Noise),
        (any::<u8>(), 0..60_000usize).prop_map(|(byte, length)| Content::Run(byte, length)),
    ]
}

fn steps() -> impl Strategy<Value = Vec<(bool, Step)>> {
    let step = prop_oneof![
        3 => content().prop_map(Step::Whole),
        3 => (content(), any::<bool>()).prop_map(|(content, last)| Step::Fragment(content, last)),
        1 => any::<u8>().prop_map(Step::Ping),
        1 => Just(Step::Release),
        4 => (1..2000usize).prop_map(Step::Flow),
    ];
    proptest::collection::vec((any::<bool>(), step), 1..40)
}

fn options() -> impl Strategy<Value = Options> {
    (prop_oneof![Just(0), Just(100), Just(1000), Just(usize::MAX)], 1..=9u8, 1..=9u8)
        .prop_map(|(threshold, level, memory)| Options::new().threshold(threshold).level(level).memory_level(memory))
}

/// One direction of traffic: what was sent, and what came.
#[derive(Default)]
struct Traffic {
    open: Option<Seen>,
    sent: Vec<Seen>,
    seen: Vec<Seen>,
}

impl Traffic {
    /// Sends a fragment, of the kind of the message that is open.
    fn fragment(&mut self, end: &mut End, message: Seen, last: bool) {
        let End { connection, outbox, .. } = end;
        let open = match (self.open.take(), message) {
            (open @ (None | Some(Seen::Text(_))), Seen::Text(text)) => {
                connection.send_text_fragment(&text, last, outbox).expect("room");
                let Some(Seen::Text(before)) = open else { return self.note(Seen::Text(text), last) };
                Seen::Text(before + &text)
            }
            (open, message) => {
                let data = match message {
                    Seen::Text(text) => text.into_bytes(),
                    Seen::Binary(data) => data,
                    other => unreachable!("{other:?} has no fragments"),
                };
                match open {
                    Some(Seen::Text(before)) => {
                        connection.send_text_fragment("é", last, outbox).expect("room");
                        Seen::Text(before + "é")
                    }
                    Some(Seen::Binary(before)) => {
                        connection.send_binary_fragment(&data, last, outbox).expect("room");
                        Seen::Binary([before, data].concat())
                    }
                    _ => {
                        connection.send_binary_fragment(&data, last, outbox).expect("room");
                        Seen::Binary(data)
                    }
                }
            }
        };
        self.note(open, last);
    }

    fn note(&mut self, open: Seen, last: bool) {
        if last {
            self.sent.push(open);
        } else {
            self.open = Some(open);
        }
    }
}

/// Moves bytes from one end to the other, and takes what can be had; where a message was begun in pieces, the door for
/// whole messages refuses it and changes nothing.
fn flow(wire: &mut Vec<u8>, from: &mut End, to: &mut End, count: usize, door: Door, seen: &mut Vec<Seen>) {
    wire.extend(from.drain());
    let count = count.min(wire.len());
    to.inbox.extend(&wire[..count]);
    wire.drain(..count);
    match to.take(door, seen) {
        Err(Error::Misuse(Misuse::MessageInPieces)) => to.take(Door::Pieces, seen).expect("good messages"),
        result => result.expect("good messages"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_sent_arrives(
        bits in (8..=15u8, 8..=15u8),
        takeover in (any::<bool>(), any::<bool>()),
        options in options(),
        owned in any::<bool>(),
        doors in (0..4u8, 0..4u8),
        steps in steps(),
    ) {
        let mut ends = pair(Direction::new(bits.0, takeover.0), Direction::new(bits.1, takeover.1), &options);
        ends.iter_mut().for_each(|end| end.owned = owned);
        let mut wires = [Vec::new(), Vec::new()];
        let mut traffic = [Traffic::default(), Traffic::default()];
        let mut turn = 0u8;
        let finish = [false, true].into_iter().flat_map(|side| {
            [(side, Step::Fragment(Content::Text(0, 0), true)), (side, Step::Flow(usize::MAX))]
        });
        for (side, step) in steps.into_iter().chain(finish) {
            let from = usize::from(side);
            let (left, right) = ends.split_at_mut(1);
            let (end, peer) = if side { (&mut right[0], &mut left[0]) } else { (&mut left[0], &mut right[0]) };
            let line = &mut traffic[from];
            match step {
                Step::Whole(content) if line.open.is_none() => {
                    send(end, &content.message());
                    line.sent.push(content.message());
                }
                Step::Whole(_) => {}
                Step::Fragment(content, last) => line.fragment(end, content.message(), last),
                Step::Ping(byte) => {
                    send(end, &Seen::Ping(vec![byte]));
                    line.sent.push(Seen::Ping(vec![byte]));
                }
                Step::Release => {
                    for end in [end, peer] {
                        end.connection.release_idle();
                        end.inbox.release();
                        end.outbox.release();
                    }
                }
                Step::Flow(count) => {
                    turn = turn.wrapping_add(1);
                    let door = match if side { doors.0 } else { doors.1 } {
                        0 | 1 => Door::Whole,
                        2 => Door::Pieces,
                        _ => DOORS[usize::from(turn % 2)],
                    };
                    flow(&mut wires[from], end, peer, count, door, &mut line.seen);
                }
            }
        }
        for Traffic { open, sent, seen } in traffic {
            prop_assert!(open.is_none());
            let seen: Vec<_> = seen.into_iter().filter(|seen| !matches!(seen, Seen::Pong(_))).collect();
            prop_assert!(seen == sent, "{} of {} messages are the same", seen.iter().zip(&sent).filter(|(a, b)| a == b).count(), sent.len());
        }
    }
}
