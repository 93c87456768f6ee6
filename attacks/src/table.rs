//! The attacks, each stated once.

use sockeye::handshake::Limits;
use sockeye::{CloseCode, Opcode, Outbox, Role};

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
pub const TABLE: &[Attack] = &[
    // The opening handshake.
    Attack {
        name: "head-by-bytes",
        about: "headers without end, a byte in each read",
        roles: BOTH,
        manner: SHAKING,
        deed: |victim, size| {
            let line =
                b"Cookie: a=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\r\n";
            Deed::Tell { wire: filled(head(victim), line, size), read: 1 }
        },
        size: 12 << 10,
        sample: 2000,
        end: End::Status(431),
        memory: HEAD,
        bound: HEAD_BOUND,
    },
    Attack {
        name: "giant-header",
        about: "one header without end",
        roles: BOTH,
        manner: SHAKING,
        deed: |victim, size| Deed::Tell {
            wire: filled([head(victim), b"Cookie: ".to_vec()].concat(), b"a", size),
            read: READ,
        },
        size: 1 << 20,
        sample: 2000,
        end: End::Status(431),
        memory: HEAD + 3 * READ,
        bound: HEAD_BOUND,
    },
    Attack {
        name: "many-headers",
        about: "10,000 headers, a byte in each read",
        roles: BOTH,
        manner: SHAKING,
        deed: |victim, size| Deed::Tell { wire: [head(victim), b"a: b\r\n".repeat(size)].concat(), read: 1 },
        size: 10_000,
        sample: 14,
        end: End::Status(431),
        memory: HEAD,
        bound: HEAD_BOUND,
    },
    Attack {
        name: "admitted-headers",
        about: "10,000 headers where 20,000 in 1 MiB are admitted, a byte in each read",
        roles: BOTH,
        manner: Manner { handshake: Some(Limits { bytes: 1 << 20, headers: 20_000 }), ..SHAKING },
        deed: |victim, size| {
            let headers = b"Cookie: a=b; c=d; e=f; g=h\r\n".repeat(size);
            Deed::Tell { wire: [head(victim), headers, b"\r\n".to_vec()].concat(), read: 1 }
        },
        size: 10_000,
        sample: 300,
        end: End::Status(101),
        memory: 16 << 20,
        bound: "16 × Limits::bytes",
    },
    Attack {
        name: "empty-lines",
        about: "line ends without end before the start line, a byte in each read",
        roles: BOTH,
        manner: SHAKING,
        deed: |_, size| Deed::Tell { wire: filled(vec![], b"\r\n", size), read: 1 },
        size: 12 << 10,
        sample: 2000,
        end: End::Status(431),
        memory: HEAD,
        bound: HEAD_BOUND,
    },
    Attack {
        name: "interim-responses",
        about: "responses that say to go on, without end, a byte in each read",
        roles: CLIENT,
        manner: SHAKING,
        deed: |_, size| Deed::Tell { wire: filled(vec![], b"HTTP/1.1 100 \r\n\r\n", size), read: 1 },
        size: 12 << 10,
        sample: 2000,
        end: End::Status(431),
        memory: HEAD,
        bound: HEAD_BOUND,
    },
    Attack {
        name: "offers",
        about: "thousands of offers in one header, each the smallest",
        roles: SERVER,
        manner: Manner { deflate: Some(true), ..SHAKING },
        deed: |victim, size| offers(victim, "a;b,", size),
        size: 7800,
        sample: 1900,
        end: End::Status(101),
        memory: OFFERS,
        bound: OFFERS_BOUND,
    },
    Attack {
        name: "deflate-offers",
        about: "hundreds of offers of permessage-deflate, none of which can be accepted",
        roles: SERVER,
        manner: Manner { deflate: Some(true), ..SHAKING },
        deed: |victim, size| offers(victim, "permessage-deflate;x,", size),
        size: 7800,
        sample: 1900,
        end: End::Status(101),
        memory: OFFERS,
        bound: OFFERS_BOUND,
    },
    Attack {
        name: "parameters",
        about: "thousands of parameters of one offer",
        roles: SERVER,
        manner: Manner { deflate: Some(true), ..SHAKING },
        deed: |victim, size| offers(victim, "a;", size),
        size: 7800,
        sample: 1900,
        end: End::Status(101),
        memory: OFFERS,
        bound: OFFERS_BOUND,
    },
    Attack {
        name: "subprotocols",
        about: "thousands of subprotocols in one header",
        roles: SERVER,
        manner: SHAKING,
        deed: |victim, size| {
            let wire = filled([head(victim), b"Sec-WebSocket-Protocol: ".to_vec()].concat(), b"a,", size);
            Deed::Tell { wire: [wire, b"a\r\n\r\n".to_vec()].concat(), read: 1 }
        },
        size: 7800,
        sample: 1900,
        end: End::Status(101),
        memory: HEAD,
        bound: HEAD_BOUND,
    },
    Attack {
        name: "acceptances",
        about: "thousands of extensions accepted, of which one was offered",
        roles: CLIENT,
        manner: SHAKING,
        deed: |victim, size| offers(victim, "a;b,", size),
        size: 7800,
        sample: 1900,
        end: End::Status(502),
        memory: OFFERS,
        bound: OFFERS_BOUND,
    },
    // What a header declares.
    Attack {
        name: "declared-2^62",
        about: "a header that declares 2^62 bytes, and bytes without end",
        roles: BOTH,
        manner: OPEN,
        deed: |victim, size| Deed::Tell {
            wire: filled(header(victim, Opcode::Binary, 1 << 62), &[0; 64], size),
            read: READ,
        },
        size: 1 << 20,
        sample: 16 << 10,
        end: End::Close(CloseCode::MESSAGE_TOO_BIG),
        memory: CONNECTION + 3 * READ,
        bound: "3 × read",
    },
    Attack {
        name: "declared-limit",
        about: "a header that declares as much as is admitted, and 16 KiB of it",
        roles: BOTH,
        manner: OPEN,
        deed: |victim, size| Deed::Tell {
            wire: filled(header(victim, Opcode::Binary, LIMIT as u64), &[0; 64], size),
            read: 1,
        },
        size: 16 << 10,
        sample: 8 << 10,
        end: End::Open,
        memory: CONNECTION + 3 * (16 << 10),
        bound: "3 × what has come",
    },
    // Fragments.
    Attack {
        name: "empty-fragments",
        about: "fragments without payload, without end",
        roles: BOTH,
        manner: OPEN,
        deed: |victim, size| flood(victim, Opcode::Binary, b"", size, READ),
        size: FRAGMENTS + 1000,
        sample: 5000,
        end: End::Close(CloseCode::POLICY_VIOLATION),
        memory: CONNECTION + 3 * READ,
        bound: "3 × (message + read)",
    },
    Attack {
        name: "one-byte-fragments",
        about: "fragments of one byte without end, a byte in each read",
        roles: BOTH,
        manner: OPEN,
        deed: |victim, size| flood(victim, Opcode::Text, b"a", size, 1),
        size: FRAGMENTS + 1000,
        sample: 4000,
        end: End::Close(CloseCode::POLICY_VIOLATION),
        memory: CONNECTION + 3 * (FRAGMENTS + READ),
        bound: "3 × (message + read)",
    },
    Attack {
        name: "fragments-in-pieces",
        about: "the same, received in pieces",
        roles: BOTH,
        manner: Manner { door: Door::Pieces, ..OPEN },
        deed: |victim, size| flood(victim, Opcode::Text, b"a", size, 1),
        size: FRAGMENTS + 1000,
        sample: 4000,
        end: End::Close(CloseCode::POLICY_VIOLATION),
        memory: CONNECTION + 3 * READ,
        bound: "3 × read",
    },
    Attack {
        name: "large-fragments",
        about: "fragments of 60,000 bytes without end",
        roles: BOTH,
        manner: OPEN,
        deed: |victim, size| flood(victim, Opcode::Binary, &[7; 60_000], size / 60_000, READ),
        size: LIMIT + (1 << 20),
        sample: 240_000,
        end: End::Close(CloseCode::MESSAGE_TOO_BIG),
        memory: WHOLE,
        bound: WHOLE_BOUND,
    },
    // Control frames.
    Attack {
        name: "pings-unread",
        about: "pings without end from a peer that reads nothing",
        roles: BOTH,
        manner: Manner { reads: Reads::Nothing, ..OPEN },
        deed: |victim, size| Deed::Tell { wire: frame(victim, LAST, Opcode::Ping, &[0; 125]).repeat(size), read: READ },
        size: 100_000,
        sample: 1000,
        end: End::Open,
        memory: CONNECTION + 3 * READ + PONGS,
        bound: PONGS_BOUND,
    },
    Attack {
        name: "pings-hardly-read",
        about: "pings without end, a byte in each read, from a peer that takes a byte for each",
        roles: BOTH,
        manner: Manner { reads: Reads::Trickle, ..OPEN },
        deed: |victim, size| Deed::Tell { wire: frame(victim, LAST, Opcode::Ping, b"").repeat(size), read: 1 },
        size: 100_000,
        sample: 4000,
        end: End::Open,
        memory: CONNECTION + 3 * READ + PONGS,
        bound: PONGS_BOUND,
    },
    Attack {
        name: "pings-in-a-message",
        about: "a fragment of 1 MiB, then pings without end inside its message, a byte in each read",
        roles: BOTH,
        manner: OPEN,
        deed: |victim, size| {
            let ping = frame(victim, LAST, Opcode::Ping, &[0; 10]);
            let message = frame(victim, MORE, Opcode::Binary, &vec![7; size]);
            Deed::Tell { wire: [message, ping.repeat(size / 8)].concat(), read: 1 }
        },
        size: 1 << 20,
        sample: 16 << 10,
        end: End::Open,
        memory: CONNECTION + 3 * ((1 << 20) + READ),
        bound: "3 × (message + read)",
    },
    Attack {
        name: "closes",
        about: "close frames without end",
        roles: BOTH,
        manner: Manner { reads: Reads::Nothing, ..OPEN },
        deed: |victim, size| Deed::Tell {
            wire: frame(victim, LAST, Opcode::Close, &[3, 232]).repeat(size),
            read: READ,
        },
        size: 100_000,
        sample: 2000,
        end: End::Close(CloseCode::NORMAL),
        memory: CONNECTION + 3 * READ,
        bound: "3 × read",
    },
    Attack {
        name: "data-after-close",
        about: "a close frame, then messages without end, a byte in each read",
        roles: BOTH,
        manner: Manner { reads: Reads::Nothing, ..OPEN },
        deed: |victim, size| {
            let close = frame(victim, LAST, Opcode::Close, &[3, 232]);
            let message = frame(victim, LAST, Opcode::Binary, &[7; 1000]);
            Deed::Tell { wire: filled(close, &message, size), read: 1 }
        },
        size: 1 << 20,
        sample: 16 << 10,
        end: End::Close(CloseCode::NORMAL),
        memory: CONNECTION + 3 * READ,
        bound: "3 × read",
    },
    Attack {
        name: "data-after-failure",
        about: "a frame that breaks a rule, then messages without end",
        roles: BOTH,
        manner: Manner { reads: Reads::Nothing, ..OPEN },
        deed: |victim, size| {
            let message = frame(victim, LAST, Opcode::Binary, &[7; 1000]);
            Deed::Tell { wire: filled(vec![0xff], &message, size), read: READ }
        },
        size: 16 << 20,
        sample: 128 << 10,
        end: End::Close(CloseCode::PROTOCOL_ERROR),
        memory: CONNECTION + 3 * READ,
        bound: "3 × read",
    },
    // A peer that does not read.
    Attack {
        name: "deaf-peer",
        about: "a peer that reads nothing, to which messages of 100 bytes are sent",
        roles: BOTH,
        manner: Manner { reads: Reads::Nothing, ..OPEN },
        deed: |_, size| Deed::Hear { message: vec![7; 100].into(), times: size / 100 },
        size: 2 * OUTBOX,
        sample: 64 << 10,
        end: End::OutboxFull,
        memory: QUEUE,
        bound: QUEUE_BOUND,
    },
    Attack {
        name: "deaf-peer-large",
        about: "the same with messages of 60,000 bytes",
        roles: BOTH,
        manner: Manner { reads: Reads::Nothing, ..OPEN },
        deed: |_, size| Deed::Hear { message: vec![7; 60_000].into(), times: size / 60_000 },
        size: 2 * OUTBOX,
        sample: 600_000,
        end: End::OutboxFull,
        memory: QUEUE,
        bound: QUEUE_BOUND,
    },
    Attack {
        name: "hardly-reading-peer",
        about: "a peer that takes a byte for each message of 20 bytes",
        roles: BOTH,
        manner: Manner { reads: Reads::Trickle, outbox: 256 << 10, ..OPEN },
        deed: |_, size| Deed::Hear { message: vec![7; 20].into(), times: size },
        size: 1_000_000,
        sample: 2500,
        end: End::OutboxFull,
        memory: CONNECTION + 4 * (256 << 10),
        bound: QUEUE_BOUND,
    },
    Attack {
        name: "hardly-reading-deflated",
        about: "a peer that takes a byte for each compressed message of 2000 bytes",
        roles: BOTH,
        manner: Manner { reads: Reads::Trickle, outbox: 64 << 10, ..DEFLATED },
        deed: |_, size| Deed::Hear { message: vec![7; 2000].into(), times: size },
        size: 12_000,
        sample: 500,
        end: End::OutboxFull,
        memory: CONNECTION + COMPRESSOR + 4 * (64 << 10),
        bound: "274 KiB + 4 × outbox",
    },
    // Compression.
    Attack {
        name: "bomb",
        about: "a message that inflates to 1000 times its size, past the limit",
        roles: BOTH,
        manner: DEFLATED,
        deed: |victim, size| {
            let wire = compressed_frame(victim, LAST, Opcode::Binary, &deflated(&vec![0; size]));
            Deed::Tell { wire, read: READ }
        },
        size: LIMIT + (1 << 20),
        sample: 256 << 10,
        end: End::Close(CloseCode::MESSAGE_TOO_BIG),
        memory: INFLATED,
        bound: INFLATED_BOUND,
    },
    Attack {
        name: "bomb-in-fragments",
        about: "the same in fragments of one byte, a byte in each read",
        roles: BOTH,
        manner: DEFLATED,
        deed: |victim, size| {
            let wire = fragments(victim, Opcode::Binary, &deflated(&vec![0; size]), 1, true);
            Deed::Tell { wire, read: 1 }
        },
        size: LIMIT + (1 << 20),
        sample: 128 << 10,
        end: End::Close(CloseCode::MESSAGE_TOO_BIG),
        memory: INFLATED,
        bound: INFLATED_BOUND,
    },
    Attack {
        name: "bomb-in-pieces",
        about: "a bomb that is received in pieces, without a limit",
        roles: BOTH,
        manner: Manner { message: u64::MAX, door: Door::Pieces, ..DEFLATED },
        deed: |victim, size| {
            let wire = compressed_frame(victim, LAST, Opcode::Text, &deflated(&vec![b'a'; size]));
            Deed::Tell { wire, read: 256 }
        },
        size: LIMIT,
        sample: 256 << 10,
        end: End::Open,
        memory: CONNECTION + CONTEXT + 3 * (READ + PIECE),
        bound: "79 KiB + 3 × (piece + read)",
    },
    Attack {
        name: "small-bombs",
        about: "messages of 80 bytes without end, each inflates to 64 KiB",
        roles: BOTH,
        manner: DEFLATED,
        deed: |victim, size| {
            let bomb = compressed_frame(victim, LAST, Opcode::Binary, &deflated(&[0; 64 << 10]));
            Deed::Tell { wire: bomb.repeat(size), read: READ }
        },
        size: 1000,
        sample: 8,
        end: End::Open,
        memory: CONNECTION + CONTEXT + 3 * ((64 << 10) + READ),
        bound: "79 KiB + 3 × (message + read)",
    },
    Attack {
        name: "final-blocks",
        about: "a message of empty DEFLATE blocks that each end their stream",
        roles: BOTH,
        manner: DEFLATED,
        deed: |victim, size| {
            let payload = [deflated(&window()), b"\x00\x00\xff\xff".to_vec(), [3, 0].repeat(size)].concat();
            Deed::Tell { wire: compressed_frame(victim, LAST, Opcode::Binary, &payload), read: READ }
        },
        size: 10_000,
        sample: 100,
        end: End::Open,
        memory: CONNECTION + CONTEXT + 3 * ((56 << 10) + READ),
        bound: "79 KiB + 3 × (message + read)",
    },
    Attack {
        name: "empty-compressed",
        about: "compressed messages without content, without end, and without context takeover",
        roles: BOTH,
        manner: Manner { deflate: Some(false), ..DEFLATED },
        deed: |victim, size| Deed::Tell {
            wire: compressed_frame(victim, LAST, Opcode::Text, &[0]).repeat(size),
            read: READ,
        },
        size: 50_000,
        sample: 300,
        end: End::Open,
        memory: CONNECTION + CONTEXT + 3 * READ,
        bound: "79 KiB + 3 × (message + read)",
    },
    Attack {
        name: "corrupt-deflate",
        about: "a compressed message that turns out to be none in its last bytes",
        roles: BOTH,
        manner: DEFLATED,
        deed: |victim, size| {
            let payload = [deflated(&vec![7; size]), b"\x00\x00\xff\xff\xff\xff".to_vec()].concat();
            Deed::Tell { wire: compressed_frame(victim, LAST, Opcode::Binary, &payload), read: READ }
        },
        size: LIMIT,
        sample: 512 << 10,
        end: End::Close(CloseCode::INVALID_PAYLOAD),
        memory: INFLATED,
        bound: INFLATED_BOUND,
    },
    // Text.
    Attack {
        name: "late-utf8",
        about: "a text of the largest size whose last byte is wrong",
        roles: BOTH,
        manner: OPEN,
        deed: |victim, size| Deed::Tell { wire: frame(victim, LAST, Opcode::Text, &late(size)), read: READ },
        size: LIMIT,
        sample: 256 << 10,
        end: End::Close(CloseCode::INVALID_PAYLOAD),
        memory: WHOLE,
        bound: WHOLE_BOUND,
    },
    Attack {
        name: "late-utf8-by-bytes",
        about: "the same of 256 KiB in fragments of 5 bytes, a byte in each read",
        roles: BOTH,
        manner: OPEN,
        deed: |victim, size| Deed::Tell { wire: fragments(victim, Opcode::Text, &late(size), 5, false), read: 1 },
        size: 256 << 10,
        sample: 8 << 10,
        end: End::Close(CloseCode::INVALID_PAYLOAD),
        memory: CONNECTION + 3 * ((256 << 10) + READ),
        bound: WHOLE_BOUND,
    },
    Attack {
        name: "late-utf8-deflated",
        about: "the same compressed",
        roles: BOTH,
        manner: DEFLATED,
        deed: |victim, size| {
            let wire = compressed_frame(victim, LAST, Opcode::Text, &deflated(&late(size)));
            Deed::Tell { wire, read: READ }
        },
        size: LIMIT,
        sample: 128 << 10,
        end: End::Close(CloseCode::INVALID_PAYLOAD),
        memory: INFLATED,
        bound: INFLATED_BOUND,
    },
    // What is legal, a byte in each read.
    Attack {
        name: "frames-by-bytes",
        about: "messages of 1000 bytes, a byte in each read",
        roles: BOTH,
        manner: OPEN,
        deed: |victim, size| Deed::Tell {
            wire: filled(vec![], &frame(victim, LAST, Opcode::Text, &[b'a'; 1000]), size),
            read: 1,
        },
        size: 1 << 20,
        sample: 16 << 10,
        end: End::Open,
        memory: CONNECTION + 3 * READ,
        bound: WHOLE_BOUND,
    },
    Attack {
        name: "frame-by-bytes",
        about: "one message, a byte in each read",
        roles: BOTH,
        manner: OPEN,
        deed: |victim, size| Deed::Tell { wire: frame(victim, LAST, Opcode::Text, &vec![b'a'; size]), read: 1 },
        size: 1 << 20,
        sample: 16 << 10,
        end: End::Open,
        memory: CONNECTION + 3 * ((1 << 20) + READ),
        bound: WHOLE_BOUND,
    },
    Attack {
        name: "pieces-by-bytes",
        about: "the same, received in pieces",
        roles: BOTH,
        manner: Manner { door: Door::Pieces, ..OPEN },
        deed: |victim, size| Deed::Tell { wire: frame(victim, LAST, Opcode::Text, &vec![b'a'; size]), read: 1 },
        size: 1 << 20,
        sample: 16 << 10,
        end: End::Open,
        memory: CONNECTION + 3 * READ,
        bound: "3 × read",
    },
    Attack {
        name: "fragments-by-bytes",
        about: "one message in fragments of 50 bytes with pings between, a byte in each read",
        roles: BOTH,
        manner: OPEN,
        deed: |victim, size| {
            let ping = frame(victim, LAST, Opcode::Ping, b"ping");
            let fragment = [frame(victim, MORE, Opcode::Continuation, &[b'a'; 50]), ping].concat();
            Deed::Tell { wire: filled(frame(victim, MORE, Opcode::Text, b""), &fragment, size), read: 1 }
        },
        size: 1 << 20,
        sample: 16 << 10,
        end: End::Open,
        memory: CONNECTION + 3 * ((1 << 20) + READ),
        bound: WHOLE_BOUND,
    },
    Attack {
        name: "deflate-by-bytes",
        about: "one compressed message that hardly shrinks, a byte in each read",
        roles: BOTH,
        manner: DEFLATED,
        deed: |victim, size| Deed::Tell {
            wire: compressed_frame(victim, LAST, Opcode::Binary, &deflated(&noise(size))),
            read: 1,
        },
        size: 1 << 20,
        sample: 8 << 10,
        end: End::Open,
        memory: CONNECTION + CONTEXT + 3 * ((1 << 20) + READ),
        bound: INFLATED_BOUND,
    },
];

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

const HEAD: usize = CONNECTION + 3 * (8 << 10);
const HEAD_BOUND: &str = "3 × (Limits::bytes + read)";

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
    let header = format!("Sec-WebSocket-Extensions: {}a\r\n\r\n", offer.repeat(size / offer.len()));
    Deed::Tell { wire: [head(victim), header.into_bytes()].concat(), read: READ }
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
