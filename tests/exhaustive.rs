//! All 65,536 first two bytes of a frame, in every state of the receiver, for both roles and both doors, against an
//! oracle written from RFC 6455 alone.

mod common;

use common::*;
use sockeye::Role;

/// What the receiver has been through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    NoneOpen,
    TextOpen,
    BinaryOpen,
    CloseSent,
    CloseSentTextOpen,
    CloseReceived,
    Failed,
}

impl State {
    const ALL: [Self; 7] = [
        Self::NoneOpen,
        Self::TextOpen,
        Self::BinaryOpen,
        Self::CloseSent,
        Self::CloseSentTextOpen,
        Self::CloseReceived,
        Self::Failed,
    ];

    fn reached(self, role: Role, door: Door) -> End {
        let mut end = End::new(role);
        let peer = role.peer();
        if matches!(self, Self::CloseSent | Self::CloseSentTextOpen) {
            end.connection.close(None, &mut end.outbox).unwrap();
        }
        match self {
            Self::NoneOpen | Self::CloseSent => {}
            Self::TextOpen | Self::CloseSentTextOpen => end.read(door, &part(peer, TEXT, "open ")),
            Self::BinaryOpen => end.read(door, &part(peer, BINARY, "open ")),
            Self::CloseReceived => end.read(door, &close(peer, 1000, "")),
            Self::Failed => end.read(door, &[0xFF, 0xFF]),
        }
        drain(&mut end.outbox);
        end.seen.clear();
        end
    }

    /// The kind of the message of which a fragment has come.
    fn open(self) -> Option<u8> {
        match self {
            Self::TextOpen | Self::CloseSentTextOpen => Some(TEXT),
            Self::BinaryOpen => Some(BINARY),
            _ => None,
        }
    }
}

/// Whether a frame that starts with these bytes may come from `peer` now.
fn legal([first, second]: [u8; 2], peer: Role, open: Option<u8>) -> bool {
    let (fin, opcode, length) = (first & 0x80 != 0, first & 0x0F, second & 0x7F);
    // Section 5.2: RSV1, RSV2, RSV3: "MUST be 0 unless an extension is negotiated".
    let reserved_bits = first & 0x70 != 0;
    // Section 5.1: "a client MUST mask all frames", "A server MUST NOT mask any frames".
    let wrong_mask = (second & 0x80 != 0) != (peer == Role::Client);
    match opcode {
        _ if reserved_bits || wrong_mask => false,
        // Section 5.4: "A fragmented message consists of a single frame with the FIN bit clear and an opcode other
        // than 0, followed by zero or more frames with the FIN bit clear and the opcode set to 0, and terminated by
        // a single frame with the FIN bit set and an opcode of 0."
        0x0 => open.is_some(),
        0x1 | 0x2 => open.is_none(),
        // Section 5.5: "All control frames MUST have a payload length of 125 bytes or less and MUST NOT be
        // fragmented."
        0x8..=0xA => fin && length <= 125,
        // Section 5.2: "%x3-7 are reserved for further non-control frames", "%xB-F are reserved for further control
        // frames".
        _ => false,
    }
}

/// The rest of a legal frame that starts with these bytes, and its payload.
fn rest([first, second]: [u8; 2], peer: Role) -> (Vec<u8>, Vec<u8>) {
    let (extended, length) = match second & 0x7F {
        126 => (126u16.to_be_bytes().to_vec(), 126),
        127 => (65536u64.to_be_bytes().to_vec(), 65536),
        short => (vec![], usize::from(short)),
    };
    let mut payload = vec![b'a'; length];
    if first & 0x0F == CLOSE && length >= 2 {
        payload[..2].copy_from_slice(&1000u16.to_be_bytes());
    }
    let rest = match peer {
        Role::Client => [extended, KEY.to_vec(), masked(&payload, KEY)].concat(),
        Role::Server => [extended, payload.clone()].concat(),
    };
    (rest, payload)
}

fn check(role: Role, door: Door, state: State, start: [u8; 2]) {
    let what = || format!("{role:?}, {door:?}, {state:?}, {start:02x?}");
    let peer = role.peer();
    let closing = matches!(state, State::CloseSent | State::CloseSentTextOpen);
    let mut end = state.reached(role, door);
    match state {
        // Section 1.4: "After receiving a control frame indicating the connection should be closed, a peer discards
        // any further data received."
        State::CloseReceived => {
            let before = end.connection.ending();
            end.read(door, &start);
            assert!(end.error.is_none() && end.seen.is_empty() && end.outbox.is_empty(), "{}", what());
            assert!(end.inbox.is_empty() && end.connection.ending() == before, "{}", what());
            return;
        }
        // Section 7.1.7.
        State::Failed => {
            let before = end.error;
            end.read(door, &start);
            assert!(end.error == before && end.seen.is_empty() && end.outbox.is_empty(), "{}", what());
            assert!(end.inbox.is_empty(), "{}", what());
            return;
        }
        _ => {}
    }
    end.read(door, &start);
    if !legal(start, peer, state.open()) {
        let code = end.error.and_then(|error| error.close_code()).map(|code| code.number());
        assert_eq!((code, &end.seen[..]), (Some(1002), &[][..]), "{}", what());
        let answers = if closing { vec![] } else { vec![(CLOSE, vec![3, 234])] };
        assert_eq!(end.answers(), answers, "{}", what());
        return;
    }
    assert_eq!(end.error, None, "{}", what());
    let (rest, payload) = rest(start, peer);
    end.read(door, &rest);

    let (fin, opcode) = (start[0] & 0x80 != 0, start[0] & 0x0F);
    let kind = state.open().unwrap_or(opcode);
    let message = [if state.open().is_some() { b"open ".as_slice() } else { b"" }, &payload].concat();
    let (seen, answer) = match (opcode, fin) {
        (PING, _) => (Some(Seen::Ping(payload.clone())), Some((PONG, payload))),
        (PONG, _) => (Some(Seen::Pong(payload)), None),
        (CLOSE, _) => match payload.len() {
            0 => (Some(Seen::Close(None)), Some((CLOSE, payload))),
            // Section 5.5.1: "If there is a body, the first two bytes of the body MUST be a 2-byte unsigned integer".
            1 => (None, Some((CLOSE, vec![3, 234]))),
            _ => {
                let reason = String::from_utf8(payload[2..].to_vec()).unwrap();
                (Some(Seen::Close(Some((1000, reason)))), Some((CLOSE, vec![3, 232])))
            }
        },
        (_, false) => (None, None),
        (_, true) if kind == TEXT => (Some(Seen::Text(String::from_utf8(message).unwrap())), None),
        (_, true) => (Some(Seen::Binary(message)), None),
    };
    let answer = answer.filter(|(opcode, _)| !(closing && *opcode == CLOSE));
    assert_eq!(end.seen, seen.into_iter().collect::<Vec<_>>(), "{}", what());
    assert_eq!(end.answers(), answer.into_iter().collect::<Vec<_>>(), "{}", what());
    assert_eq!(end.error.is_some(), start[0] == 0x88 && start[1] & 0x7F == 1, "{}", what());
}

fn all(role: Role, door: Door) {
    for state in State::ALL {
        for first in 0..=255 {
            for second in 0..=255 {
                check(role, door, state, [first, second]);
            }
        }
    }
}

#[test]
fn all_first_two_bytes_at_a_client_whole() {
    all(Role::Client, Door::Whole);
}

#[test]
fn all_first_two_bytes_at_a_client_in_pieces() {
    all(Role::Client, Door::Pieces);
}

#[test]
fn all_first_two_bytes_at_a_server_whole() {
    all(Role::Server, Door::Whole);
}

#[test]
fn all_first_two_bytes_at_a_server_in_pieces() {
    all(Role::Server, Door::Pieces);
}
