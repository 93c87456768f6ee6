//! The time that the opening handshake may take.

use core::time::Duration;
use std::io;
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Instant;

use super::transport::{Transport, flush, has_waited, read};
use crate::adapter::memory;
use crate::handshake::Url;
use crate::{Due, Inbox, IoError};

/// The time by which something of the handshake has to be done.
#[derive(Clone, Copy)]
pub(super) struct Deadline(Option<Instant>);

impl Deadline {
    pub(super) fn after(wait: Option<Duration>) -> Self {
        Self(wait.and_then(|wait| Instant::now().checked_add(wait)))
    }

    /// The wait that is left.
    pub(super) fn left(self) -> Result<Option<Duration>, IoError> {
        let left = self.0.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) { Err(IoError::TimedOut(Due::Handshake)) } else { Ok(left) }
    }

    /// Connects to the first address of the URL's host that answers.
    pub(super) fn connect(self, url: &Url) -> Result<TcpStream, IoError> {
        let mut failure = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
        for address in (url.host(), url.port()).to_socket_addrs()? {
            let connected = match self.left()? {
                Some(left) => TcpStream::connect_timeout(&address, left),
                None => TcpStream::connect(address),
            };
            match connected {
                Ok(stream) => {
                    stream.set_nodelay(true)?;
                    return Ok(stream);
                }
                Err(error) => failure = error,
            }
        }
        self.left()?;
        Err(failure.into())
    }

    pub(super) fn read<S: Transport>(self, stream: &mut S, inbox: &mut Inbox) -> Result<(), IoError> {
        loop {
            stream.set_wait(self.left()?)?;
            match read(stream, memory::space(inbox)) {
                Ok(0) => return Err(IoError::HandshakeCut),
                Ok(count) => {
                    inbox.filled(count);
                    return Ok(());
                }
                // A stream may stop waiting before its time.
                Err(error) if has_waited(&error) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Writes all of it. A peer that takes it byte by byte puts nothing off.
    pub(super) fn write<S: Transport>(self, stream: &mut S, mut bytes: &[u8]) -> Result<(), IoError> {
        while !bytes.is_empty() {
            stream.set_wait(self.left()?)?;
            match stream.write(bytes) {
                Ok(0) => return Err(io::Error::from(io::ErrorKind::WriteZero).into()),
                Ok(count) => bytes = &bytes[count..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Self::failed(error)),
            }
        }
        stream.set_wait(self.left()?)?;
        flush(stream).map_err(Self::failed)
    }

    /// A wait that has ended is the end of the handshake's time.
    fn failed(error: io::Error) -> IoError {
        if has_waited(&error) { IoError::TimedOut(Due::Handshake) } else { error.into() }
    }
}
