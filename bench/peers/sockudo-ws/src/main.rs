//! sockudo-ws.

use std::hint::black_box;

use bytes::{Bytes, BytesMut};
use futures_util::{SinkExt, StreamExt};
use peer::deflated::LEVEL;
use peer::{Job, Kind, Peer, Role, Takeover, Wire, job, look, server, streams};
use sockudo_ws::deflate::DeflateConfig;
use sockudo_ws::handshake::{build_response, generate_accept_key, parse_request};
use sockudo_ws::protocol::Message;
use sockudo_ws::{CompressedWebSocketStream, Config, WebSocketStream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

struct SockudoWs;

fn main() {
    peer::run(&SockudoWs);
}

impl Peer for SockudoWs {
    const SETTINGS: &'static str = "features simd and fastrand, as by default; messages and frames to 64 MiB, no pings and no \
        time limits; a Stream and a Sink, polled by hand";

    fn decode_owned(&self, wire: Wire, _: Kind) -> Option<Job> {
        streams::decode(socket(wire, Role::Server), |message| look(black_box(message.expect("good frames")).as_bytes()))
    }

    fn decode_str(&self, wire: Wire) -> Option<Job> {
        streams::decode(socket(wire, Role::Server), |message| {
            look(message.expect("good frames").as_text().expect("text").as_bytes())
        })
    }

    fn encode(&self, role: Role, payload: &'static [u8], batch: u64, wire: Wire) -> Option<Job> {
        let sent = wire.sent();
        let message = Message::Binary(Bytes::from_static(payload));
        streams::encode(socket(wire, role), move || message.clone(), batch, sent)
    }

    fn mask(&self, size: usize, offset: usize) -> Option<Job> {
        peer::kernels::mask(size, offset, sockudo_ws::simd::apply_mask)
    }

    fn utf8(&self, text: &'static [u8]) -> Option<Job> {
        peer::kernels::utf8(text, sockudo_ws::utf8::validate_utf8)
    }

    fn compress(&self, messages: &'static [&'static [u8]], takeover: Takeover, wire: Wire) -> Option<Job> {
        let sent = wire.sent();
        let mut messages = messages.iter().cycle();
        let message = move || Message::Text(Bytes::from_static(messages.next().expect("endless")));
        streams::encode(compressed(wire, takeover), message, 1, sent)
    }

    fn decompress(&self, wire: Wire, takeover: Takeover) -> Option<Job> {
        streams::decode(compressed(wire, takeover), |message| look(black_box(message.expect("good frames")).as_bytes()))
    }

    fn handshake_server(&self, request: &'static [u8]) -> Option<Job> {
        job(move |units| {
            let mut sum = 0;
            for _ in 0..units {
                let (request, _) = parse_request(black_box(request)).expect("a good request").expect("a whole request");
                let answer = build_response(&generate_accept_key(request.key), None, None);
                sum += black_box(answer).len() as u64;
            }
            sum
        })
    }

    /// Its own example of an echo.
    fn serve(&self, address: &str) -> Option<()> {
        server::serve(address, async |mut stream| {
            let mut head = BytesMut::new();
            let answer = loop {
                if !matches!(stream.read_buf(&mut head).await, Ok(1..)) {
                    return;
                }
                match parse_request(&head) {
                    Ok(Some((request, _))) => break build_response(&generate_accept_key(request.key), None, None),
                    Ok(None) => {}
                    Err(_) => return,
                }
            };
            if stream.write_all(&answer).await.is_err() {
                return;
            }
            let mut socket = WebSocketStream::server(stream, config());
            while let Some(Ok(message)) = socket.next().await {
                if matches!(message, Message::Text(_) | Message::Binary(_)) && socket.send(message).await.is_err() {
                    return;
                }
            }
        })
    }
}

fn compressed(wire: Wire, takeover: Takeover) -> CompressedWebSocketStream<Wire> {
    let deflate = DeflateConfig {
        server_no_context_takeover: takeover == Takeover::Off,
        client_no_context_takeover: takeover == Takeover::Off,
        compression_level: LEVEL.into(),
        compression_threshold: 0,
        ..DeflateConfig::default()
    };
    CompressedWebSocketStream::server(wire, config(), deflate)
}

fn config() -> Config {
    Config::builder()
        .max_message_size(MOST)
        .max_frame_size(MOST)
        .max_backpressure(2 * MOST)
        .auto_ping(false)
        .idle_timeout(0)
        .build()
}

fn socket(wire: Wire, role: Role) -> WebSocketStream<Wire> {
    match role {
        Role::Client => WebSocketStream::client(wire, config()),
        Role::Server => WebSocketStream::server(wire, config()),
    }
}

const MOST: usize = 64 << 20;
