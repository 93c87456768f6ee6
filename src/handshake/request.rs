//! A request, as it was read or as it is to be written.

use alloc::vec::Vec;
use core::fmt;

use super::authority::Authority;
use super::error::HandshakeError;
use super::extension::Extension;
use super::fields::{Fields, Span, is_value};
use super::name::Name;
use super::rules;
use super::token::{elements, is_token, trim};

/// The head of an HTTP request, whether it asks for a WebSocket or for a page.
///
/// A server reads it with a [`RequestReader`](super::RequestReader), or makes it with [`new`](Self::new)
/// out of what an HTTP library has read, looks at it for as long as it likes, and either
/// [`accept`](Self::accept)s it or answers with a [`Response`](super::Response) of its own. A client has
/// it from [`Offer::begin`](super::Offer::begin).
#[derive(Clone)]
pub struct Request {
    method: Span,
    target: Span,
    version: Version,
    fields: Fields,
}

/// The version of HTTP that a request came with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Version {
    /// HTTP/1.0, which cannot carry a WebSocket.
    Http10,
    /// HTTP/1.1.
    Http11,
    /// HTTP/2.
    Http2,
    /// HTTP/3.
    Http3,
}

impl Request {
    /// A request that came over a transport with its own form of headers.
    ///
    /// # Errors
    ///
    /// [`HandshakeError::Malformed`] where the method or a name is not a token, or where the target or a
    /// value holds what it may not; [`HandshakeError::MissingHeader`], [`HandshakeError::RepeatedHeader`]
    /// and [`HandshakeError::WrongHeader`] for `Host`, which RFC 9112 section 3.2 wants in every request.
    pub fn new<N, V>(
        method: &str,
        target: &str,
        version: Version,
        headers: impl IntoIterator<Item = (N, V)>,
    ) -> Result<Self, HandshakeError>
    where
        N: AsRef<str>,
        V: AsRef<[u8]>,
    {
        if !is_token(method.as_bytes()) {
            return Err(HandshakeError::Malformed("a method that is a token"));
        }
        let mut request = Self::of(method, target, version, Fields::default());
        for (name, value) in headers {
            let (name, value) = (name.as_ref(), value.as_ref());
            if !is_token(name.as_bytes()) {
                return Err(HandshakeError::Malformed("header names that are tokens"));
            }
            if !is_value(value) {
                return Err(HandshakeError::Malformed("header values without control characters"));
            }
            request.fields.push(name, trim(value));
        }
        request.check()?;
        Ok(request)
    }

    /// A request whose parts are known to be well formed.
    pub(super) fn of(method: &str, target: &str, version: Version, mut fields: Fields) -> Self {
        Self {
            method: fields.push_text(method.as_bytes()),
            target: fields.push_text(target.as_bytes()),
            version,
            fields,
        }
    }

    /// The request that was parsed out of `head`.
    pub(super) fn of_head(head: &[u8], parsed: &httparse::Request<'_, '_>) -> Result<Self, HandshakeError> {
        let request = Self {
            method: Span::within(head, parsed.method.unwrap_or_default().as_bytes()),
            target: Span::within(head, parsed.path.unwrap_or_default().as_bytes()),
            version: match parsed.version {
                Some(1) => Version::Http11,
                _ => Version::Http10,
            },
            fields: Fields::of_head(head, parsed.headers),
        };
        request.check()?;
        Ok(request)
    }

    /// What HTTP itself asks of every request.
    fn check(&self) -> Result<(), HandshakeError> {
        // A request-target is a URI or a part of one (RFC 9112 section 3.2), never with a fragment.
        let is_target_byte = |byte: u8| byte.is_ascii_graphic() && byte != b'#';
        let target = self.fields.bytes(self.target);
        if target.is_empty() || !target.iter().copied().all(is_target_byte) {
            return Err(HandshakeError::Malformed("a request-target of visible ASCII characters"));
        }
        // RFC 9112 section 3.2: "A server MUST respond with a 400 (Bad Request) status code to any
        // HTTP/1.1 request message that lacks a Host header field and to any request message that
        // contains more than one Host header field line or a Host header field with an invalid field
        // value". The value may be empty where the target has no authority.
        match rules::at_most_one(&self.fields, Name::Host)? {
            None if self.version == Version::Http11 => {
                return Err(HandshakeError::MissingHeader("Host"));
            }
            None | Some(b"") => {}
            Some(host) if Authority::is_valid(host) => {}
            Some(_) => return Err(HandshakeError::WrongHeader("Host")),
        }
        if !self.is_path()
            && let (Some(authority), ..) = self.parts()
            && !Authority::is_valid(authority.as_bytes())
        {
            return Err(HandshakeError::Malformed("a request-target with a valid host"));
        }
        Ok(())
    }

    /// The method, with its case: `GET`.
    pub fn method(&self) -> &str {
        self.fields.text(self.method)
    }

    /// The target as it came: a path and a query, or a whole URL, or what other methods than GET have.
    pub fn target(&self) -> &str {
        self.fields.text(self.target)
    }

    /// The path in the target, which has no query: what a server chooses its resource by.
    pub fn path(&self) -> &str {
        self.parts().1
    }

    /// What follows the first `?` of the target.
    pub fn query(&self) -> Option<&str> {
        self.parts().2
    }

    /// The version of HTTP.
    pub fn version(&self) -> Version {
        self.version
    }

    /// Every header in its order. The values are without the white space around them.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.fields.iter()
    }

    /// The value of the first header called `name`, whatever its case; `None` also where it is not UTF-8.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.fields.first(name)
    }

    /// The values of all headers called `name`, whatever its case, in their order.
    pub fn values<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.fields.values(name)
    }

    /// The host, and the port where it was named, that the client wants to reach.
    ///
    /// RFC 9112 section 3.2.2: where the target is a whole URL, "the origin server MUST ignore the
    /// received Host header field (if any) and instead use the host information of the request-target".
    pub fn host(&self) -> Option<&str> {
        self.parts().0.or_else(|| self.header("Host"))
    }

    /// The origin of the script that connects, which a browser names and a script cannot change. Whether
    /// to trust it is for an [`OriginPolicy`](super::OriginPolicy) to say.
    pub fn origin(&self) -> Option<&str> {
        self.header("Origin")
    }

    /// The subprotocols that the client offers, the one that it likes best first. What is not a token is
    /// left out here, and refused by [`accept`](Self::accept).
    pub fn subprotocols(&self) -> impl Iterator<Item = &str> {
        self.fields
            .known(Name::Protocol)
            .flat_map(elements)
            .filter(|element| is_token(element))
            .filter_map(|element| core::str::from_utf8(element).ok())
    }

    /// The first of the client's subprotocols that is among `supported`, for
    /// [`Acceptance::with_subprotocol`](super::Acceptance::with_subprotocol).
    ///
    /// Subprotocols are compared with their case. Where there is none in common, the server may accept
    /// without a subprotocol, which a browser then treats as a failure, or refuse.
    pub fn choose_subprotocol<'a>(&self, supported: &[&'a str]) -> Option<&'a str> {
        self.subprotocols().find_map(|offered| supported.iter().find(|&&supported| supported == offered).copied())
    }

    /// The extensions that the client offers, the one that it likes best first.
    ///
    /// # Errors
    ///
    /// [`HandshakeError::MalformedExtensions`] where a header departs from the grammar.
    pub fn extensions(&self) -> Result<Vec<Extension>, HandshakeError> {
        Extension::parse_list(self.fields.known(Name::Extensions))
    }

    /// Whether this asks for a WebSocket, well or badly: it is to be [`accept`](Self::accept)ed, whose
    /// error is the answer to a bad one. Everything else is a plain HTTP request.
    pub fn is_upgrade(&self) -> bool {
        rules::lists(&self.fields, Name::Upgrade, b"websocket")
            || self.fields.has(Name::Key)
            || self.fields.has(Name::Version)
    }

    /// Whether the target is a path, as most are, and no whole URL.
    pub(super) fn is_path(&self) -> bool {
        self.fields.bytes(self.target).first() == Some(&b'/')
    }

    pub(super) fn is_get(&self) -> bool {
        self.fields.bytes(self.method) == b"GET"
    }

    pub(super) fn fields(&self) -> &Fields {
        &self.fields
    }

    /// The request as HTTP/1.1 text, which is how a client sends it
    /// ([RFC 9112 section 3](https://www.rfc-editor.org/rfc/rfc9112#section-3)).
    pub fn write(&self) -> Vec<u8> {
        let (method, target) = (self.method().as_bytes(), self.target().as_bytes());
        let mut out = Vec::with_capacity(16 + self.fields.size_hint());
        for part in [method, b" ", target, b" HTTP/1.1\r\n"] {
            out.extend_from_slice(part);
        }
        self.fields.write(&mut out);
        out.extend_from_slice(b"\r\n");
        out
    }

    /// The authority in the target, where it is a whole URL, the path and the query.
    pub(super) fn parts(&self) -> (Option<&str>, &str, Option<&str>) {
        let target = self.target();
        if target.starts_with('/') {
            let (path, query) = split(target);
            return (None, path, query);
        }
        for scheme in ["http://", "https://"] {
            if let Some((start, rest)) = target.split_at_checked(scheme.len())
                && start.eq_ignore_ascii_case(scheme)
            {
                let end = rest.find(['/', '?']).unwrap_or(rest.len());
                let (authority, resource) = rest.split_at_checked(end).unwrap_or_default();
                let (path, query) = split(resource);
                return (Some(authority), if path.is_empty() { "/" } else { path }, query);
            }
        }
        let (path, query) = split(target);
        (None, path, query)
    }
}

/// The path and the query. Targets are short: a search of the bytes one by one is the quickest.
fn split(resource: &str) -> (&str, Option<&str>) {
    let end = resource.bytes().position(|byte| byte == b'?').unwrap_or(resource.len());
    let (path, query) = resource.split_at_checked(end).unwrap_or_default();
    (path, query.strip_prefix('?'))
}

/// Without the values of the headers, which hold cookies and credentials.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method())
            .field("path", &self.path())
            .field("version", &self.version)
            .field("headers", &self.fields)
            .finish_non_exhaustive()
    }
}
