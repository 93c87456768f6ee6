//! The same bytes to this engine, to tungstenite and to fastwebsockets.
//!
//! Input: the role (1 byte), the bytes that the peer of all three sends. Nothing is compressed, as the others cannot, and
//! all are given a limit of [`LIMIT`] bytes for a frame and for a message. A last frame that is not whole is made whole: this
//! engine fails at the first wrong byte, and the others when they have the frame.
//!
//! All three have to see the same messages and control frames, and to fail or not. Where they do not, there has to be a row
//! in [`DIFFERENCES`] for it, with the section that decides.

mod fast;
mod tungsten;

use sockeye::close::CloseError;
use sockeye::frame::HeaderError;
use sockeye::{Config, Error, InvalidText, Limit, Protocol, Role};

use crate::bodies::cursor::Cursor;
use crate::bodies::{Seed, receive};
use crate::common::{Door, End, Seen};

/// The most bytes in a frame and in a message, of all three.
pub const LIMIT: usize = 1 << 16;

/// What an implementation made of the bytes.
#[derive(Debug)]
pub struct Outcome {
    /// What it handed out. Not with pings, which fastwebsockets keeps to itself.
    pub seen: Vec<Seen>,
    /// Its error, by a name of its own.
    pub error: Option<String>,
}

/// A difference that is known.
struct Difference {
    peer: Peer,
    kind: Kind,
    /// What decides, and for whom.
    #[allow(dead_code, reason = "for the reader")]
    decided_by: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Peer {
    Tungstenite,
    FastWebSockets,
}

enum Kind {
    /// This engine fails like this, and the other goes on.
    GoesOn(fn(Error) -> bool),
    /// The other fails at what comes behind a close frame, and this engine does not.
    FailsAfterClose,
    /// The other refuses a close frame with this code, and this engine takes it.
    RefusesCode(u16),
}

pub fn run(input: &[u8]) {
    let mut cursor = Cursor::new(input);
    let role = if cursor.byte() & 1 == 0 { Role::Server } else { Role::Client };
    let bytes = made_whole(cursor.rest());
    let mut ours = End::with(role, &Config::default().frame_limit(LIMIT as u64).message_limit(LIMIT as u64));
    ours.read(Door::Whole, &bytes);
    ours.seen.retain(|seen| !matches!(seen, Seen::Ping(_)));
    for (peer, theirs) in
        [(Peer::Tungstenite, tungsten::run(role, &bytes)), (Peer::FastWebSockets, fast::run(role, &bytes))]
    {
        let is_same = ours.seen == theirs.seen && ours.error.is_some() == theirs.error.is_some();
        if !is_same && !is_known(peer, &ours, &theirs) {
            panic!("{peer:?} as {role:?}: {theirs:?}\nours: {:?} {:?}", ours.seen, ours.error);
        }
    }
}

/// The bytes, and zeros until the last frame is whole; no more where the frame is longer than the limit.
fn made_whole(bytes: &[u8]) -> Vec<u8> {
    let mut whole = bytes.to_vec();
    let mut start = 0;
    while start < whole.len() {
        let byte = |at: usize| whole.get(start + at).copied().unwrap_or(0);
        let number = |bytes: std::ops::Range<usize>| bytes.fold(0u64, |sum, at| sum << 8 | u64::from(byte(at)));
        let (size, length) = match byte(1) & 0x7F {
            126 => (4, number(2..4)),
            127 => (10, number(2..10)),
            short => (2, u64::from(short)),
        };
        let size = size + if byte(1) & 0x80 != 0 { 4 } else { 0 };
        let payload = if length > LIMIT as u64 { 0 } else { length as usize };
        start += size + payload;
        if start > whole.len() {
            whole.resize(start, 0);
        }
    }
    whole
}

/// Whether both have seen the same as far as the one that stops first came, and why it stops is in the table.
fn is_known(peer: Peer, ours: &End, theirs: &Outcome) -> bool {
    DIFFERENCES.iter().filter(|difference| difference.peer == peer).any(|difference| match difference.kind {
        Kind::GoesOn(fails) => ours.error.is_some_and(fails) && theirs.seen.starts_with(&ours.seen),
        Kind::FailsAfterClose => {
            let closed = matches!(ours.seen.last(), Some(Seen::Close(_)));
            closed && ours.error.is_none() && theirs.error.is_some() && ours.seen == theirs.seen
        }
        Kind::RefusesCode(code) => {
            let Some((Seen::Close(Some((came, _))), before)) = ours.seen.split_last() else { return false };
            *came == code
                && ours.error.is_none()
                && theirs.seen.starts_with(before)
                && theirs.seen.len() <= ours.seen.len()
        }
    })
}

/// What is known. tungstenite is at 0.30, fastwebsockets at 0.10.
const DIFFERENCES: &[Difference] = &[
    Difference {
        peer: Peer::Tungstenite,
        kind: Kind::GoesOn(|error| {
            use HeaderError::{LengthNotMinimal, LongControl};
            matches!(error, Error::Protocol(Protocol::Header(LengthNotMinimal(_) | LongControl(_))))
        }),
        decided_by: "RFC 6455 section 5.2, for this engine: \"in all cases, the minimal number of bytes MUST be used to \
            encode the length\"; in a control frame (section 5.5) the longer forms are never minimal",
    },
    Difference {
        peer: Peer::Tungstenite,
        kind: Kind::GoesOn(|error| matches!(error, Error::Protocol(Protocol::Close(CloseError::Code(_))))),
        decided_by: "RFC 6455 section 7.4, for both: a code that must not be sent breaks the protocol, and both answer with \
            1002. tungstenite hands out a close frame of its own making, this engine an error",
    },
    Difference {
        peer: Peer::Tungstenite,
        kind: Kind::FailsAfterClose,
        decided_by: "RFC 6455 section 1.4, for this engine: \"After receiving a control frame indicating the connection \
            should be closed, a peer discards any further data received.\"",
    },
    Difference {
        peer: Peer::Tungstenite,
        kind: Kind::RefusesCode(1014),
        decided_by: "RFC 6455 section 7.4.2, for this engine: the range of 1000 to 2999 is for what is registered, and IANA's \
            registry has 1014 (Bad Gateway) since",
    },
    Difference {
        peer: Peer::FastWebSockets,
        kind: Kind::GoesOn(|error| {
            matches!(error, Error::Protocol(Protocol::Header(HeaderError::LengthNotMinimal(_))))
        }),
        decided_by: "RFC 6455 section 5.2, for this engine: as for tungstenite",
    },
    Difference {
        peer: Peer::FastWebSockets,
        kind: Kind::GoesOn(|error| matches!(error, Error::Protocol(Protocol::Unmasked(_) | Protocol::Masked(_)))),
        decided_by: "RFC 6455 section 5.1, for this engine: \"The server MUST close the connection upon receiving a frame \
            that is not masked. [...] A client MUST close a connection if it detects a masked frame.\"",
    },
    Difference {
        peer: Peer::FastWebSockets,
        kind: Kind::GoesOn(|error| matches!(error, Error::Protocol(Protocol::MessageOpen(_)))),
        decided_by: "RFC 6455 section 5.4, for this engine: \"The fragments of one message MUST NOT be interleaved between \
            the fragments of another message\"; fastwebsockets forgets the message that is open where another begins in \
            fragments",
    },
    Difference {
        peer: Peer::FastWebSockets,
        kind: Kind::GoesOn(|error| matches!(error, Error::Protocol(Protocol::InvalidText(InvalidText::Unfinished(_))))),
        decided_by: "RFC 6455 section 8.1, for this engine: fastwebsockets leaves the start of a code point at the end of a \
            fragmented message away",
    },
    Difference {
        peer: Peer::FastWebSockets,
        kind: Kind::GoesOn(|error| matches!(error, Error::Protocol(Protocol::Header(HeaderError::LongControl(_))))),
        decided_by: "RFC 6455 section 5.5, for this engine: \"All control frames MUST have a payload length of 125 bytes or \
            less\"; fastwebsockets checks pings alone",
    },
    Difference {
        peer: Peer::FastWebSockets,
        kind: Kind::GoesOn(|error| matches!(error, Error::Limit(Limit::Message { .. }))),
        decided_by: "RFC 6455 section 10.4, for this engine: fastwebsockets limits frames, and not what they come to",
    },
    Difference {
        peer: Peer::FastWebSockets,
        kind: Kind::RefusesCode(1014),
        decided_by: "RFC 6455 section 7.4.2, for this engine: the range of 1000 to 2999 is for what is registered, and IANA's \
            registry has 1014 (Bad Gateway) since",
    },
];

/// Those of the receive path that need no other limits, and no compression.
pub fn seeds() -> Vec<Seed> {
    let of = |role: u8, side: &'static str, seeds: Vec<Seed>| {
        seeds
            .into_iter()
            .filter(|(_, bytes)| bytes[0] == 0 && bytes[1] & 0xF == 0 && bytes[2..5] == [0; 3])
            .map(move |(name, bytes)| (format!("{side}-{name}"), [&[role], &bytes[7..]].concat()))
    };
    of(0, "server", receive::server_seeds()).chain(of(1, "client", receive::client_seeds())).collect()
}
