//! The peer of an adapter: [`wire`]'s, on any of the streams that adapters run over.

#[path = "wire.rs"]
mod wire;

use std::io::{Read, Write};

use sockeye::Role;
use sockeye::blocking::Transport;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf};

use crate::ends::runtime;
use crate::pipe::Pipe;
pub(crate) use wire::*;

/// Both halves.
pub(crate) struct Peer {
    pub(crate) ear: Ear,
    pub(crate) mouth: Mouth,
}

impl Peer {
    /// A peer of an adapter in this role.
    pub(crate) fn new(of: Role, read: impl Read + Send + 'static, write: impl Speak + 'static) -> Self {
        Self { ear: Ear { stream: Box::new(read) }, mouth: Mouth::new(write, of == Role::Server) }
    }

    /// Shakes hands as the other end of an adapter in this role, and says `more` in the same breath as the last part.
    pub(crate) fn shake(&mut self, of: Role, more: &[u8]) -> String {
        match of {
            Role::Server => {
                self.mouth.say(&[request("").as_bytes(), more].concat());
                self.ear.head()
            }
            Role::Client => {
                let request = self.ear.head();
                self.mouth.say(&[response(&request, "").as_bytes(), more].concat());
                request
            }
        }
    }

    /// Ends the closing handshake: what the other end sent is all, and this end goes.
    pub(crate) fn bow(mut self) {
        self.mouth.end();
        assert_eq!(self.ear.rest(), b"");
    }
}

impl Speak for Pipe {
    fn end(&mut self) {
        let _ = self.shut_down();
    }
}

/// Half of a stream of tokio's, for a peer that blocks.
pub(crate) struct Blocking<S>(pub(crate) S);

impl Read for Blocking<ReadHalf<DuplexStream>> {
    fn read(&mut self, space: &mut [u8]) -> std::io::Result<usize> {
        runtime().block_on(self.0.read(space))
    }
}

impl Write for Blocking<WriteHalf<DuplexStream>> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        runtime().block_on(self.0.write(bytes))
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Speak for Blocking<WriteHalf<DuplexStream>> {
    fn end(&mut self) {
        let _ = runtime().block_on(self.0.shutdown());
    }
}
