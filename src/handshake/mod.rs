//! The opening handshake, for both roles
//! ([RFC 6455 section 4](https://www.rfc-editor.org/rfc/rfc6455#section-4)).
//!
//! It works on bytes that the caller has received and returns bytes that the caller is to send. At its core
//! are functions from headers to headers, [`Request::accept`] and [`ClientHandshake::check`], which know
//! nothing of the transport; around them stands the text of HTTP/1.1, [`RequestReader`],
//! [`Request::write`] and [`Response::write`].
//!
//! Where an HTTP library has read the request and is to send the response, [`Request::new`] and [`Response::headers`] go
//! from its types and to them. With the feature `http`, [`Request`] and [`Response`] convert from and into those of the crate
//! [`http`](https://docs.rs/http), which hyper, axum and many others share:
//!
//! ```
//! # #[cfg(feature = "http")] {
//! use sockeye::handshake::{Acceptance, Request};
//!
//! # let received = http::Request::get("/chat")
//! #     .header("host", "localhost").header("upgrade", "websocket").header("connection", "upgrade")
//! #     .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==").header("sec-websocket-version", "13").body(())?;
//! // An `http::Request` with whatever body, or the `Parts` of one.
//! let request = Request::try_from(&received)?;
//! let (response, _agreement) = request.accept(&Acceptance::new())?;
//! let response = http::Response::try_from(response)?;
//! assert_eq!(response.status(), http::StatusCode::SWITCHING_PROTOCOLS);
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Both ends of a handshake:
//!
//! ```
//! use sockeye::handshake::{Acceptance, Limits, Offer, OriginPolicy, RequestReader, Url};
//!
//! // The client writes its request. The nonce is random; this one is the example of the standard.
//! let url = Url::parse("ws://example.com/chat")?;
//! let offer = Offer::new().with_subprotocol("chat.v2")?.with_subprotocol("chat.v1")?;
//! let (request, mut handshake) = offer.begin(&url, *b"the sample nonce");
//! let received = request.write();
//!
//! // The server reads it, in as many pieces as it comes in, looks at it, and accepts.
//! let mut reader = RequestReader::new(Limits::default());
//! let (request, length) = reader.read(&received)?.expect("the whole request is there");
//! assert_eq!(length, received.len());
//! assert!(request.is_upgrade() && request.path() == "/chat");
//! OriginPolicy::SameOrigin.check(&request)?;
//! let mut acceptance = Acceptance::new();
//! if let Some(subprotocol) = request.choose_subprotocol(&["chat.v1"]) {
//!     acceptance = acceptance.with_subprotocol(subprotocol)?;
//! }
//! let (response, agreement) = request.accept(&acceptance)?;
//! assert_eq!(agreement.subprotocol.as_deref(), Some("chat.v1"));
//!
//! // The client reads the response, and both ends agree.
//! let established = handshake.read(&response.write())?.expect("the whole response is there");
//! assert_eq!(established.agreement, agreement);
//! # Ok::<(), sockeye::handshake::HandshakeError>(())
//! ```

mod acceptance;
mod authority;
mod error;
mod extension;
mod fields;
#[cfg(feature = "http")]
mod http;
mod key;
mod misuse;
mod name;
mod offer;
mod origin;
mod reader;
mod request;
mod response;
mod rules;
#[cfg(test)]
mod tests;
mod token;
mod url;

pub use acceptance::{Acceptance, Agreement};
pub use error::HandshakeError;
pub use extension::{Extension, Parameter};
pub use misuse::Misuse;
pub use offer::{ClientHandshake, Established, Offer};
pub use origin::OriginPolicy;
pub use reader::{Limits, RequestReader};
pub use request::{Request, Version};
pub use response::Response;
pub use url::{Url, UrlError};
