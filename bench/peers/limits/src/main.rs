//! The limits: what a processor can do where nobody has to keep the protocol's other rules.

mod decoder;
mod deflate;
mod kernels;

use std::hint::black_box;
use std::io::{IoSlice, Write};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use peer::{Job, Kind, Peer, Role, Takeover, Wire, job};
use sha1::{Digest, Sha1};

struct Limits;

fn main() {
    peer::run(&Limits);
}

impl Peer for Limits {
    const SETTINGS: &'static str = "decode: a bare decoder, with a fixed buffer and no rules but the frame; encode: the bare \
        frame into a fixed buffer, or from 2 KiB on written from where the payload is, where it is not masked; mask: XOR in the widest registers of this processor; UTF-8: simdutf8; handshake: httparse, \
        SHA-1 and base64 into a written answer; deflate: zlib-rs";

    fn decode_lent(&self, wire: Wire, kind: Kind) -> Option<Job> {
        decoder::decode(wire, kind)
    }

    fn decode_str(&self, wire: Wire) -> Option<Job> {
        decoder::decode(wire, Kind::Ascii)
    }

    fn decode_owned(&self, _: Wire, _: Kind) -> Option<Job> {
        None
    }

    fn encode(&self, role: Role, payload: &'static [u8], batch: u64, mut wire: Wire) -> Option<Job> {
        let mut space = vec![0; (payload.len() + 14) * batch as usize];
        let sent = wire.sent();
        let mut key = 0x9e37_79b9_u32;
        job(move |units| {
            let before = sent.bytes();
            let mut filled = 0;
            for unit in 1..=units {
                let payload = black_box(payload);
                let frame = &mut space[filled..];
                let header = decoder::write_header(frame, payload.len(), role == Role::Client);
                match role {
                    Role::Server if payload.len() >= VECTORED => {
                        let slices = [IoSlice::new(&space[..filled + header]), IoSlice::new(payload)];
                        let written = wire.write_vectored(&slices).expect("the wire does not fail");
                        assert_eq!(written, filled + header + payload.len());
                        filled = 0;
                    }
                    Role::Server => {
                        frame[header..header + payload.len()].copy_from_slice(payload);
                        filled += header + payload.len();
                    }
                    Role::Client => {
                        key = key.wrapping_mul(0x915f_77f5).wrapping_add(1);
                        frame[header..header + 4].copy_from_slice(&key.to_le_bytes());
                        let place = &mut frame[header + 4..header + 4 + payload.len()];
                        place.copy_from_slice(payload);
                        kernels::xor(place, key.to_le_bytes());
                        filled += header + 4 + payload.len();
                    }
                }
                if unit % batch == 0 || unit == units {
                    wire.write_all(&space[..filled]).expect("the wire does not fail");
                    filled = 0;
                }
            }
            sent.bytes() - before
        })
    }

    fn mask(&self, size: usize, offset: usize) -> Option<Job> {
        peer::kernels::mask(size, offset, kernels::xor)
    }

    fn utf8(&self, text: &'static [u8]) -> Option<Job> {
        peer::kernels::utf8(text, |text| simdutf8::basic::from_utf8(text).is_ok())
    }

    fn compress(&self, messages: &'static [&'static [u8]], takeover: Takeover, wire: Wire) -> Option<Job> {
        deflate::compress(messages, takeover, wire)
    }

    fn decompress(&self, wire: Wire, takeover: Takeover) -> Option<Job> {
        deflate::decompress(wire, takeover)
    }

    fn handshake_server(&self, request: &'static [u8]) -> Option<Job> {
        job(move |units| {
            let mut sum = 0;
            for _ in 0..units {
                let mut headers = [httparse::EMPTY_HEADER; 16];
                let mut parsed = httparse::Request::new(&mut headers);
                assert!(parsed.parse(black_box(request)).expect("a good request").is_complete());
                let find = |header: &&httparse::Header<'_>| header.name.eq_ignore_ascii_case("sec-websocket-key");
                let key = parsed.headers.iter().find(find).expect("a key").value;
                sum += black_box(answer(key)).len() as u64;
            }
            sum
        })
    }

    fn handshake_client(&self) -> Option<Job> {
        let answer = answer(b"dGhlIHNhbXBsZSBub25jZQ==");
        job(move |units| {
            let mut sum = 0;
            for _ in 0..units {
                let key = BASE64_STANDARD.encode(black_box(b"the sample nonce"));
                let request = format!(
                    "GET /chat?room=salmon HTTP/1.1\r\nHost: chat.example.com\r\nUpgrade: websocket\r\n\
                    Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
                );
                sum += black_box(request).len() as u64;
                let mut headers = [httparse::EMPTY_HEADER; 16];
                let mut parsed = httparse::Response::new(&mut headers);
                assert!(parsed.parse(black_box(&answer)).expect("a good answer").is_complete());
                let find = |header: &&httparse::Header<'_>| header.name.eq_ignore_ascii_case("sec-websocket-accept");
                let found = parsed.headers.iter().find(find).expect("an accept").value;
                assert_eq!(found, accept(key.as_bytes()));
            }
            sum
        })
    }
}

/// What proves that a key was read (RFC 6455 section 4.2.2).
fn accept(key: &[u8]) -> [u8; 28] {
    let digest = Sha1::new().chain_update(key).chain_update(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").finalize();
    let mut accept = [0; 28];
    BASE64_STANDARD.encode_slice(digest, &mut accept).expect("28 characters");
    accept
}

/// The answer to a key.
fn answer(key: &[u8]) -> Vec<u8> {
    let mut answer = Vec::with_capacity(256);
    answer.extend_from_slice(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ",
    );
    answer.extend_from_slice(&accept(key));
    answer.extend_from_slice(b"\r\n\r\n");
    answer
}

/// From here on a payload is written from where it is.
const VECTORED: usize = 2048;
