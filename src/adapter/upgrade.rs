//! A handshake that both ends have agreed on, however its request and its response were carried.

use core::fmt;
use std::boxed::Box;
use std::string::String;

use super::error::IoError;
#[cfg(feature = "deflate")]
use crate::deflate::Options;
use crate::handshake::{Agreement, ClientHandshake, Response};
use crate::{Config, Connection, SystemEntropy, Timeouts};

/// A handshake that both ends have agreed on: what a connection over a stream is made of.
///
/// A server has it from [`Server::answer`](crate::Server::answer), a client from [`Upgrading::finish`]. Once the response has been
/// carried, by an HTTP library or by whatever else did it, the adapter's `WebSocket::upgraded` takes it together with
/// the stream.
pub struct Upgrade {
    pub(crate) connection: Connection,
    pub(crate) subprotocol: Option<String>,
    pub(crate) timeouts: Timeouts,
    pub(crate) outbox_limit: usize,
}

impl Upgrade {
    /// The subprotocol that was agreed on.
    pub fn subprotocol(&self) -> Option<&str> {
        self.subprotocol.as_deref()
    }
}

impl fmt::Debug for Upgrade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upgrade")
            .field("connection", &self.connection)
            .field("subprotocol", &self.subprotocol)
            .finish_non_exhaustive()
    }
}

/// A client's handshake whose request is to be sent, and whose response is awaited; see [`Client::begin`](crate::Client::begin).
#[derive(Debug)]
pub struct Upgrading {
    pub(super) handshake: ClientHandshake,
    /// Where the nonce came from and where the masking keys will.
    pub(super) entropy: Option<Box<SystemEntropy>>,
    pub(super) config: Config,
    pub(super) timeouts: Timeouts,
    pub(super) outbox_limit: usize,
    #[cfg(feature = "deflate")]
    pub(super) deflate: Option<Options>,
}

impl Upgrading {
    /// Holds the server's response against RFC 6455 section 4.1, and its extensions against RFC 7692 section 7.
    ///
    /// # Errors
    /// [`IoError::Handshake`] with [`Refused`](crate::handshake::HandshakeError::Refused) for a status other than 101, and
    /// for what is wrong with a 101; `IoError::Deflate` where its compression is not what was offered. The caller then
    /// drops the transport.
    pub fn finish(mut self, response: &Response) -> Result<Upgrade, IoError> {
        let agreement = self.handshake.check(response)?;
        self.agree(agreement)
    }

    /// Looks at everything that was received so far, as HTTP/1.1 text. The length of the head comes with the upgrade.
    pub(crate) fn read(&mut self, received: &[u8]) -> Result<Option<(Upgrade, usize)>, IoError> {
        match self.handshake.read(received)? {
            Some(established) => Ok(Some((self.agree(established.agreement)?, established.length))),
            None => Ok(None),
        }
    }

    fn agree(&mut self, agreement: Agreement) -> Result<Upgrade, IoError> {
        let entropy = self.entropy.take().unwrap_or_default();
        let connection = Connection::client_with_entropy(&self.config, entropy);
        #[cfg(feature = "deflate")]
        let connection = match &self.deflate {
            Some(options) => match options.verify(&agreement.extensions)? {
                Some(parameters) => connection.with_deflate(parameters, options),
                None => connection,
            },
            None => connection,
        };
        let Self { timeouts, outbox_limit, .. } = *self;
        Ok(Upgrade { connection, subprotocol: agreement.subprotocol, timeouts, outbox_limit })
    }
}
