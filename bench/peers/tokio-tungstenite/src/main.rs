//! tokio-tungstenite.

use std::hint::black_box;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use peer::{Job, Kind, Peer, Role, Wire, look, server, streams, wait};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::{self, WebSocketConfig};
use tokio_tungstenite::{WebSocketStream, accept_async_with_config};

struct TokioTungstenite;

fn main() {
    peer::run(&TokioTungstenite);
}

impl Peer for TokioTungstenite {
    const SETTINGS: &'static str = "as tungstenite: a read buffer of 16 KiB, messages and frames to 64 MiB; a Stream and a \
        Sink, polled by hand";

    fn decode_owned(&self, wire: Wire, _: Kind) -> Option<Job> {
        streams::decode(socket(wire, Role::Server), |message| match black_box(message.expect("good frames")) {
            Message::Text(text) => look(text.as_bytes()),
            Message::Binary(data) => look(&data),
            other => unreachable!("expected data, got {other:?}"),
        })
    }

    fn decode_str(&self, wire: Wire) -> Option<Job> {
        streams::decode(socket(wire, Role::Server), |message| match message.expect("good frames") {
            Message::Text(text) => look(text.as_str().as_bytes()),
            other => unreachable!("expected text, got {other:?}"),
        })
    }

    fn encode(&self, role: Role, payload: &'static [u8], batch: u64, wire: Wire) -> Option<Job> {
        let sent = wire.sent();
        let message = Message::Binary(Bytes::from_static(payload));
        streams::encode(socket(wire, role), move || message.clone(), batch, sent)
    }

    fn serve(&self, address: &str) -> Option<()> {
        server::serve(address, async |stream| {
            let Ok(mut socket) = accept_async_with_config(stream, Some(config())).await else { return };
            while let Some(Ok(message)) = socket.next().await {
                if (message.is_text() || message.is_binary()) && socket.send(message).await.is_err() {
                    return;
                }
            }
        })
    }
}

fn config() -> WebSocketConfig {
    WebSocketConfig::default().read_buffer_size(READ).max_message_size(Some(MOST)).max_frame_size(Some(MOST))
}

fn socket(wire: Wire, role: Role) -> WebSocketStream<Wire> {
    let role = match role {
        Role::Client => protocol::Role::Client,
        Role::Server => protocol::Role::Server,
    };
    wait(WebSocketStream::from_raw_socket(wire, role, Some(config())))
}

const READ: usize = 16 << 10;
const MOST: usize = 64 << 20;
