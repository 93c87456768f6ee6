//! web-socket.

use std::hint::black_box;

use peer::{Job, Kind, Peer, Role, Wire, job, look, server, wait};
use tokio::io::{AsyncRead, AsyncWrite, BufReader, BufWriter};
use web_socket::{DataType, Event, WebSocket};

struct WebSocketCrate;

fn main() {
    peer::run(&WebSocketCrate);
}

impl Peer for WebSocketCrate {
    const SETTINGS: &'static str = "over a BufReader of 16 KiB, as it reads a header in three reads; it does not check UTF-8, \
        so its user does, with simdutf8; where 64 messages are flushed at once, over a BufWriter of 64 KiB; its futures polled by \
        hand";

    fn decode_owned(&self, wire: Wire, kind: Kind) -> Option<Job> {
        let mut socket = WebSocket::server(BufReader::with_capacity(READ, wire));
        socket.max_payload_len = MOST;
        job(move |units| {
            wait(async {
                let mut sum = 0;
                for _ in 0..units {
                    match black_box(socket.recv().await.expect("the wire does not end")) {
                        Event::Data { ty: DataType::Complete(_), data } => {
                            if kind.is_text() {
                                simdutf8::basic::from_utf8(&data).expect("text");
                            }
                            sum += look(&data);
                        }
                        other => unreachable!("expected data, got {other:?}"),
                    }
                }
                sum
            })
        })
    }

    fn decode_str(&self, wire: Wire) -> Option<Job> {
        self.decode_owned(wire, Kind::Ascii)
    }

    fn encode(&self, role: Role, payload: &'static [u8], batch: u64, wire: Wire) -> Option<Job> {
        let sent = wire.sent();
        if batch == 1 {
            encode(socket(wire, role), payload, batch, sent)
        } else {
            encode(socket(BufWriter::with_capacity(WRITE, wire), role), payload, batch, sent)
        }
    }

    fn serve(&self, address: &str) -> Option<()> {
        server::serve(address, async |mut stream| {
            if server::shake_hands(&mut stream).await.is_err() {
                return;
            }
            let mut socket = socket(BufReader::with_capacity(READ, stream), Role::Server);
            socket.max_payload_len = MOST;
            while let Ok(Event::Data { ty: DataType::Complete(_), data }) = socket.recv().await {
                if socket.send(&data[..]).await.is_err() {
                    return;
                }
            }
        })
    }
}

fn encode<S>(mut socket: WebSocket<S>, payload: &'static [u8], batch: u64, sent: peer::Sent) -> Option<Job>
where
    S: AsyncWrite + Unpin + 'static,
{
    job(move |units| {
        let before = sent.bytes();
        wait(async {
            for unit in 1..=units {
                socket.send(payload).await.expect("the wire does not fail");
                if unit % batch == 0 || unit == units {
                    socket.flash().await.expect("the wire does not fail");
                }
            }
        });
        sent.bytes() - before
    })
}

fn socket<S: AsyncRead + AsyncWrite>(stream: S, role: Role) -> WebSocket<S> {
    match role {
        Role::Client => WebSocket::client(stream),
        Role::Server => WebSocket::server(stream),
    }
}

const READ: usize = 16 << 10;
const WRITE: usize = 64 << 10;
const MOST: usize = 64 << 20;
