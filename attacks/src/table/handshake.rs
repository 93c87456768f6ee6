//! The opening handshake.

use sockeye::handshake::Limits;

use super::*;

pub(super) const HANDSHAKE: &[Attack] = &[
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
];
