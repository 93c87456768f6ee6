//! What one end may send, held against RFC 6455 and RFC 7692 by a reader that shares nothing with the crate's.

use sockeye::Role;
use sockeye::deflate::Direction;

use crate::common::inflate::inflate;
use crate::common::{BINARY, CLOSE, CONTINUATION, Frame, PING, PONG, Seen, TEXT, frames};

/// The messages and control frames that `bytes` carry, which `from` has sent after its opening handshake. A message that is
/// not whole is left out.
///
/// # Panics
/// Where an end must not send these, or where they end inside a frame.
pub fn messages(from: Role, deflate: Option<Direction>, bytes: &[u8]) -> Vec<Seen> {
    // What was inflated so far: matches may reach back into it.
    let mut history = Vec::new();
    let mut seen = Vec::new();
    let mut open: Option<Frame> = None;
    for frame in frames(bytes) {
        let closed = seen.iter().any(|seen| matches!(seen, Seen::Close(_)));
        let follows = matches!(frame.opcode, PING | PONG);
        assert!(!closed || follows, "section 5.5.1: no data and no other close frame follows a close frame: {frame:?}");
        assert_eq!(frame.mask.is_some(), from == Role::Client, "section 5.1: a client masks, a server does not");
        if frame.opcode >= CLOSE {
            assert!(
                frame.fin && frame.payload.len() <= 125,
                "section 5.5: control frames are whole and short: {frame:?}"
            );
            assert_eq!(frame.reserved, 0, "RFC 7692 section 6: control frames are not compressed");
            seen.push(control(frame));
            continue;
        }
        match (frame.opcode, &mut open) {
            (CONTINUATION, Some(open)) => {
                assert_eq!(frame.reserved, 0, "RFC 7692 section 6: RSV1 stands on the first fragment alone");
                open.payload.extend(&frame.payload);
                open.fin = frame.fin;
            }
            (TEXT | BINARY, None) => {
                let defined = if deflate.is_some() { 0b100 } else { 0 };
                assert_eq!(frame.reserved & !defined, 0, "section 5.2: reserved bits that nothing defines");
                open = Some(frame);
            }
            _ => panic!("section 5.4: {frame:?} after {open:?}"),
        }
        if let Some(mut whole) = open.take_if(|open| open.fin) {
            if whole.reserved != 0 {
                let direction = deflate.expect("RFC 7692 section 6: nothing is compressed that was not agreed on");
                if !direction.context_takeover() {
                    history.clear();
                }
                let start = history.len();
                inflate(&whole.payload, &mut history).expect("RFC 7692 section 7.2.2: it is DEFLATE");
                whole.payload = history[start..].into();
            }
            seen.push(match whole.opcode {
                TEXT => Seen::Text(String::from_utf8(whole.payload).expect("section 8.1: text is UTF-8")),
                _ => Seen::Binary(whole.payload),
            });
        }
    }
    seen
}

fn control(frame: Frame) -> Seen {
    match (frame.opcode, &frame.payload[..]) {
        (PING, _) => Seen::Ping(frame.payload),
        (PONG, _) => Seen::Pong(frame.payload),
        (CLOSE, []) => Seen::Close(None),
        (CLOSE, [high, low, reason @ ..]) => {
            let code = u16::from_be_bytes([*high, *low]);
            // Section 7.4, and the registry of IANA.
            assert!(matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999), "section 7.4: {code} is not sent");
            let reason = std::str::from_utf8(reason).expect("section 5.5.1: a reason is UTF-8");
            Seen::close(code, reason)
        }
        _ => panic!("section 5.2: {frame:?}"),
    }
}

/// The part of `bytes` that an end takes: whole frames, up to the first close frame.
pub fn taken(bytes: &[u8]) -> &[u8] {
    let mut end = 0;
    loop {
        let rest = &bytes[end..];
        let number =
            |range| rest.get(range).map(|bytes: &[u8]| bytes.iter().fold(0, |sum, &byte| sum << 8 | u64::from(byte)));
        let size = match rest.get(1).map(|second| second & 0x7F) {
            Some(126) => number(2..4).map(|length| length + 4),
            Some(127) => number(2..10).map(|length| length.saturating_add(10)),
            Some(short) => Some(u64::from(short) + 2),
            None => None,
        };
        let mask = if rest.get(1).is_some_and(|second| second & 0x80 != 0) { 4 } else { 0 };
        let Some(size) = size.map(|size| size.saturating_add(mask)).filter(|&size| size <= rest.len() as u64) else {
            return &bytes[..end];
        };
        end += size as usize;
        if rest[0] & 0xF == CLOSE {
            return &bytes[..end];
        }
    }
}
