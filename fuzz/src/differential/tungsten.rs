//! tungstenite, over a transport in memory.

use std::io::{self, Read, Write};

use sockeye::Role;
use tungstenite::protocol::{self, WebSocketConfig};
use tungstenite::{Error, Message, WebSocket};

use super::{Failure, LIMIT, Outcome};
use crate::common::Seen;

pub fn run(role: Role, bytes: &[u8]) -> Outcome {
    let config = WebSocketConfig::default()
        .max_frame_size(Some(LIMIT))
        .max_message_size(Some(LIMIT))
        .read_buffer_size(4096)
        .write_buffer_size(0);
    let plays = if role == Role::Server { protocol::Role::Server } else { protocol::Role::Client };
    let mut socket = WebSocket::from_raw_socket(Transport { bytes, written: Vec::new() }, plays, Some(config));
    let mut seen = Vec::new();
    let failure = loop {
        seen.push(match socket.read() {
            Ok(Message::Text(text)) => Seen::text(&text),
            Ok(Message::Binary(data)) => Seen::binary(data),
            Ok(Message::Ping(data)) => Seen::Ping(data.into()),
            Ok(Message::Pong(data)) => Seen::Pong(data.into()),
            Ok(Message::Close(frame)) => Seen::Close(frame.map(|frame| (frame.code.into(), frame.reason.to_string()))),
            Ok(Message::Frame(frame)) => panic!("{frame:?} comes of reading"),
            Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => break None,
            // The end of the connection, after the close frame.
            Err(Error::ConnectionClosed | Error::AlreadyClosed) => break None,
            Err(Error::Protocol(_)) => break Some(Failure::Protocol),
            Err(Error::Utf8(_)) => break Some(Failure::Text),
            Err(Error::Capacity(_)) => break Some(Failure::TooLarge),
            Err(error) => panic!("{error:?} is not of the peer's making"),
        });
    };
    Outcome::new(role, seen, failure, &socket.get_ref().written)
}

/// Gives these bytes and then has no more for now; keeps what is written.
struct Transport<'a> {
    bytes: &'a [u8],
    written: Vec<u8>,
}

impl Read for Transport<'_> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        if self.bytes.is_empty() { Err(io::ErrorKind::WouldBlock.into()) } else { self.bytes.read(space) }
    }
}

impl Write for Transport<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.written.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
