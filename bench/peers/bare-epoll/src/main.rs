//! An echo of bytes in a loop of readiness, without any protocol: what the system's sockets cost.

use std::collections::HashMap;
use std::io::{ErrorKind, Read, Write};

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use peer::Peer;

struct BareEpoll;

fn main() {
    peer::run(&BareEpoll);
}

impl Peer for BareEpoll {
    const SETTINGS: &'static str =
        "bytes echoed in a loop of readiness (mio) on one thread, in reads of 64 KiB; no protocol";

    fn serve(&self, address: &str) -> Option<()> {
        let mut listener = TcpListener::bind(address.parse().ok()?).ok()?;
        println!("listening on ws://{}", listener.local_addr().ok()?);
        let mut poll = Poll::new().ok()?;
        poll.registry().register(&mut listener, Token(0), Interest::READABLE).ok()?;
        let mut events = Events::with_capacity(1024);
        let mut connections: HashMap<usize, Connection> = HashMap::new();
        let mut space = vec![0; READ];
        let mut tokens = 1..;
        loop {
            poll.poll(&mut events, None).ok()?;
            for event in &events {
                let Token(token) = event.token();
                if token == 0 {
                    while let Ok((mut stream, _)) = listener.accept() {
                        let token = tokens.next()?;
                        let interest = Interest::READABLE | Interest::WRITABLE;
                        let _ = stream.set_nodelay(true);
                        poll.registry().register(&mut stream, Token(token), interest).ok()?;
                        connections.insert(token, Connection { stream, waiting: Vec::new() });
                    }
                } else if connections.get_mut(&token).is_some_and(|connection| !connection.echo(&mut space)) {
                    connections.remove(&token);
                }
            }
        }
    }
}

struct Connection {
    stream: TcpStream,
    /// What was read and not written yet.
    waiting: Vec<u8>,
}

impl Connection {
    /// Echoes what is there. Whether the connection goes on.
    fn echo(&mut self, space: &mut [u8]) -> bool {
        loop {
            if !self.waiting.is_empty() {
                match self.stream.write(&self.waiting) {
                    Ok(count) => drop(self.waiting.drain(..count)),
                    Err(error) => return error.kind() == ErrorKind::WouldBlock,
                }
                continue;
            }
            let count = match self.stream.read(space) {
                Ok(0) => return false,
                Ok(count) => count,
                Err(error) => return error.kind() == ErrorKind::WouldBlock,
            };
            let written = match self.stream.write(&space[..count]) {
                Ok(written) => written,
                Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
                Err(_) => return false,
            };
            self.waiting.extend_from_slice(&space[written..count]);
            if self.waiting.is_empty() && count < space.len() {
                return true;
            }
        }
    }
}

const READ: usize = 64 << 10;
