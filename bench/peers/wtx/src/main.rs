//! wtx.

use std::hint::black_box;
use std::io::{IoSlice, Read, Write};

use peer::{Job, Kind, Peer, Role, Wire, job, look, wait};
use wtx::collection::Vector;
use wtx::rng::Xorshift64;
use wtx::stream::{StreamReader, StreamWriter};
use wtx::web_socket::{Frame, OpCode, WebSocket, WebSocketBuffer, WebSocketPayloadOrigin};

struct Wtx;

fn main() {
    peer::run(&Wtx);
}

impl Peer for Wtx {
    const SETTINGS: &'static str = "0.46.1, the newest that builds with Rust 1.95; feature optimization; payloads lent from its \
        buffer of 64 KiB, and for keeps copied into a vector of the caller's; masks by its Xorshift64; payloads to 64 MiB; it \
        writes each frame by itself; its futures polled by hand";

    fn decode_lent(&self, wire: Wire, _: Kind) -> Option<Job> {
        decode(wire, look)
    }

    fn decode_owned(&self, wire: Wire, _: Kind) -> Option<Job> {
        decode(wire, |payload| look(&black_box(payload.to_vec())))
    }

    fn decode_str(&self, wire: Wire) -> Option<Job> {
        decode(wire, look)
    }

    fn encode(&self, role: Role, payload: &'static [u8], batch: u64, wire: Wire) -> Option<Job> {
        if batch > 1 {
            return None;
        }
        match role {
            Role::Client => encode::<true>(payload, wire),
            Role::Server => encode::<false>(payload, wire),
        }
    }
}

fn decode(wire: Wire, mut take: impl FnMut(&[u8]) -> u64 + 'static) -> Option<Job> {
    let mut socket = socket::<false>(wire);
    let mut buffer = Vector::new();
    job(move |units| {
        wait(async {
            let mut sum = 0;
            for _ in 0..units {
                let frame =
                    socket.read_frame(&mut buffer, WebSocketPayloadOrigin::Adaptive).await.expect("good frames");
                sum += take(frame.payload());
            }
            sum
        })
    })
}

fn encode<const IS_CLIENT: bool>(payload: &'static [u8], wire: Wire) -> Option<Job> {
    let sent = wire.sent();
    let mut socket = socket::<IS_CLIENT>(wire);
    // It masks a client's payload in its place.
    let mut payload = payload.to_vec();
    job(move |units| {
        let before = sent.bytes();
        wait(async {
            for _ in 0..units {
                let mut frame = Frame::<_, IS_CLIENT>::new_fin(OpCode::Binary, &mut payload[..]);
                socket.write_frame(&mut frame).await.expect("the wire does not fail");
            }
        });
        sent.bytes() - before
    })
}

fn socket<const IS_CLIENT: bool>(wire: Wire) -> WebSocket<(), Xorshift64, Transport, WebSocketBuffer, IS_CLIENT> {
    let buffer = WebSocketBuffer::with_capacity(READ, 0, READ).expect("memory");
    let mut socket = WebSocket::new((), false, Xorshift64::from(0x9e37_79b9_7f4a_7c15), Transport(wire), buffer);
    socket.set_max_payload_len(MOST);
    socket
}

/// The wire as a stream of wtx.
struct Transport(Wire);

impl StreamReader for Transport {
    async fn read(&mut self, bytes: &mut [u8]) -> wtx::Result<usize> {
        Ok(self.0.read(bytes)?)
    }
}

impl StreamWriter for Transport {
    async fn write_all(&mut self, bytes: &[u8]) -> wtx::Result<()> {
        Ok(self.0.write_all(bytes)?)
    }

    async fn write_all_vectored(&mut self, bytes: &[&[u8]]) -> wtx::Result<()> {
        let mut slices = [IoSlice::new(&[]); 8];
        for (slice, bytes) in slices.iter_mut().zip(bytes) {
            *slice = IoSlice::new(bytes);
        }
        let written = self.0.write_vectored(&slices[..bytes.len()])?;
        assert_eq!(written, bytes.iter().map(|bytes| bytes.len()).sum());
        Ok(())
    }
}

const READ: usize = 64 << 10;
const MOST: usize = 64 << 20;
