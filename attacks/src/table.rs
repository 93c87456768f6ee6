//! The attacks, each stated once.

mod compression;
mod frames;
mod handshake;
mod sending;
mod text;

use sockeye::handshake::Limits;
use sockeye::{Opcode, Outbox, Role};

use crate::victim::{Deed, Door, End, Manner, Reads};
use crate::wire::{LAST, MORE, compressed_frame, deflated, fragments, frame, head, header};

/// An attack, and what it may cost.
pub struct Attack {
    /// What to call it by.
    pub name: &'static str,
    /// What is done.
    pub about: &'static str,
    /// Who suffers it.
    pub roles: &'static [Role],
    /// What the victim was told.
    pub manner: Manner,
    /// The attack against this role, of this size.
    pub deed: fn(Role, usize) -> Deed,
    /// The size of all of it.
    pub size: usize,
    /// The size of which the work is counted, and then four times as much, which must not meet a limit.
    pub sample: usize,
    /// How all of it ends.
    pub end: End,
    /// The most bytes that may be allocated at once, with the victim's connection and buffers.
    pub memory: usize,
    /// What that is by the documentation.
    pub bound: &'static str,
}

/// Every attack.
pub fn table() -> impl Iterator<Item = &'static Attack> {
    [handshake::HANDSHAKE, frames::FRAMES, sending::SENDING, compression::COMPRESSION, text::TEXT].into_iter().flatten()
}

const BOTH: &[Role] = &[Role::Server, Role::Client];
const SERVER: &[Role] = &[Role::Server];
const CLIENT: &[Role] = &[Role::Client];

/// A victim with all limits at their defaults, and the outbox's where the adapters have it.
const OPEN: Manner = Manner {
    handshake: None,
    message: LIMIT as u64,
    outbox: OUTBOX,
    deflate: None,
    door: Door::Whole,
    reads: Reads::All,
};

const DEFLATED: Manner = Manner { deflate: Some(true), ..OPEN };

const SHAKING: Manner = Manner { handshake: Some(Limits { bytes: 8 << 10, headers: 64 }), ..OPEN };

/// The limit of frames and messages.
const LIMIT: usize = 16 << 20;
const FRAGMENTS: usize = 1 << 17;
const OUTBOX: usize = 32 << 20;

/// The most of a read where it is not a byte.
const READ: usize = 16 << 10;

/// A connection with its compression before first use, and a client's handshake.
const CONNECTION: usize = 2 << 10;

const HEAD: usize = CONNECTION + 3 * (8 << 10) + HEADER * 64;
const HEAD_BOUND: &str = "3 × (Limits::bytes + read) + 72 × headers";

/// What a header takes beside its bytes.
const HEADER: usize = 72;

const OFFERS: usize = CONNECTION + 80 * (8 << 10);
const OFFERS_BOUND: &str = "80 × Limits::bytes";

const WHOLE: usize = CONNECTION + 3 * (LIMIT + READ);
const WHOLE_BOUND: &str = "3 × (message + read)";

const PONGS: usize = 3 * (Outbox::CONTROL_ROOM + 256);
const PONGS_BOUND: &str = "3 × (CONTROL_ROOM + read)";

const QUEUE: usize = CONNECTION + 4 * OUTBOX;
const QUEUE_BOUND: &str = "4 × outbox";

/// The most of a piece of a compressed message.
const PIECE: usize = 16 << 10;

/// What compression takes with the largest window and the default memory level.
const COMPRESSOR: usize = 274 << 10;

/// What decompression takes with the largest window.
const CONTEXT: usize = 79 << 10;
const INFLATED: usize = CONTEXT + WHOLE;
const INFLATED_BOUND: &str = "79 KiB + 3 × (message + read)";

/// `start`, and then this unit again and again, to this size.
fn filled(start: Vec<u8>, unit: &[u8], size: usize) -> Vec<u8> {
    let count = size.saturating_sub(start.len()).div_ceil(unit.len());
    let mut bytes = [start, unit.repeat(count)].concat();
    bytes.truncate(size);
    bytes
}

/// A message of so many fragments that does not end.
fn flood(victim: Role, opcode: Opcode, payload: &[u8], count: usize, read: usize) -> Deed {
    let more = frame(victim, MORE, Opcode::Continuation, payload).repeat(count - 1);
    Deed::Tell { wire: [frame(victim, MORE, opcode, payload), more].concat(), read }
}

/// A whole handshake with this list of extensions again and again, to about this size.
fn offers(victim: Role, offer: &str, size: usize) -> Deed {
    Deed::Tell { wire: offering(victim, offer, size), read: READ }
}

fn offering(victim: Role, offer: &str, size: usize) -> Vec<u8> {
    let header = format!("Sec-WebSocket-Extensions: {}a\r\n\r\n", offer.repeat(size / offer.len()));
    [head(victim), header.into_bytes()].concat()
}

/// A text of this many bytes, of characters of all lengths, whose last byte is wrong.
fn late(size: usize) -> Vec<u8> {
    let mut text = "물고기 fish рыба 🐟 ".as_bytes().repeat(size / 20);
    text.truncate(size - 1);
    text.push(0xff);
    text
}

/// As many bytes as DEFLATE looks back.
fn window() -> Vec<u8> {
    noise(32 << 10)
}

/// Bytes without repetition.
fn noise(size: usize) -> Vec<u8> {
    let mut state = 1u32;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    std::iter::repeat_with(next).take(size).collect()
}
