//! tungstenite.

use std::hint::black_box;

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
