//! What a client and a server may be told before they connect.

use std::borrow::Cow;
use std::boxed::Box;
use std::string::String;
use std::sync::{Arc, LazyLock};
use std::vec::Vec;

#[cfg(feature = "rustls")]
use super::tls::{Roots, Trust};
use super::upgrade::{Upgrade, Upgrading};
#[cfg(feature = "deflate")]
use crate::deflate::Options;
use crate::handshake::{Acceptance, HandshakeError, Limits, Misuse, Offer, OriginPolicy, Request, Response, Url};
use crate::{Config, Connection, Entropy, SystemEntropy, Timeouts};

/// The deadlines of all clients and servers that were told no others.
static TIMEOUTS: LazyLock<Arc<Timeouts>> = LazyLock::new(Arc::default);

/// How a client connects: options for every adapter.
///
/// ```
/// use sockeye::handshake::Offer;
/// use sockeye::{Client, Config};
///
/// let client = Client::new()
///     .offer(Offer::new().with_subprotocol("chat.v1")?.with_header("Authorization", "Bearer …")?)
///     .config(Config::default().message_limit(1 << 20));
/// # let _ = client;
/// # Ok::<(), sockeye::handshake::Misuse>(())
/// ```
#[derive(Clone, Debug)]
pub struct Client {
    pub(crate) offer: Offer,
    pub(crate) config: Config,
    pub(crate) timeouts: Arc<Timeouts>,
    pub(crate) outbox_limit: usize,
    #[cfg(feature = "deflate")]
    deflate: Option<Options>,
    #[cfg(feature = "rustls")]
    pub(crate) trust: Trust,
}

impl Client {
    /// A client that offers nothing, with the default limits.
    pub fn new() -> Self {
        Self {
            offer: Offer::new(),
            config: Config::default(),
            timeouts: Arc::clone(&TIMEOUTS),
            outbox_limit: OUTBOX_LIMIT,
            #[cfg(feature = "deflate")]
            deflate: None,
            #[cfg(feature = "rustls")]
            trust: Trust::default(),
        }
    }

    /// What to ask the server for: subprotocols, extensions, further headers.
    #[must_use]
    pub fn offer(mut self, offer: Offer) -> Self {
        self.offer = offer;
        self
    }

    /// Limits and manners of the connection.
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// How long to wait, and for what.
    #[must_use]
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = Arc::new(timeouts);
        self
    }

    /// The most bytes that wait for the transport before sending waits too, by default 32 MiB: twice the largest
    /// message that the peer takes by default. A message that is larger by itself is refused.
    ///
    /// The halves of a blocking connection hold up to twice as much: what is being written no longer counts.
    #[must_use]
    pub fn outbox_limit(mut self, bytes: usize) -> Self {
        self.outbox_limit = bytes;
        self
    }

    /// Offers compression ([RFC 7692](https://www.rfc-editor.org/rfc/rfc7692)). Without this there is none: its memory is
    /// many times that of a connection; see [`deflate`](crate::deflate#memory).
    #[cfg(feature = "deflate")]
    #[must_use]
    pub fn deflate(mut self, options: Options) -> Self {
        self.deflate = Some(options);
        self
    }

    /// Who may say that a server is who it claims to be, for `wss://`. Without this, those whom the system trusts.
    ///
    /// They are read once, when they are first needed, and shared by all clones of the client, with the sessions that were
    /// begun: a later connection to the same server resumes one. So keep a client, and clone it.
    #[cfg(feature = "rustls")]
    #[must_use]
    pub fn roots(mut self, roots: Roots) -> Self {
        self.trust = Trust::new(roots);
        self
    }

    /// The request to send, by whatever carries it, and what is to judge the response.
    ///
    /// The request is to be sent to [`Url::host`] and [`Url::port`], over TLS where the URL [is secure](Url::is_secure),
    /// and nothing behind it until the response is there (RFC 6455 section 4.1). `connect` of the adapters' own streams,
    /// [`tokio::Stream`](crate::tokio::Stream) and [`futures::Stream`](crate::futures::Stream), opens either transport.
    /// Whoever waits for the response keeps the handshake's deadline. See [`Server::answer`] for the other end.
    ///
    /// # Errors
    /// [`HandshakeError::Misuse`] where the offer cannot be made.
    ///
    /// # Panics
    /// Where the operating system gives no random bytes: a key that can be guessed would not be safe.
    pub fn begin(&self, url: &Url) -> Result<(Request, Upgrading), HandshakeError> {
        let mut entropy = Box::new(SystemEntropy::new());
        let mut nonce = [0; 16];
        entropy.fill(&mut nonce);
        let (request, handshake) = self.whole_offer()?.begin(url, nonce);
        let upgrading = Upgrading {
            handshake,
            entropy: Some(entropy),
            config: self.config,
            timeouts: Arc::clone(&self.timeouts),
            outbox_limit: self.outbox_limit,
            #[cfg(feature = "deflate")]
            deflate: self.deflate.clone(),
        };
        Ok((request, upgrading))
    }

    /// What to ask the server for, compression included.
    fn whole_offer(&self) -> Result<Cow<'_, Offer>, Misuse> {
        #[cfg(feature = "deflate")]
        if let Some(options) = &self.deflate {
            let offer = options.offers().into_iter().try_fold(self.offer.clone(), Offer::with_extension)?;
            return Ok(Cow::Owned(offer));
        }
        Ok(Cow::Borrowed(&self.offer))
    }
}

impl Default for Client {
    fn default() -> Self {
        Self::new()
    }
}

/// How a server accepts: options for every adapter.
///
/// ```
/// use sockeye::Server;
/// use sockeye::handshake::OriginPolicy;
///
/// let server = Server::new(OriginPolicy::SameOrigin).subprotocols(["chat.v2", "chat.v1"]);
/// # let _ = server;
/// ```
#[derive(Clone, Debug)]
pub struct Server {
    pub(crate) origins: OriginPolicy,
    pub(crate) subprotocols: Vec<String>,
    pub(crate) limits: Limits,
    pub(crate) config: Config,
    pub(crate) timeouts: Arc<Timeouts>,
    pub(crate) outbox_limit: usize,
    #[cfg(feature = "deflate")]
    deflate: Option<Options>,
}

impl Server {
    /// A server that admits pages of these origins, with the default limits. See [`OriginPolicy`] for what is at
    /// stake.
    pub fn new(origins: OriginPolicy) -> Self {
        Self {
            origins,
            subprotocols: Vec::new(),
            limits: Limits::default(),
            config: Config::default(),
            timeouts: Arc::clone(&TIMEOUTS),
            outbox_limit: OUTBOX_LIMIT,
            #[cfg(feature = "deflate")]
            deflate: None,
        }
    }

    /// The subprotocols that are served. The first of the client's that is among them is chosen; where none is, the
    /// connection has none (RFC 6455 section 4.2.2).
    #[must_use]
    pub fn subprotocols<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.subprotocols = names.into_iter().map(Into::into).collect();
        self
    }

    /// How large a request may be.
    #[must_use]
    pub fn handshake_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Limits and manners of the connection.
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// How long to wait, and for what.
    #[must_use]
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = Arc::new(timeouts);
        self
    }

    /// The most bytes that wait for the transport before sending waits too, by default 32 MiB. A message that is
    /// larger by itself is refused, and so is a send that does not wait.
    ///
    /// The halves of a blocking connection hold up to twice as much: what is being written no longer counts.
    #[must_use]
    pub fn outbox_limit(mut self, bytes: usize) -> Self {
        self.outbox_limit = bytes;
        self
    }

    /// Accepts compression ([RFC 7692](https://www.rfc-editor.org/rfc/rfc7692)). Without this there is none: its memory is
    /// many times that of a connection; see [`deflate`](crate::deflate#memory).
    #[cfg(feature = "deflate")]
    #[must_use]
    pub fn deflate(mut self, options: Options) -> Self {
        self.deflate = Some(options);
        self
    }

    /// Judges a request and answers it: origin, subprotocol, compression. For who has an HTTP library carry the request
    /// and the response; once the response has left, the adapter's `WebSocket::upgraded` makes the connection. See
    /// [`Upgrade`] for the whole of it.
    ///
    /// The library has read the request and sends the response: it keeps the limits and the deadline of that.
    ///
    /// ```
    /// use sockeye::handshake::{OriginPolicy, Request, Url, Version};
    /// use sockeye::{Client, Server};
    ///
    /// let server = Server::new(OriginPolicy::SameOrigin).subprotocols(["chat.v1"]);
    /// let (request, upgrading) = Client::new().begin(&Url::parse("ws://localhost/chat")?)?;
    /// let (response, upgrade) = server.answer(&request)?;
    /// assert_eq!((response.status(), upgrade.subprotocol()), (101, None));
    /// let upgrade = upgrading.finish(&response)?;
    /// # let _ = upgrade;
    ///
    /// // A page of another site is refused, and told so.
    /// let headers = [("Host", "localhost"), ("Origin", "https://other.example")];
    /// let request = Request::new("GET", "/chat", Version::Http11, headers)?;
    /// let error = server.answer(&request).unwrap_err();
    /// assert_eq!(error.response().status(), 403);
    /// # Ok::<(), sockeye::IoError>(())
    /// ```
    ///
    /// # Errors
    /// What is wrong with the request; [`HandshakeError::response`] is the answer to send.
    pub fn answer(&self, request: &Request) -> Result<(Response, Upgrade), HandshakeError> {
        self.answer_as(request, &self.acceptance(request)?)
    }

    /// Answers a request that the caller has judged, its origin too, with an acceptance of the caller's: with cookies, or
    /// with a subprotocol of the caller's choice. Compression is added as the server's options say.
    ///
    /// # Errors
    /// As [`answer`](Self::answer), but for the origin. [`HandshakeError::Misuse`] where the acceptance names what the
    /// client did not offer.
    pub fn answer_as(&self, request: &Request, acceptance: &Acceptance) -> Result<(Response, Upgrade), HandshakeError> {
        let connection = Connection::server(&self.config);
        let acceptance = Cow::Borrowed(acceptance);
        #[cfg(feature = "deflate")]
        let (connection, acceptance) = match &self.deflate {
            Some(options) => match options.answer(&request.extensions()?) {
                Some((extension, parameters)) => (
                    connection.with_deflate(parameters, options),
                    Cow::Owned(acceptance.into_owned().with_extension(extension)?),
                ),
                None => (connection, acceptance),
            },
            None => (connection, acceptance),
        };
        let (response, agreement) = request.accept(&acceptance)?;
        let (timeouts, outbox_limit) = (Arc::clone(&self.timeouts), self.outbox_limit);
        Ok((
            response,
            Upgrade { connection, subprotocol: agreement.subprotocol.map(Into::into), timeouts, outbox_limit },
        ))
    }

    /// What [`answer`](Self::answer) accepts a request with: for a caller that adds a cookie or another header to it, and
    /// then calls [`answer_as`](Self::answer_as). The compression is not in it yet.
    ///
    /// # Errors
    /// [`HandshakeError::ForbiddenOrigin`]; [`HandshakeError::Misuse`] where a subprotocol of the server's is not a token.
    pub fn acceptance(&self, request: &Request) -> Result<Acceptance, HandshakeError> {
        self.origins.check(request)?;
        let supported: Vec<&str> = self.subprotocols.iter().map(String::as_str).collect();
        let mut acceptance = Acceptance::new();
        if let Some(subprotocol) = request.choose_subprotocol(&supported) {
            acceptance = acceptance.with_subprotocol(subprotocol)?;
        }
        Ok(acceptance)
    }
}

/// Twice the default limit of a message, so that one can leave while the next is queued.
const OUTBOX_LIMIT: usize = 32 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_that_were_told_no_deadlines_share_them() {
        let (client, server) = (Client::new(), Server::new(OriginPolicy::Any));
        assert!(Arc::ptr_eq(&client.timeouts, &server.timeouts));
        assert_eq!(*client.timeouts, Timeouts::default());
        assert_eq!(*client.timeouts(Timeouts::NEVER).timeouts, Timeouts::NEVER);
        assert_eq!(*server.timeouts, Timeouts::default());
    }
}
