//! Which pages may connect.

use alloc::string::String;
use alloc::vec::Vec;

use super::authority::Authority;
use super::error::HandshakeError;
use super::name::Name;
use super::request::Request;

/// Which origins a server admits
/// ([RFC 6455 section 10.2](https://www.rfc-editor.org/rfc/rfc6455#section-10.2)).
///
/// A browser lets any page on the web open a WebSocket to any server, and sends the user's cookies for
/// that server along. No same-origin policy and no CORS stands between. A server that knows its users by
/// cookies, and that does not look at the origin, can be used by every page that a user visits in that
/// user's name, and the page can read the answers: this is **cross-site WebSocket hijacking**. The
/// defence is the header `Origin`, which the browser sets and a script cannot change.
///
/// A request without `Origin` does not come from a browser (RFC 6455 section 4.2.1), carries nobody's
/// cookies but its own, could name any origin if it had to, and is let through by every policy. This is no
/// authentication: it protects the users of browsers and nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OriginPolicy {
    /// Every origin: for a server that is open to the web, or that does not know its users by cookies.
    Any,
    /// The page comes from the host and port that it connects to, as the header `Host` names them.
    ///
    /// The scheme is not compared: behind a proxy that ends TLS a server cannot know its own. Where a
    /// page over `http:` of the same host must be kept out, use [`List`](Self::List). Where a proxy
    /// rewrites `Host`, use [`List`](Self::List) too.
    SameOrigin,
    /// These origins and no other, as a browser writes them: `https://example.com`, with the port only
    /// if it is not the default of the scheme, and without a slash at the end. The case does not matter.
    List(Vec<String>),
}

impl OriginPolicy {
    /// Whether the request may connect.
    ///
    /// # Errors
    ///
    /// [`HandshakeError::ForbiddenOrigin`], which is answered by 403. RFC 6455 section 4.2.2: "If the
    /// server does not wish to accept this connection, it MUST return an appropriate HTTP error code (e.g.,
    /// 403 Forbidden)".
    pub fn check(&self, request: &Request) -> Result<(), HandshakeError> {
        if *self == Self::Any {
            return Ok(());
        }
        let mut origins = request.fields().known(Name::Origin);
        let Some(origin) = origins.next() else {
            return Ok(());
        };
        // A header that cannot be read, or that says two things, is no absent one.
        let is_admitted = origins.next().is_none()
            && core::str::from_utf8(origin).is_ok_and(|origin| self.admits(origin, request.host()));
        if is_admitted { Ok(()) } else { Err(HandshakeError::ForbiddenOrigin) }
    }

    fn admits(&self, origin: &str, host: Option<&str>) -> bool {
        match self {
            Self::Any => true,
            Self::SameOrigin => host.is_some_and(|host| is_same(origin, host)),
            Self::List(origins) => origins.iter().any(|admitted| admitted.eq_ignore_ascii_case(origin)),
        }
    }
}

/// Whether an origin names the same host and port as the header `Host`. A port that is not named is the
/// default of the origin's scheme on both sides.
fn is_same(origin: &str, host: &str) -> bool {
    let Some((scheme, origin)) = origin.split_once("://") else {
        return false;
    };
    let default_port = match scheme {
        _ if scheme.eq_ignore_ascii_case("http") => 80,
        _ if scheme.eq_ignore_ascii_case("https") => 443,
        _ => return false,
    };
    match (Authority::parse(origin), Authority::parse(host)) {
        (Ok(origin), Ok(host)) => {
            origin.host.eq_ignore_ascii_case(host.host)
                && origin.port.unwrap_or(default_port) == host.port.unwrap_or(default_port)
        }
        _ => false,
    }
}
