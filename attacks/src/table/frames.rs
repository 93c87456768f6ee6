//! What headers declare, fragments and control frames.

use sockeye::{CloseCode, Opcode};

use super::*;

pub(super) const FRAMES: &[Attack] = &[
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
        name: "empty-by-bytes",
        about: "the same, a byte in each read",
        roles: BOTH,
        manner: OPEN,
        deed: |victim, size| flood(victim, Opcode::Text, b"", size, 1),
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
];
