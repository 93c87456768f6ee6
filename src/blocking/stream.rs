//! The stream that a client connects over: TCP, with or without TLS.

use core::time::Duration;
#[cfg(feature = "rustls")]
use std::boxed::Box;
use std::io::{self, IoSlice, Read, Write};
use std::net::TcpStream;

use super::deadline::Deadline;
#[cfg(feature = "rustls")]
use super::secure::Secure;
use super::transport::{Duplex, Transport};
use crate::handshake::Url;
use crate::{Client, IoError};
#[cfg(feature = "rustls")]
use crate::{Identity, Server};

/// A TCP connection, with TLS for `wss://` or without: what [`connect`](super::connect) connects over.
///
/// With TLS, what is written leaves with the next write or flush. A read whose wait is bounded may fail with
/// [`WouldBlock`](io::ErrorKind::WouldBlock) early, where a part of a TLS record has come. The end of the transport without
/// that of TLS (`close_notify`) is an error and not the end: `TlsError::Cut`.
#[derive(Debug)]
pub struct Stream(Kind);

#[derive(Debug)]
enum Kind {
    Plain(TcpStream),
    #[cfg(feature = "rustls")]
    Secure(Box<Secure>),
}

/// Does the same with the stream of either kind.
macro_rules! either {
    ($kind:expr, $stream:ident => $call:expr) => {
        match $kind {
            Kind::Plain($stream) => $call,
            #[cfg(feature = "rustls")]
            Kind::Secure($stream) => $call,
        }
    };
}

impl Stream {
    /// Connects to the host of a URL.
    pub(super) fn connect(client: &Client, url: &Url, deadline: Deadline) -> Result<Self, IoError> {
        if url.is_secure() {
            Self::connect_secure(client, url, deadline)
        } else {
            Ok(Self(Kind::Plain(deadline.connect(url)?)))
        }
    }

    #[cfg(feature = "rustls")]
    fn connect_secure(client: &Client, url: &Url, deadline: Deadline) -> Result<Self, IoError> {
        let session = client.trust.session(url.host())?;
        let stream = Secure::shake(deadline.connect(url)?, session.into(), deadline)?;
        Ok(Self(Kind::Secure(Box::new(stream))))
    }

    #[cfg(not(feature = "rustls"))]
    fn connect_secure(_: &Client, _: &Url, _: Deadline) -> Result<Self, IoError> {
        Err(IoError::NoTls)
    }

    /// The TCP connection, below TLS where there is any.
    pub fn tcp(&self) -> &TcpStream {
        match &self.0 {
            Kind::Plain(socket) => socket,
            #[cfg(feature = "rustls")]
            Kind::Secure(stream) => stream.socket(),
        }
    }
}

/// Begins TLS as a server, within the time that the server has for a handshake. The stream is then accepted over, by
/// [`accept_with`](super::accept_with) or [`incoming`](super::incoming).
///
/// # Errors
/// [`IoError`]: the transport, TLS, or the deadline.
#[cfg(feature = "rustls")]
pub fn secure(server: &Server, identity: &Identity, socket: TcpStream) -> Result<Stream, IoError> {
    let session = identity.session()?;
    let stream = Secure::shake(socket, session.into(), Deadline::after(server.timeouts.handshake))?;
    Ok(Stream(Kind::Secure(Box::new(stream))))
}

/// Plain TCP that was connected elsewhere, for [`connect_over`](super::connect_over).
impl From<TcpStream> for Stream {
    fn from(socket: TcpStream) -> Self {
        Self(Kind::Plain(socket))
    }
}

impl Read for Stream {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        either!(&mut self.0, stream => stream.read(space))
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        either!(&mut self.0, stream => stream.write(bytes))
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        either!(&mut self.0, stream => stream.write_vectored(slices))
    }

    fn flush(&mut self) -> io::Result<()> {
        either!(&mut self.0, stream => stream.flush())
    }
}

impl Transport for Stream {
    fn set_wait(&mut self, wait: Option<Duration>) -> io::Result<()> {
        either!(&mut self.0, stream => stream.set_wait(wait))
    }

    fn shut_down(&mut self) -> io::Result<()> {
        either!(&mut self.0, stream => stream.shut_down())
    }
}

impl Duplex for Stream {
    fn duplicate(&self) -> io::Result<Self> {
        Ok(Self(match &self.0 {
            Kind::Plain(socket) => Kind::Plain(socket.duplicate()?),
            #[cfg(feature = "rustls")]
            Kind::Secure(stream) => Kind::Secure(Box::new(stream.duplicate()?)),
        }))
    }

    fn end(&self) -> io::Result<()> {
        either!(&self.0, stream => stream.end())
    }
}
