//! fastwebsockets.

use std::hint::black_box;

use fastwebsockets::{FragmentCollector, Frame, OpCode, Payload, WebSocket};
use peer::{Job, Kind, Peer, Role, Wire, job, look, server, wait};
use tokio::io::{AsyncRead, AsyncWrite, BufWriter};

struct Fastwebsockets;

fn main() {
    peer::run(&Fastwebsockets);
}

impl Peer for Fastwebsockets {
    const SETTINGS: &'static str = "feature simd, as by default; a FragmentCollector, vectored writes as by default, messages \
        to 64 MiB; where 64 messages are flushed at once, over a BufWriter of 64 KiB; its futures polled by hand";

    fn decode_owned(&self, wire: Wire, _: Kind) -> Option<Job> {
        let mut socket = FragmentCollector::new(socket(wire, Role::Server));
        job(move |units| {
            wait(async {
                let mut sum = 0;
                for _ in 0..units {
                    sum += look(&black_box(socket.read_frame().await.expect("good frames")).payload);
                }
                sum
            })
        })
    }

    /// What its users do: it has checked the text, and hands out bytes.
    fn decode_str(&self, wire: Wire) -> Option<Job> {
        let mut socket = FragmentCollector::new(socket(wire, Role::Server));
        job(move |units| {
            wait(async {
                let mut sum = 0;
                for _ in 0..units {
                    let frame = socket.read_frame().await.expect("good frames");
                    sum += look(str::from_utf8(&frame.payload).expect("text").as_bytes());
                }
                sum
            })
        })
    }

    fn encode(&self, role: Role, payload: &'static [u8], batch: u64, wire: Wire) -> Option<Job> {
        let sent = wire.sent();
        if batch == 1 {
            encode(socket(wire, role), payload, batch, sent)
        } else {
            encode(socket(BufWriter::with_capacity(WRITE, wire), role), payload, batch, sent)
        }
    }

    /// Its own example of an echo.
    fn serve(&self, address: &str) -> Option<()> {
        server::serve(address, async |mut stream| {
            if server::shake_hands(&mut stream).await.is_err() {
                return;
            }
            let mut socket = FragmentCollector::new(socket(stream, Role::Server));
            while let Ok(frame) = socket.read_frame().await {
                let sent = match frame.opcode {
                    OpCode::Close => return,
                    OpCode::Text | OpCode::Binary => socket.write_frame(frame).await,
                    _ => Ok(()),
                };
                if sent.is_err() {
                    return;
                }
            }
        })
    }
}

fn encode<S>(mut socket: WebSocket<S>, payload: &'static [u8], batch: u64, sent: peer::Sent) -> Option<Job>
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    job(move |units| {
        let before = sent.bytes();
        wait(async {
            for unit in 1..=units {
                let frame = Frame::binary(Payload::Borrowed(payload));
                socket.write_frame(frame).await.expect("the wire does not fail");
                if unit % batch == 0 || unit == units {
                    socket.flush().await.expect("the wire does not fail");
                }
            }
        });
        sent.bytes() - before
    })
}

fn socket<S: AsyncRead + AsyncWrite + Unpin>(stream: S, role: Role) -> WebSocket<S> {
    let role = match role {
        Role::Client => fastwebsockets::Role::Client,
        Role::Server => fastwebsockets::Role::Server,
    };
    let mut socket = WebSocket::after_handshake(stream, role);
    socket.set_max_message_size(MOST);
    socket
}

const WRITE: usize = 64 << 10;
const MOST: usize = 64 << 20;
