//! tokio-websockets.

use std::hint::black_box;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use peer::{Job, Kind, Peer, Role, Wire, look, server, streams};
use tokio_websockets::{ClientBuilder, Config, Limits, Message, Payload, ServerBuilder, WebSocketStream};

struct TokioWebsockets;

fn main() {
    peer::run(&TokioWebsockets);
}

impl Peer for TokioWebsockets {
    const SETTINGS: &'static str = "its SIMD and simdutf8 are no features any more but always there; fastrand for masks, the fastest of its sources; frames \
        of up to 64 MiB, so that a message is one; no limit; a Stream and a Sink, polled by hand";

    fn decode_owned(&self, wire: Wire, _: Kind) -> Option<Job> {
        streams::decode(socket(wire, Role::Server), |message| {
            let message = black_box(message.expect("good frames"));
            look(message.as_payload())
        })
    }

    fn decode_str(&self, wire: Wire) -> Option<Job> {
        streams::decode(socket(wire, Role::Server), |message| {
            let message = message.expect("good frames");
            look(message.as_text().expect("text").as_bytes())
        })
    }

    fn encode(&self, role: Role, payload: &'static [u8], batch: u64, wire: Wire) -> Option<Job> {
        let sent = wire.sent();
        let payload = Payload::from(Bytes::from_static(payload));
        streams::encode(socket(wire, role), move || Message::binary(payload.clone()), batch, sent)
    }

    /// Its own example of an echo.
    fn serve(&self, address: &str) -> Option<()> {
        server::serve(address, async |stream| {
            let builder =
                ServerBuilder::new().config(Config::default().frame_size(64 << 20)).limits(Limits::unlimited());
            let Ok((_, mut socket)) = builder.accept(stream).await else { return };
            while let Some(Ok(message)) = socket.next().await {
                if (message.is_text() || message.is_binary()) && socket.send(message).await.is_err() {
                    return;
                }
            }
        })
    }
}

fn socket(wire: Wire, role: Role) -> WebSocketStream<Wire> {
    let (config, limits) = (Config::default().frame_size(64 << 20), Limits::unlimited());
    match role {
        Role::Client => ClientBuilder::new().config(config).limits(limits).take_over(wire),
        Role::Server => ServerBuilder::new().config(config).limits(limits).serve(wire),
    }
}
