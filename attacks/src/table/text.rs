//! Text, and what is legal but comes a byte at a time.

use sockeye::{CloseCode, Opcode};

use super::*;

pub(super) const TEXT: &[Attack] = &[
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
    Attack {
        name: "deflate-pieces-by-bytes",
        about: "the same, received in pieces",
        roles: BOTH,
        manner: Manner { door: Door::Pieces, ..DEFLATED },
        deed: |victim, size| Deed::Tell {
            wire: compressed_frame(victim, LAST, Opcode::Binary, &deflated(&noise(size))),
            read: 1,
        },
        size: 1 << 20,
        sample: 8 << 10,
        end: End::Open,
        memory: CONNECTION + CONTEXT + 3 * (READ + PIECE),
        bound: "79 KiB + 3 × (piece + read)",
    },
];
