//! A peer that does not read.

use super::*;

pub(super) const SENDING: &[Attack] = &[
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
];
