//! yawc.

use std::hint::black_box;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use peer::deflated::LEVEL;
use peer::{Job, Kind, Peer, Role, Takeover, Wire, look, server, streams};
use tokio::io::{AsyncRead, AsyncWrite};
use yawc::{CompressionLevel, Frame, OpCode, Options, WebSocket};

struct Yawc;

fn main() {
    peer::run(&Yawc);
}

impl Peer for Yawc {
    const SETTINGS: &'static str = "features simd and zlib; UTF-8 checked (off by default), payloads to 64 MiB, a read buffer \
        of 64 KiB; a Stream and a Sink, polled by hand";

    fn decode_owned(&self, wire: Wire, _: Kind) -> Option<Job> {
        streams::decode(socket(wire, Role::Server), |frame| look(black_box(frame).payload()))
    }

    fn decode_str(&self, wire: Wire) -> Option<Job> {
        streams::decode(socket(wire, Role::Server), |frame| look(frame.as_str().as_bytes()))
    }

    fn encode(&self, role: Role, payload: &'static [u8], batch: u64, wire: Wire) -> Option<Job> {
        let sent = wire.sent();
        let payload = Bytes::from_static(payload);
        streams::encode(socket(wire, role), move || Frame::binary(payload.clone()), batch, sent)
    }

    fn compress(&self, messages: &'static [&'static [u8]], takeover: Takeover, wire: Wire) -> Option<Job> {
        let sent = wire.sent();
        let mut messages = messages.iter().cycle();
        let message = move || Frame::text(Bytes::from_static(messages.next().expect("endless")));
        streams::encode(compressed(wire, takeover), message, 1, sent)
    }

    fn decompress(&self, wire: Wire, takeover: Takeover) -> Option<Job> {
        streams::decode(compressed(wire, takeover), |frame| look(black_box(frame).payload()))
    }

    fn serve(&self, address: &str) -> Option<()> {
        server::serve(address, async |mut stream| {
            if server::shake_hands(&mut stream).await.is_err() {
                return;
            }
            let mut socket = socket(stream, Role::Server);
            while let Some(frame) = socket.next().await {
                if matches!(frame.opcode(), OpCode::Text | OpCode::Binary) && socket.send(frame).await.is_err() {
                    return;
                }
            }
        })
    }
}

fn compressed(wire: Wire, takeover: Takeover) -> WebSocket<Wire> {
    let options = options().with_compression_level(CompressionLevel::new(LEVEL.into())).with_compression_threshold(0);
    let (options, extension) = match takeover {
        Takeover::On => (options, "permessage-deflate"),
        Takeover::Off => (
            options.server_no_context_takeover().client_no_context_takeover(),
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
        ),
    };
    WebSocket::from_stream_with_extensions(wire, yawc::Role::Server, Some(extension), options).expect("good options")
}

fn options() -> Options {
    Options::default().with_utf8().with_limits(MOST, 2 * MOST).with_read_buffer_capacity(READ)
}

fn socket<S: AsyncRead + AsyncWrite + Unpin>(stream: S, role: Role) -> WebSocket<S> {
    let role = match role {
        Role::Client => yawc::Role::Client,
        Role::Server => yawc::Role::Server,
    };
    WebSocket::from_stream(stream, role, options()).expect("good options")
}

const READ: usize = 64 << 10;
const MOST: usize = 64 << 20;
