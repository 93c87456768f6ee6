//! The same bytes to this engine, to tungstenite and to fastwebsockets.
//!
//! Input: choices (1 byte: the role), the bytes that the peer of all three sends. Nothing is compressed, as the others
//! cannot, and no limit but that of [`LIMIT`] bytes in a frame and in a message binds any of them.
//!
//! All three have to see the same messages and control frames, and to end in the same way. Where they do not, there has to
//! be a row in [`DIFFERENCES`] for it, with the section that decides.

mod fast;
mod tungsten;

use sockeye::{Config, Error, Limit, Protocol, Role, close::CloseError, frame::HeaderError};

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

/// A difference that is known: `ours` and `theirs` are the errors, where `None` says that there was none.
struct Difference {
    peer: Peer,
    ours: Option<fn(&Error) -> bool>,
    theirs: Option<&'static str>,
    /// Who is right by which section, or why both are.
    #[allow(dead_code, reason = "it is for the reader")]
    decided_by: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Peer {
    Tungstenite,
    FastWebSockets,
}

pub fn run(input: &[u8]) {
    let mut cursor = Cursor::new(input);
    let role = if cursor.byte() & 1 == 0 { Role::Server } else { Role::Client };
    let bytes = cursor.rest();
    let mut end = End::with(role, &Config::default().frame_limit(LIMIT as u64).message_limit(LIMIT as u64));
    end.read(Door::Whole, bytes);
    end.seen.retain(|seen| !matches!(seen, Seen::Ping(_)));
    for (peer, theirs) in [(Peer::Tungstenite, tungsten::run(role, bytes)), (Peer::FastWebSockets, fast::run(role, bytes))] {
        if !is_same(&end, &theirs) && !is_known(peer, &end, &theirs) {
            panic!("{peer:?} as {role:?}: {theirs:?}\nours: {:?} {:?}", end.seen, end.error);
        }
    }
}

fn is_same(ours: &End, theirs: &Outcome) -> bool {
    ours.seen == theirs.seen && ours.error.is_some() == theirs.error.is_some()
}

/// Whether the one has seen what the other has, as far as that came, and the difference behind it is in the table.
fn is_known(peer: Peer, ours: &End, theirs: &Outcome) -> bool {
    let common = ours.seen.len().min(theirs.seen.len());
    let longer_is_theirs = theirs.seen.len() > ours.seen.len();
    DIFFERENCES.iter().filter(|difference| difference.peer == peer).any(|difference| {
        let errors = match (difference.ours, ours.error) {
            (Some(ours), Some(error)) => ours(&error),
            (None, None) => true,
            _ => false,
        } && match (difference.theirs, &theirs.error) {
            (Some(theirs), Some(error)) => error.starts_with(theirs),
            // Whatever comes of what this engine did not take.
            (None, error) => longer_is_theirs || error.is_none(),
            _ => false,
        };
        errors && ours.seen[..common] == theirs.seen[..common]
    })
}

/// What is known.
const DIFFERENCES: &[Difference] = &[];

/// Those of the receive path, without what they say of limits and compression.
pub fn seeds() -> Vec<Seed> {
    let of = |role: u8, seeds: Vec<Seed>| {
        seeds.into_iter().filter(|(_, bytes)| bytes[0] == 0).map(move |(name, bytes)| {
            let side = if role == 0 { "server" } else { "client" };
            (format!("{side}-{name}"), [&[role], &bytes[7..]].concat())
        })
    };
    of(0, receive::server_seeds()).chain(of(1, receive::client_seeds())).collect()
}
