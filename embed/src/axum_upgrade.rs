//! A WebSocket extractor for axum 0.8: copy this file. It needs sockeye with the features `http` and `tokio`, and of hyper and
//! hyper-util what axum already has.
//!
//! ```
//! use std::sync::Arc;
//!
//! use axum::extract::State;
//! use axum::response::Response;
//! use axum::{Router, routing::get};
//! use embed::axum_upgrade::WebSocketUpgrade;
//! use sockeye::Server;
//! use sockeye::handshake::OriginPolicy;
//!
//! async fn chat(upgrade: WebSocketUpgrade, State(server): State<Arc<Server>>) -> Response {
//!     upgrade.server(server).subprotocols(["chat.v2", "chat.v1"]).on_upgrade(|mut socket| async move {
//!         while let Ok(Some(message)) = socket.receive().await {
//!             if message.is_data() && socket.feed(message).await.is_err() {
//!                 return;
//!             }
//!         }
//!     })
//! }
//!
//! let server = Server::new(OriginPolicy::List(vec!["https://example.com".into()]));
//! let app: Router = Router::new().route("/chat", get(chat)).with_state(Arc::new(server));
//! # let _ = app;
//! ```

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use axum::BoxError;
use axum::body::Body;
use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use sockeye::handshake::{self, Acceptance, HandshakeError, OriginPolicy, Request};
use sockeye::tokio::WebSocket;
use sockeye::{Server, Upgrade};

/// The connection that [`WebSocketUpgrade::on_upgrade`] hands over.
pub type Socket = WebSocket<TokioIo<Upgraded>>;

/// A request for a WebSocket, well formed and not answered yet.
///
/// A request that is none is answered by the [`Rejection`], with the status that fits and a body that says why. Take an
/// `Option<WebSocketUpgrade>` where a route serves a page as well: `None` is a plain HTTP request. Take a `Result` of either
/// and [`Rejection`] where the server is to hear of it too, such as to log it.
///
/// Pages of other origins are refused with 403, unless a [`server`](Self::server) with another [`OriginPolicy`] is given: a
/// browser sends the user's cookies along for every page that asks.
#[must_use = "nothing is upgraded before `on_upgrade`"]
pub struct WebSocketUpgrade {
    request: Request,
    on_upgrade: OnUpgrade,
    server: Arc<Server>,
    headers: Vec<(String, Vec<u8>)>,
    on_failure: Box<dyn FnOnce(BoxError) + Send>,
}

impl WebSocketUpgrade {
    /// The request: its headers, its cookies, its origin, the subprotocols that the client offers.
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// With these options instead of the default ones: who may connect, limits, deadlines, compression.
    pub fn server(mut self, server: impl Into<Arc<Server>>) -> Self {
        self.server = server.into();
        self
    }

    /// With these subprotocols instead of the server's. The first of the client's that is among them is chosen;
    /// `socket.subprotocol()` tells which.
    pub fn subprotocols<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.server = Arc::new(Arc::unwrap_or_clone(self.server).subprotocols(names));
        self
    }

    /// With one more header in the response that accepts, such as `Set-Cookie`. A refusal goes without.
    ///
    /// A header that belongs to the handshake, and one that could be read as two, make that response a 500, and
    /// [`on_failure`](Self::on_failure) hears of it.
    pub fn header(mut self, name: impl AsRef<str>, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.as_ref().into(), value.as_ref().into()));
        self
    }

    /// Calls this where there will be no connection: the origin was refused, a header cannot be sent, or the stream was lost
    /// before it could be upgraded. Without this nobody hears of it but the client.
    pub fn on_failure(mut self, callback: impl FnOnce(BoxError) + Send + 'static) -> Self {
        self.on_failure = Box::new(callback);
        self
    }

    /// The response, which the handler is to return. Once it has left, `callback` runs with the connection, in a task of
    /// its own.
    #[must_use = "the connection is there once this response has left"]
    pub fn on_upgrade<C, F>(self, callback: C) -> Response
    where
        C: FnOnce(Socket) -> F + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let answered = self.answer();
        let Self { on_upgrade, on_failure, .. } = self;
        match answered {
            Ok((response, upgrade)) => {
                tokio::spawn(async move {
                    match on_upgrade.await {
                        Ok(stream) => callback(Socket::upgraded(TokioIo::new(stream), upgrade, &[])).await,
                        Err(error) => on_failure(error.into()),
                    }
                });
                converted(response)
            }
            Err(error) => {
                let response = converted(error.response());
                on_failure(error.into());
                response
            }
        }
    }

    fn answer(&self) -> Result<(handshake::Response, Upgrade), HandshakeError> {
        let acceptance = self.server.acceptance(&self.request)?;
        let mut headers = self.headers.iter();
        let acceptance =
            headers.try_fold(acceptance, |acceptance, (name, value)| acceptance.with_header(name, value))?;
        self.server.answer_as(&self.request, &acceptance)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for WebSocketUpgrade {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Rejection> {
        extract(Request::try_from(&*parts)?, parts)
    }
}

/// `None` for a plain HTTP request. A bad request for a WebSocket is rejected.
impl<S: Send + Sync> OptionalFromRequestParts<S> for WebSocketUpgrade {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Rejection> {
        let request = Request::try_from(&*parts)?;
        if request.is_upgrade() { extract(request, parts).map(Some) } else { Ok(None) }
    }
}

fn extract(request: Request, parts: &mut Parts) -> Result<WebSocketUpgrade, Rejection> {
    // Whether it is a good one, before the handler does anything for it. The answer is made when the handler has judged it.
    request.accept(&Acceptance::new())?;
    Ok(WebSocketUpgrade {
        request,
        on_upgrade: parts.extensions.remove::<OnUpgrade>().ok_or(Rejection::NotUpgradable)?,
        server: Arc::new(Server::new(OriginPolicy::SameOrigin)),
        headers: Vec::new(),
        on_failure: Box::new(drop),
    })
}

/// Why a request is not one for a WebSocket.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Rejection {
    /// The request departs from RFC 6455.
    Handshake(HandshakeError),
    /// The server around axum does not upgrade connections, or another extractor has taken the upgrade.
    NotUpgradable,
}

impl From<HandshakeError> for Rejection {
    fn from(error: HandshakeError) -> Self {
        Self::Handshake(error)
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Handshake(error) => error.fmt(f),
            Self::NotUpgradable => f.write_str("expected a connection that can be upgraded: serve it `with_upgrades`"),
        }
    }
}

impl std::error::Error for Rejection {}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        match self {
            Self::Handshake(error) => converted(error.response()),
            Self::NotUpgradable => (StatusCode::INTERNAL_SERVER_ERROR, self.to_string()).into_response(),
        }
    }
}

fn converted(response: handshake::Response) -> Response {
    match Response::<bytes::Bytes>::try_from(response) {
        Ok(response) => response.map(Body::from),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
