//! The bytes of the attacks.

use sockeye::bytes::BytesMut;
use sockeye::deflate::{Deflate, Direction, Options, Parameters};
use sockeye::frame::{COMPRESSED, Header};
use sockeye::{Opcode, Role};

/// Whether a frame ends its message.
pub(crate) const LAST: bool = true;
pub(crate) const MORE: bool = false;

/// A frame as the peer of `victim` sends it.
pub(crate) fn frame(victim: Role, fin: bool, opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    frame_with(victim, fin, 0, opcode, payload)
}

/// A frame with RSV1, as the first one of a compressed message has it.
pub(crate) fn compressed_frame(victim: Role, fin: bool, opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    frame_with(victim, fin, COMPRESSED, opcode, payload)
}

/// A header that declares a payload of this length.
pub(crate) fn header(victim: Role, opcode: Opcode, length: u64) -> Vec<u8> {
    Header { fin: true, reserved: 0, opcode, mask: key(victim), length }.encode().as_slice().to_vec()
}

fn frame_with(victim: Role, fin: bool, reserved: u8, opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    let header = Header { fin, reserved, opcode, mask: key(victim), length: payload.len() as u64 };
    let mut bytes = header.encode().as_slice().to_vec();
    match key(victim) {
        Some(key) => bytes.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key)),
        None => bytes.extend_from_slice(payload),
    }
    bytes
}

/// A message in fragments of these bytes.
pub(crate) fn fragments(victim: Role, opcode: Opcode, payload: &[u8], each: usize, is_compressed: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    let count = payload.len().div_ceil(each);
    for (index, fragment) in payload.chunks(each).enumerate() {
        let fin = index + 1 == count;
        bytes.extend(match index {
            0 if is_compressed => compressed_frame(victim, fin, opcode, fragment),
            0 => frame(victim, fin, opcode, fragment),
            _ => frame(victim, fin, Opcode::Continuation, fragment),
        });
    }
    bytes
}

/// The compressed payload of a message.
pub(crate) fn deflated(message: &[u8]) -> Vec<u8> {
    let direction = Direction::new(15, true);
    let parameters = Parameters { local: direction, remote: direction };
    let mut payload = BytesMut::new();
    let is_compressed = Deflate::new(parameters, &Options::new().threshold(0)).compress(message, true, &mut payload);
    assert!(is_compressed, "expected a message that can be compressed");
    payload.to_vec()
}

/// The head of a good request or response, without the empty line that ends it.
pub(crate) fn head(victim: Role) -> Vec<u8> {
    match victim {
        Role::Server => REQUEST,
        Role::Client => RESPONSE,
    }
    .to_vec()
}

fn key(victim: Role) -> Option<[u8; 4]> {
    (victim == Role::Server).then_some([0x37, 0xfa, 0x21, 0x3d])
}

const REQUEST: &[u8] = b"GET /chat HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";

/// The accept key is that of the nonce in RFC 6455 section 1.3.
const RESPONSE: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";
