//! fastwebsockets, over a transport in memory that never has to be waited for.

use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use fastwebsockets::{FragmentCollector, OpCode, WebSocket};
use sockeye::Role;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{LIMIT, Outcome};
use crate::common::Seen;

pub fn run(role: Role, bytes: &[u8]) -> Outcome {
    let role = if role == Role::Server { fastwebsockets::Role::Server } else { fastwebsockets::Role::Client };
    let mut socket = WebSocket::after_handshake(Transport(bytes), role);
    // It takes what is shorter.
    socket.set_max_message_size(LIMIT + 1);
    let mut socket = FragmentCollector::new(socket);
    let mut seen = Vec::new();
    loop {
        let frame = {
            let reading = pin!(socket.read_frame());
            match reading.poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Pending => return Outcome { seen, error: None },
                Poll::Ready(Err(error)) => return Outcome { seen, error: Some(format!("{error:?}")) },
                Poll::Ready(Ok(frame)) => frame,
            }
        };
        let payload = frame.payload.to_vec();
        seen.push(match frame.opcode {
            OpCode::Text => Seen::text(&String::from_utf8_lossy(&payload)),
            OpCode::Binary => Seen::Binary(payload),
            OpCode::Pong => Seen::Pong(payload),
            OpCode::Close => {
                let body = payload
                    .split_first_chunk()
                    .map(|(code, reason)| (u16::from_be_bytes(*code), String::from_utf8_lossy(reason).into_owned()));
                seen.push(Seen::Close(body));
                return Outcome { seen, error: None };
            }
            OpCode::Ping | OpCode::Continuation => panic!("{:?} comes to the caller", frame.opcode),
        });
    }
}

/// Gives these bytes and then has no more for now; takes everything.
struct Transport<'a>(&'a [u8]);

impl AsyncRead for Transport<'_> {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, space: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.0.is_empty() {
            return Poll::Pending;
        }
        let (now, later) = self.0.split_at(self.0.len().min(space.remaining()));
        space.put_slice(now);
        self.0 = later;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Transport<'_> {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
