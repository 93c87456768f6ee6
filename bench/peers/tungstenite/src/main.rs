//! tungstenite.

use std::hint::black_box;
use std::io::{self, Read, Write};

use bytes::Bytes;
use peer::{Job, Kind, Peer, Role, Wire, job, look};
use tungstenite::protocol::{self, WebSocketConfig};
use tungstenite::{Message, WebSocket};

struct Tungstenite;

fn main() {
    peer::run(&Tungstenite);
}

impl Peer for Tungstenite {
    const SETTINGS: &'static str = "a read buffer of 16 KiB (of the default's 128 KiB it zeroes each read's worth), a write \
        buffer of 128 KiB as by default, messages and frames to 64 MiB; `read`, and `write` with `flush`";

    fn decode_owned(&self, wire: Wire, _: Kind) -> Option<Job> {
        let mut socket = socket(wire, Role::Server);
        job(move |units| {
            (0..units)
                .map(|_| match black_box(socket.read().expect("good frames")) {
                    Message::Text(text) => look(text.as_bytes()),
                    Message::Binary(data) => look(&data),
                    other => unreachable!("expected data, got {other:?}"),
                })
                .sum()
        })
    }

    fn decode_str(&self, wire: Wire) -> Option<Job> {
        let mut socket = socket(wire, Role::Server);
        job(move |units| {
            (0..units)
                .map(|_| match socket.read().expect("good frames") {
                    Message::Text(text) => look(text.as_str().as_bytes()),
                    other => unreachable!("expected text, got {other:?}"),
                })
                .sum()
        })
    }

    fn encode(&self, role: Role, payload: &'static [u8], batch: u64, wire: Wire) -> Option<Job> {
        let sent = wire.sent();
        let mut socket = socket(wire, role);
        let message = Message::Binary(Bytes::from_static(payload));
        job(move |units| {
            let before = sent.bytes();
            for unit in 1..=units {
                socket.write(message.clone()).expect("the wire does not fail");
                if unit % batch == 0 || unit == units {
                    socket.flush().expect("the wire does not fail");
                }
            }
            sent.bytes() - before
        })
    }

    fn handshake_server(&self, request: &'static [u8]) -> Option<Job> {
        job(move |units| {
            let mut sum = 0;
            for _ in 0..units {
                let end = End { request: black_box(request), answer: Vec::new() };
                let socket = tungstenite::accept(end).expect("a good request");
                sum += black_box(socket.get_ref()).answer.len() as u64;
            }
            sum
        })
    }
}

/// A request that has arrived as a whole, and its answer.
struct End {
    request: &'static [u8],
    answer: Vec<u8>,
}

impl Read for End {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        self.request.read(space)
    }
}

impl Write for End {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.answer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn socket(wire: Wire, role: Role) -> WebSocket<Wire> {
    let config =
        WebSocketConfig::default().read_buffer_size(READ).max_message_size(Some(MOST)).max_frame_size(Some(MOST));
    let role = match role {
        Role::Client => protocol::Role::Client,
        Role::Server => protocol::Role::Server,
    };
    WebSocket::from_raw_socket(wire, role, Some(config))
}

const READ: usize = 16 << 10;
const MOST: usize = 64 << 20;
