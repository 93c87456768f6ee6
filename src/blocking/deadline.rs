//! The time that the opening handshake may take.

use core::time::Duration;
use std::io;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
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
        let addresses = (url.host(), url.port()).to_socket_addrs()?;
        let stream = self.first(addresses, |address, share| match share {
            Some(share) => TcpStream::connect_timeout(&address, share),
            None => TcpStream::connect(address),
        })?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    /// The first connection that an address gives. Each address has an equal share of what is left, the last all of it:
    /// one that swallows packets does not use up the time of the next.
    fn first<T>(
        self,
        addresses: impl ExactSizeIterator<Item = SocketAddr>,
        mut connect: impl FnMut(SocketAddr, Option<Duration>) -> io::Result<T>,
    ) -> Result<T, IoError> {
        let mut failure = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
        let count = u32::try_from(addresses.len()).unwrap_or(u32::MAX);
        for (address, untried) in addresses.zip((1..=count).rev()) {
            let share = self.left()?.map(|left| left / untried);
            match connect(address, share) {
                Ok(connected) => return Ok(connected),
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

#[cfg(test)]
mod tests {
    use std::string::ToString;
    use std::vec::Vec;

    use super::*;

    fn addresses(count: u16) -> impl ExactSizeIterator<Item = SocketAddr> {
        (1..=count).map(|port| SocketAddr::from(([127, 0, 0, 1], port)))
    }

    /// However little the first ones take of their shares, none has more than the fair part of it all.
    #[test]
    fn each_address_has_its_share_of_the_time() {
        let minute = Duration::from_secs(60);
        let mut shares = Vec::new();
        let connected = Deadline::after(Some(minute)).first(addresses(3), |address, share| {
            shares.push(share.unwrap());
            if address.port() == 3 { Ok("connected") } else { Err(io::ErrorKind::TimedOut.into()) }
        });
        assert_eq!(connected.unwrap(), "connected");
        assert!(shares.len() == 3 && shares.iter().zip([3, 2, 1]).all(|(&share, n)| share <= minute / n), "{shares:?}");
        assert!(shares[2] > shares[1], "the last has all that is left: {shares:?}");
    }

    #[test]
    fn without_a_deadline_no_address_has_one() {
        let refused = Deadline::after(None).first(addresses(2), |address, share| -> io::Result<()> {
            assert_eq!(share, None);
            Err(io::Error::other(if address.port() == 2 { "the last" } else { "another" }))
        });
        assert!(matches!(&refused, Err(IoError::Io(error)) if error.to_string() == "the last"), "{refused:?}");
    }
}
