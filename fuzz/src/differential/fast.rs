//! fastwebsockets, over a transport in memory that never has to be waited for.

use std::cell::RefCell;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use fastwebsockets::{FragmentCollector, OpCode, WebSocket, WebSocketError};
use sockeye::Role;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{Failure, LIMIT, Outcome, wire};
use crate::common::Seen;

pub fn run(role: Role, bytes: &[u8]) -> Outcome {
    let plays = if role == Role::Server { fastwebsockets::Role::Server } else { fastwebsockets::Role::Client };
    let written = RefCell::new(Vec::new());
    let mut socket = WebSocket::after_handshake(Transport { bytes, written: &written }, plays);
    // It takes what is shorter.
    socket.set_max_message_size(LIMIT + 1);
    let mut socket = FragmentCollector::new(socket);
    let (mut seen, mut answered) = (Vec::new(), 0);
    let failure = loop {
        let read = pin!(socket.read_frame()).poll(&mut Context::from_waker(Waker::noop()));
        // It keeps pings to itself, and answers each at once.
        let (pongs, _) = wire::sent(role, &written.borrow());
        seen.extend(pongs[answered..].iter().cloned().map(Seen::Ping));
        answered = pongs.len();
        let frame = match read {
            Poll::Pending => break None,
            Poll::Ready(Err(error)) => break Some(failure(error)),
            Poll::Ready(Ok(frame)) => frame,
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
                break None;
            }
            OpCode::Ping | OpCode::Continuation => panic!("{:?} comes to the caller", frame.opcode),
        });
    };
    Outcome::new(role, seen, failure, &written.borrow())
}

fn failure(error: WebSocketError) -> Failure {
    use WebSocketError::*;
    match error {
        InvalidUTF8 => Failure::Text,
        FrameTooLarge => Failure::TooLarge,
        InvalidFragment
        | InvalidContinuationFrame
        | InvalidCloseFrame
        | InvalidCloseCode
        | ReservedBitsNotZero
        | ControlFrameFragmented
        | PingFrameTooLarge
        | InvalidValue => Failure::Protocol,
        error => panic!("{error:?} is not of the peer's making"),
    }
}

/// Gives these bytes and then has no more for now; keeps what is written.
struct Transport<'a> {
    bytes: &'a [u8],
    written: &'a RefCell<Vec<u8>>,
}

impl AsyncRead for Transport<'_> {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, space: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.bytes.is_empty() {
            return Poll::Pending;
        }
        let (now, later) = self.bytes.split_at(self.bytes.len().min(space.remaining()));
        space.put_slice(now);
        self.bytes = later;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Transport<'_> {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.written.borrow_mut().extend(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
