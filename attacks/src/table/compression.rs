//! Compressed messages.

use sockeye::{CloseCode, Opcode};

use super::*;

pub(super) const COMPRESSION: &[Attack] = &[
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
];
