//! tungstenite, over a transport in memory.

use std::io::{self, Read, Write};

use sockeye::Role;
use tungstenite::protocol::{self, WebSocketConfig};
use tungstenite::{Error, Message, WebSocket};

use super::{LIMIT, Outcome};
use crate::common::Seen;

pub fn run(role: Role, bytes: &[u8]) -> Outcome {
    let config = WebSocketConfig::default()
        .max_frame_size(Some(LIMIT))
        .max_message_size(Some(LIMIT))
        .read_buffer_size(4096)
        .write_buffer_size(0);
    let role = if role == Role::Server { protocol::Role::Server } else { protocol::Role::Client };
    let mut socket = WebSocket::from_raw_socket(Transport(bytes), role, Some(config));
    let mut seen = Vec::new();
    loop {
        seen.push(match socket.read() {
            Ok(Message::Text(text)) => Seen::text(&text),
            Ok(Message::Binary(data)) => Seen::binary(data),
            Ok(Message::Ping(_) | Message::Frame(_)) => continue,
            Ok(Message::Pong(data)) => Seen::Pong(data.into()),
            Ok(Message::Close(frame)) => Seen::Close(frame.map(|frame| (frame.code.into(), frame.reason.to_string()))),
            Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => return Outcome { seen, error: None },
            // The end of the connection, after the close frame.
            Err(Error::ConnectionClosed | Error::AlreadyClosed) => return Outcome { seen, error: None },
            Err(error) => return Outcome { seen, error: Some(format!("{error:?}")) },
        });
    }
}

/// Gives these bytes and then has no more for now; takes everything.
struct Transport<'a>(&'a [u8]);

impl Read for Transport<'_> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        if self.0.is_empty() { Err(io::ErrorKind::WouldBlock.into()) } else { self.0.read(space) }
    }
}

impl Write for Transport<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
