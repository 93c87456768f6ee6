//! Blocking streams.

use core::time::Duration;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
#[cfg(unix)]
use std::os::unix::net::UnixStream;

use bytes::Buf;

use crate::Outbox;

/// A blocking stream whose waits can be bounded and whose writing half can be shut down.
pub trait Transport: Read + Write {
    /// Bounds the wait of each later read and write; `None` waits for ever. One that takes longer fails with
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) or [`TimedOut`](io::ErrorKind::TimedOut).
    ///
    /// # Errors
    /// Where the stream cannot be told.
    fn set_wait(&mut self, wait: Option<Duration>) -> io::Result<()>;

    /// Shuts the writing half down, so that the peer reads the end of the stream.
    ///
    /// # Errors
    /// [`Unsupported`](io::ErrorKind::Unsupported), after a flush, where the stream has no halves: the connection then
    /// ends without waiting for the peer, which reads the end once the stream is dropped. Others where it has failed.
    fn shut_down(&mut self) -> io::Result<()>;
}

/// A stream that can be read in one thread and written in another.
pub trait Duplex: Transport + Sized {
    /// A second handle to the same stream.
    ///
    /// # Errors
    /// Where the operating system gives none.
    fn duplicate(&self) -> io::Result<Self>;

    /// Ends both halves, so that whoever waits for the stream in another thread stops waiting.
    ///
    /// # Errors
    /// Where the stream has failed.
    fn end(&self) -> io::Result<()>;
}

macro_rules! socket {
    ($stream:ty) => {
        impl Transport for $stream {
            fn set_wait(&mut self, wait: Option<Duration>) -> io::Result<()> {
                self.set_read_timeout(wait)?;
                self.set_write_timeout(wait)
            }

            fn shut_down(&mut self) -> io::Result<()> {
                self.shutdown(Shutdown::Write)
            }
        }

        impl Duplex for $stream {
            fn duplicate(&self) -> io::Result<Self> {
                self.try_clone()
            }

            fn end(&self) -> io::Result<()> {
                self.shutdown(Shutdown::Both)
            }
        }
    };
}

socket!(TcpStream);
#[cfg(unix)]
socket!(UnixStream);

/// Any blocking stream as a [`Transport`] whose waits are not bounded: the deadlines of the handshake and of the end are
/// seen to when a read or a write returns, and those of pings and messages not at all. It has no halves that could be shut
/// down: drop it after the end, so that the peer reads the end of the stream.
#[derive(Clone, Debug)]
pub struct Plain<S>(
    /// The stream.
    pub S,
);

impl<S: Read> Read for Plain<S> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.0.read(bytes)
    }
}

impl<S: Write> Write for Plain<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl<S: Read + Write> Transport for Plain<S> {
    fn set_wait(&mut self, _: Option<Duration>) -> io::Result<()> {
        Ok(())
    }

    fn shut_down(&mut self) -> io::Result<()> {
        flush(&mut self.0)?;
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// Writes all of the outbox, and flushes the stream. What was written before an error is gone from it, so that it can
/// go on; `unflushed` tells whether there is something to flush.
pub(super) fn write_all(stream: &mut impl Write, outbox: &mut Outbox, unflushed: &mut bool) -> io::Result<()> {
    while write_some(stream, outbox, unflushed)? {}
    Ok(())
}

/// Writes once, and flushes the stream where nothing is left. Whether something is.
pub(super) fn write_some(stream: &mut impl Write, outbox: &mut Outbox, unflushed: &mut bool) -> io::Result<bool> {
    if outbox.has_remaining() {
        let mut slices = [io::IoSlice::new(&[]); SLICES];
        let filled = outbox.chunks_vectored(&mut slices);
        match stream.write_vectored(&slices[..filled]) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => {
                outbox.advance(count);
                *unflushed = true;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    if outbox.has_remaining() {
        return Ok(true);
    }
    if *unflushed {
        flush(stream)?;
        *unflushed = false;
    }
    Ok(false)
}

/// Flushes, whatever signals interrupt it.
pub(super) fn flush(stream: &mut impl Write) -> io::Result<()> {
    loop {
        match stream.flush() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            flushed => return flushed,
        }
    }
}

/// Shuts the writing half down. Whether the stream has one.
pub(super) fn shut_down(stream: &mut impl Transport) -> io::Result<bool> {
    match stream.shut_down() {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::Unsupported => Ok(false),
        Err(error) => Err(error),
    }
}

/// Reads once, whatever signals interrupt it.
pub(super) fn read(stream: &mut impl Read, space: &mut [u8]) -> io::Result<usize> {
    loop {
        match stream.read(space) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => return read,
        }
    }
}

/// Whether a wait has ended, and not the stream.
pub(super) fn has_waited(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

/// Pieces of the outbox that go into one write.
const SLICES: usize = 16;
