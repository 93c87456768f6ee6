//! What one end may send, held against RFC 6455 and RFC 7692 by a reader that shares nothing with the crate's.

use flate2::{Decompress, FlushDecompress, Status};
use sockeye::Role;
use sockeye::deflate::Direction;

use crate::common::{BINARY, CLOSE, CONTINUATION, Frame, PING, PONG, Seen, TEXT, frames};

/// The messages and control frames that `bytes` carry, which `from` has sent after its opening handshake.
///
/// # Panics
/// Where an end must not send these, or where they end inside a frame.
pub fn messages(from: Role, deflate: Option<Direction>, bytes: &[u8]) -> Vec<Seen> {
    let mut inflater = deflate.map(|direction| (Decompress::new(false), direction));
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
                whole.payload = inflate(inflater.as_mut(), &whole.payload);
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

fn inflate(inflater: Option<&mut (Decompress, Direction)>, payload: &[u8]) -> Vec<u8> {
    let (inflater, direction) = inflater.expect("RFC 7692 section 6: nothing is compressed that was not agreed on");
    if !direction.context_takeover() {
        inflater.reset(false);
    }
    // RFC 7692 section 7.2.2.
    let input = [payload, &[0x00, 0x00, 0xFF, 0xFF]].concat();
    let mut message = Vec::new();
    let end = inflater.total_in() + input.len() as u64;
    loop {
        message.reserve(4096);
        let at = input.len() - (end - inflater.total_in()) as usize;
        let status = inflater.decompress_vec(&input[at..], &mut message, FlushDecompress::Sync);
        assert!(matches!(status, Ok(Status::Ok | Status::BufError)), "flate2 understands it: {status:?}");
        if inflater.total_in() == end && message.len() < message.capacity() {
            return message;
        }
    }
}
