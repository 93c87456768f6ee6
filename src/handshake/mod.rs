//! The opening handshake, for both roles
//! ([RFC 6455 section 4](https://www.rfc-editor.org/rfc/rfc6455#section-4)).
//!
//! It works on bytes that the caller has received and returns bytes that the caller is to send. At its core
//! are functions from headers to headers, [`Request::accept`] and [`ClientHandshake::check`], which know
//! nothing of the transport; around them stands the text of HTTP/1.1, [`RequestReader`],
//! [`Request::write`] and [`Response::write`].
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
