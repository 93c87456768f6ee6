//! TLS over a blocking socket, for one thread that reads and others that write.

use core::time::Duration;
use std::io::{self, IoSlice, Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::vec::Vec;

use bytes::{Buf, BufMut, BytesMut};
use rustls::Connection;

use super::deadline::Deadline;
use super::transport::{Duplex, Transport, has_waited, read};
use crate::{IoError, TlsError};

/// A handle to a TLS connection.
#[derive(Debug)]
pub(super) struct Secure {
    socket: TcpStream,
    shared: Arc<Shared>,
    /// Whether the wait of a read is bounded.
    bounded: bool,
}

/// What all handles share. The session is locked for moments and last of all, the others for as long as the socket is read or
/// written: so a reader that waits does not hold a writer up, nor a writer a reader.
#[derive(Debug)]
struct Shared {
    session: Mutex<Connection>,
    /// What was read from the socket and not taken by the session yet.
    arrived: Mutex<Vec<u8>>,
    /// What the session has said and the socket has not taken yet.
    leaving: Mutex<BytesMut>,
}

impl Secure {
    /// Shakes hands.
    pub(super) fn shake(socket: TcpStream, mut session: Connection, deadline: Deadline) -> Result<Self, IoError> {
        while session.is_handshaking() || session.wants_write() {
            match session.complete_io(&mut Timed { socket: &socket, deadline }) {
                Ok(_) => {}
                Err(error) if has_waited(&error) => {
                    deadline.left()?;
                }
                Err(error) => return Err(TlsError::in_handshake(error)),
            }
        }
        let shared = Shared { session: Mutex::new(session), arrived: Mutex::default(), leaving: Mutex::default() };
        let mut stream = Self { socket, shared: Arc::new(shared), bounded: false };
        stream.set_wait(None)?;
        Ok(stream)
    }

    pub(super) fn socket(&self) -> &TcpStream {
        &self.socket
    }

    /// Writes what the session has to say, behind what waits already.
    fn send(&self, leaving: &mut BytesMut) -> io::Result<()> {
        {
            let mut session = lock(&self.shared.session);
            while session.wants_write() {
                session.write_tls(&mut leaving.writer())?;
            }
        }
        while leaving.has_remaining() {
            match (&self.socket).write(leaving) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => leaving.advance(count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        // A connection that is idle holds no memory for it.
        *leaving = BytesMut::new();
        Ok(())
    }

    /// Tells the peer why the session has failed, unless another thread is writing.
    fn send_alert(&self) {
        let mut leaving = match self.shared.leaving.try_lock() {
            Ok(leaving) => leaving,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        // Whether the peer takes it changes nothing of what is wrong.
        let _ = self.send(&mut leaving);
    }
}

impl Read for Secure {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        let mut arrived = lock(&self.shared.arrived);
        let mut has_read = false;
        loop {
            let mut session = lock(&self.shared.session);
            let taken = take(&mut session, &mut arrived);
            match session.reader().read(space) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Err(TlsError::Cut.into()),
                // What came before a failure counts.
                read => return read,
            }
            drop(session);
            if let Err(error) = taken {
                self.send_alert();
                return Err(TlsError::of(error).into());
            }
            // A peer that sends a record byte by byte must not put a deadline off.
            if has_read && self.bounded {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            let most = space.len().min(READ);
            let count = read(&mut self.socket, &mut space[..most])?;
            has_read = true;
            if count == 0 {
                lock(&self.shared.session).read_tls(&mut io::empty())?;
            }
            arrived.extend_from_slice(&space[..count]);
        }
    }
}

/// Hands the session what has arrived, as far as it has room.
fn take(session: &mut Connection, arrived: &mut Vec<u8>) -> Result<(), rustls::Error> {
    // A session that has failed says so again.
    session.process_new_packets()?;
    let mut bytes = &arrived[..];
    while !bytes.is_empty() {
        match session.read_tls(&mut bytes) {
            // RFC 8446 section 6.1: "Any data received after a closure alert has been received MUST be ignored."
            Ok(0) => bytes = &[],
            Ok(_) => {
                session.process_new_packets()?;
            }
            // It has no room before what it has decrypted is read.
            Err(_) => break,
        }
    }
    let taken = arrived.len() - bytes.len();
    arrived.drain(..taken);
    if arrived.is_empty() {
        // A connection that is idle holds no memory for it.
        *arrived = Vec::new();
    }
    Ok(())
}

impl Write for Secure {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(bytes)])
    }

    /// What waits already is written first, so that it is never more than the session takes at once: 64 KiB.
    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut leaving = lock(&self.shared.leaving);
        self.send(&mut leaving)?;
        lock(&self.shared.session).writer().write_vectored(slices)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.send(&mut lock(&self.shared.leaving))
    }
}

impl Transport for Secure {
    fn set_wait(&mut self, wait: Option<Duration>) -> io::Result<()> {
        self.bounded = wait.is_some();
        self.socket.set_wait(wait)
    }

    fn shut_down(&mut self) -> io::Result<()> {
        let mut leaving = lock(&self.shared.leaving);
        lock(&self.shared.session).send_close_notify();
        self.send(&mut leaving)?;
        self.socket.shut_down()
    }
}

impl Duplex for Secure {
    fn duplicate(&self) -> io::Result<Self> {
        Ok(Self { socket: self.socket.try_clone()?, shared: Arc::clone(&self.shared), bounded: self.bounded })
    }

    fn end(&self) -> io::Result<()> {
        self.socket.end()
    }
}

/// A socket whose waits end with a deadline, however little each of them brings.
struct Timed<'a> {
    socket: &'a TcpStream,
    deadline: Deadline,
}

impl Timed<'_> {
    fn left(&self) -> io::Result<Option<Duration>> {
        self.deadline.left().map_err(|_| io::ErrorKind::TimedOut.into())
    }
}

impl Read for Timed<'_> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        self.socket.set_read_timeout(self.left()?)?;
        self.socket.read(space)
    }
}

impl Write for Timed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(bytes)])
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.socket.set_write_timeout(self.left()?)?;
        self.socket.write_vectored(slices)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Read at once: a whole TLS record (RFC 8446 section 5.2), roughly. The session holds little more than one that it has
/// decrypted.
const READ: usize = 16 << 10;
