//! The load: one thread, many connections, messages of one size, so many of them under way on each.

use std::io::{self, ErrorKind, Read, Write};
use std::net;
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use crate::server::Server;

/// What the server is put under.
#[derive(Clone, Copy)]
pub(crate) struct Load {
    pub(crate) connections: usize,
    /// Bytes of a message.
    pub(crate) size: usize,
    /// Messages under way on each connection.
    pub(crate) depth: usize,
}

/// A connection after its handshake.
struct Connection {
    stream: TcpStream,
    /// Bytes that are to be written yet.
    owed: usize,
    /// How far into a frame the writing has come.
    offset: usize,
    /// Bytes of an echo that is not complete yet.
    received: usize,
}

/// What a server did under load.
pub(crate) struct Echoed {
    /// Messages a second.
    pub(crate) messages: f64,
    /// Nanoseconds for which the server was on a processor, for each message; none where the system does not tell.
    pub(crate) cpu: Option<f64>,
}

/// Puts the server under load for that long, a fifth of which warms it up and is not counted.
pub(crate) fn echoed(server: &Server, load: Load, span: Duration) -> io::Result<Echoed> {
    let frame = peer::frame(false, &vec![b'x'; load.size], Some([0x12, 0x34, 0x56, 0x78]));
    let echo = if server.bare { frame.len() } else { frame.len() - 4 };
    let frames = frame.repeat((WRITE / frame.len()).max(load.depth) + 1);
    let mut poll = Poll::new()?;
    let mut connections = Vec::new();
    for token in 0..load.connections {
        let mut stream = TcpStream::from_std(open(server)?);
        poll.registry().register(&mut stream, Token(token), Interest::READABLE | Interest::WRITABLE)?;
        connections.push(Connection { stream, owed: load.depth * frame.len(), offset: 0, received: 0 });
    }
    let mut space = vec![0; 256 << 10];
    let mut events = Events::with_capacity(1024);
    let begin = Instant::now();
    let (mut counted_from, mut count) = (None, 0);
    loop {
        let passed = begin.elapsed();
        if passed >= span {
            let (from, cpu): (Instant, _) = counted_from.ok_or(ErrorKind::TimedOut)?;
            let cpu =
                server.cpu().zip(cpu).map(|(end, begin)| end.saturating_sub(begin).as_nanos() as f64 / count as f64);
            return Ok(Echoed { messages: count as f64 / from.elapsed().as_secs_f64(), cpu });
        }
        if counted_from.is_none() && passed >= span / 5 {
            (counted_from, count) = (Some((Instant::now(), server.cpu())), 0);
        }
        poll.poll(&mut events, Some(span))?;
        for event in &events {
            let connection = &mut connections[event.token().0];
            let echoed = connection.read(&mut space, echo)?;
            count += echoed;
            connection.owed += echoed * frame.len();
            connection.write(&frames, frame.len())?;
        }
    }
}

/// Has each of these connections send a message but for its last byte.
pub(crate) fn begin(streams: &mut [net::TcpStream], size: usize) -> io::Result<()> {
    let frame = peer::frame(false, &vec![b'x'; size], Some([0x12, 0x34, 0x56, 0x78]));
    for stream in streams {
        stream.write_all(&frame[..frame.len() - 1])?;
    }
    Ok(())
}

/// Opens connections that have sent and received a message each, and are idle now.
pub(crate) fn idle(server: &Server, count: usize) -> io::Result<Vec<net::TcpStream>> {
    let frame = peer::frame(false, &[b'x'; 500], Some([0x12, 0x34, 0x56, 0x78]));
    let mut echo = vec![0; frame.len() - if server.bare { 0 } else { 4 }];
    let mut streams = Vec::with_capacity(count);
    for _ in 0..count {
        let mut stream = open(server)?;
        stream.set_nonblocking(false)?;
        stream.write_all(&frame)?;
        stream.read_exact(&mut echo)?;
        streams.push(stream);
    }
    Ok(streams)
}

/// A connection after its handshake, which does not block.
fn open(server: &Server) -> io::Result<net::TcpStream> {
    let mut stream = net::TcpStream::connect(&server.address)?;
    stream.set_nodelay(true)?;
    if !server.bare {
        stream.write_all(format!("GET / HTTP/1.1\r\nHost: {}\r\n{REQUEST}", server.address).as_bytes())?;
        let mut answer = Vec::new();
        let mut byte = [0];
        while !answer.ends_with(b"\r\n\r\n") {
            stream.read_exact(&mut byte)?;
            answer.push(byte[0]);
        }
        if !answer.starts_with(b"HTTP/1.1 101") {
            return Err(io::Error::other(format!("refused: {}", String::from_utf8_lossy(&answer))));
        }
    }
    stream.set_nonblocking(true)?;
    Ok(stream)
}

impl Connection {
    /// Reads what is there. How many echoes it completes.
    fn read(&mut self, space: &mut [u8], echo: usize) -> io::Result<usize> {
        loop {
            match self.stream.read(space) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(count) => {
                    self.received += count;
                    if count == space.len() {
                        continue;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
            let whole = self.received / echo;
            self.received %= echo;
            return Ok(whole);
        }
    }

    /// Writes what is owed, as far as it goes.
    fn write(&mut self, frames: &[u8], frame: usize) -> io::Result<()> {
        while self.owed > 0 {
            let end = (self.offset + self.owed).min(frames.len());
            match self.stream.write(&frames[self.offset..end]) {
                Ok(count) => {
                    self.owed -= count;
                    self.offset = (self.offset + count) % frame;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

const REQUEST: &str = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// Bytes that are written at once, at most, unless what is under way is more.
const WRITE: usize = 64 << 10;
