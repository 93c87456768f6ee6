//! A handshake that both ends have agreed on, however its request and its response were carried.

use core::fmt;
use std::boxed::Box;
use std::sync::Arc;

use super::error::IoError;
#[cfg(feature = "deflate")]
use crate::deflate::Options;
use crate::handshake::{Agreement, ClientHandshake, Response};
use crate::{Config, Connection, SystemEntropy, Timeouts};

/// A handshake that both ends have agreed on: what a connection over a stream is made of.
///
/// A server has it from [`Server::answer`](crate::Server::answer), a client from [`Upgrading::finish`]. Once the response
/// has been carried, by an HTTP library or by whatever else did it, the adapter's `WebSocket::upgraded` takes it together
/// with the stream.
///
/// With a library that speaks the types of the crate `http`, and with the features `http` and `tokio`, a server is this:
///
/// ```
/// # #[cfg(all(feature = "http", feature = "tokio"))] {
/// use sockeye::bytes::Bytes;
/// use sockeye::handshake::Request;
/// use sockeye::tokio::WebSocket;
/// use sockeye::{IoError, Server, Upgrade};
/// use tokio::io::{AsyncRead, AsyncWrite};
///
/// /// The response to a request, and where it is a yes, what its connection is made of.
/// fn answer<B>(server: &Server, request: &http::Request<B>) -> http::Result<(http::Response<Bytes>, Option<Upgrade>)> {
///     match Request::try_from(request).and_then(|request| server.answer(&request)) {
///         Ok((response, upgrade)) => Ok((response.try_into()?, Some(upgrade))),
///         Err(error) => Ok((error.response().try_into()?, None)), // the status that fits, and why
///     }
/// }
///
/// /// In a task of its own: the library hands over the stream when the response has left. With hyper and hyper-util it is
/// /// `TokioIo::new(hyper::upgrade::on(request).await?)`.
/// async fn echo(stream: impl AsyncRead + AsyncWrite + Unpin, upgrade: Upgrade) -> Result<(), IoError> {
///     let mut socket = WebSocket::upgraded(stream, upgrade, &[]);
///     while let Some(message) = socket.receive().await? {
///         if message.is_data() {
///             socket.feed(message).await?;
///         }
///     }
///     Ok(())
/// }
/// # use sockeye::handshake::OriginPolicy;
/// # let server = Server::new(OriginPolicy::SameOrigin);
/// # let page = http::Request::get("/").header("host", "localhost").body(()).unwrap();
/// # let (response, upgrade) = answer(&server, &page).unwrap();
/// # assert!(response.status() == 426 && upgrade.is_none());
/// # let headers = [("upgrade", "websocket"), ("connection", "upgrade"), ("sec-websocket-version", "13")];
/// # let asked = http::Request::get("/").header("host", "localhost");
/// # let mut asked = asked.header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
/// # for (name, value) in headers {
/// #     asked = asked.header(name, value);
/// # }
/// # let (response, upgrade) = answer(&server, &asked.body(()).unwrap()).unwrap();
/// # assert!(response.status() == 101);
/// # let (mut peer, stream) = tokio::io::duplex(64);
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// #     use tokio::io::{AsyncReadExt, AsyncWriteExt};
/// #     peer.write_all(b"\x81\x82\0\0\0\0hi\x88\x80\0\0\0\0").await.unwrap();
/// #     peer.shutdown().await.unwrap();
/// #     echo(stream, upgrade.unwrap()).await.unwrap();
/// #     let mut echoed = Vec::new();
/// #     peer.read_to_end(&mut echoed).await.unwrap();
/// #     assert_eq!(echoed, b"\x81\x02hi\x88\0");
/// # });
/// # }
/// ```
///
/// Whole programs: `embed/src/bin/hyper.rs`, `hyper_client.rs` beside it, and an extractor for axum,
/// `embed/src/axum_upgrade.rs`.
pub struct Upgrade {
    pub(crate) connection: Connection,
    pub(crate) subprotocol: Option<Box<str>>,
    pub(crate) timeouts: Arc<Timeouts>,
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

/// A client's handshake whose request is to be sent, and whose response is awaited; see
/// [`Client::begin`](crate::Client::begin).
#[derive(Debug)]
pub struct Upgrading {
    pub(super) handshake: ClientHandshake,
    /// Where the nonce came from and where the masking keys will.
    pub(super) entropy: Option<Box<SystemEntropy>>,
    pub(super) config: Config,
    pub(super) timeouts: Arc<Timeouts>,
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
        let (timeouts, outbox_limit) = (Arc::clone(&self.timeouts), self.outbox_limit);
        Ok(Upgrade { connection, subprotocol: agreement.subprotocol.map(Into::into), timeouts, outbox_limit })
    }
}
