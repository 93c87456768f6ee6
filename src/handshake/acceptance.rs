//! How a server accepts a handshake.

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use super::error::HandshakeError;
use super::extension::Extension;
use super::fields::Fields;
use super::key;
use super::misuse::Misuse;
use super::name::{Name, is_reserved};
use super::request::{Request, Version};
use super::response::Response;
use super::rules;
use super::token::{elements, is_token};

/// What both ends agreed on, and what the connection is to be told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Agreement {
    /// The subprotocol, where there is one.
    pub subprotocol: Option<String>,
    /// The extensions with the parameters of the server's answer, in its order. What a client offered
    /// and the server did not accept is not here and not in use (RFC 6455 section 9.1).
    pub extensions: Vec<Extension>,
}

/// What a server answers beyond a bare yes.
#[derive(Clone, Debug, Default)]
pub struct Acceptance {
    agreement: Agreement,
    fields: Fields,
}

impl Acceptance {
    /// An acceptance without subprotocol, extensions and further headers.
    pub fn new() -> Self {
        Self::default()
    }

    /// With this subprotocol, which must be one of the client's:
    /// [`Request::choose_subprotocol`] finds one.
    ///
    /// # Errors
    ///
    /// [`Misuse::Subprotocol`] where it is not a token.
    pub fn with_subprotocol(mut self, subprotocol: &str) -> Result<Self, Misuse> {
        if !is_token(subprotocol.as_bytes()) {
            return Err(Misuse::Subprotocol);
        }
        self.agreement.subprotocol = Some(subprotocol.into());
        Ok(self)
    }

    /// With one more extension, which must be one of the client's, in the order in which they are to be
    /// applied. What its parameters may be is the extension's own business.
    ///
    /// # Errors
    ///
    /// [`Misuse::Extension`] where a part of it is not a token.
    pub fn with_extension(mut self, extension: Extension) -> Result<Self, Misuse> {
        if !extension.is_well_formed() {
            return Err(Misuse::Extension);
        }
        self.agreement.extensions.push(extension);
        Ok(self)
    }

    /// With one more header, such as `Set-Cookie`.
    ///
    /// # Errors
    ///
    /// [`Misuse::HeaderName`] and [`Misuse::HeaderValue`] for what could be read as something else than
    /// one header; [`Misuse::ReservedHeader`] for the headers of the handshake, and for those that would
    /// give the response a body.
    pub fn with_header(mut self, name: &str, value: impl AsRef<[u8]>) -> Result<Self, Misuse> {
        if is_reserved(name) {
            return Err(Misuse::ReservedHeader);
        }
        self.fields.push_checked(name, value.as_ref())?;
        Ok(self)
    }
}

impl Request {
    /// Accepts the handshake over HTTP/1.1
    /// ([RFC 6455 section 4.2](https://www.rfc-editor.org/rfc/rfc6455#section-4.2)): the response is to
    /// be sent, and after it frames may be.
    ///
    /// The resource and the origin are the caller's to judge before: see [`path`](Self::path) and
    /// [`OriginPolicy`](super::OriginPolicy).
    ///
    /// # Errors
    ///
    /// What is wrong with the request; [`HandshakeError::response`] is the answer to send.
    /// [`HandshakeError::Misuse`] where the acceptance names a subprotocol or an extension that the
    /// client did not offer.
    pub fn accept(&self, acceptance: &Acceptance) -> Result<(Response, Agreement), HandshakeError> {
        let key = self.check_handshake()?;
        let Acceptance { agreement, fields: added } = acceptance;
        let mut unrequested: Vec<&str> = agreement.extensions.iter().map(|extension| &*extension.name).collect();
        Extension::names_of_list(self.fields().known(Name::Extensions), |name| {
            unrequested.retain(|unrequested| unrequested.as_bytes() != name);
        })?;
        // RFC 6455 section 4.2.2: "Extensions not listed by the client MUST NOT be listed".
        if !unrequested.is_empty() {
            return Err(Misuse::UnrequestedExtension.into());
        }

        let mut fields = Fields::with_capacity(256 + added.size_hint(), 5 + added.len());
        fields.push_known(Name::Upgrade, b"websocket");
        fields.push_known(Name::Connection, b"Upgrade");
        fields.push_known(Name::Accept, &key::accept(key));
        if let Some(subprotocol) = &agreement.subprotocol {
            // RFC 6455 section 4.2.2: "selecting one of the values from the Sec-WebSocket-Protocol field".
            if !self.subprotocols().any(|offered| offered == subprotocol) {
                return Err(Misuse::UnrequestedSubprotocol.into());
            }
            fields.push_known(Name::Protocol, subprotocol.as_bytes());
        }
        // "they can all be listed in a single [...] header field or split between multiple instances".
        for extension in &agreement.extensions {
            fields.push_known(Name::Extensions, extension.to_string().as_bytes());
        }
        fields.append(added);
        Ok((Response::of(101, fields), agreement.clone()))
    }

    /// Holds the request against RFC 6455 section 4.2.1, and returns its key.
    fn check_handshake(&self) -> Result<&[u8; 24], HandshakeError> {
        // "An HTTP/1.1 or higher GET request". Higher versions have a handshake of their own, by another method
        // (RFC 8441 section 4).
        if self.version() != Version::Http11 {
            return Err(HandshakeError::HttpVersion);
        }
        if !self.is_get() {
            return Err(HandshakeError::Method);
        }
        // "An Upgrade header field containing the value "websocket", treated as an ASCII
        // case-insensitive value".
        if !rules::lists(self.fields(), Name::Upgrade, b"websocket") {
            return Err(HandshakeError::NotUpgrade);
        }
        rules::check_connection(self.fields())?;
        let (authority, path, _) = if self.is_path() { (None, "/", None) } else { self.parts() };
        // "a "Request-URI" that should be interpreted as a /resource name/ [...] (or an absolute
        // HTTP/HTTPS URI containing the /resource name/)".
        if !path.starts_with('/') {
            return Err(HandshakeError::Malformed("a request-target that is a path or an http URL"));
        }
        // "A Host header field containing the server's authority".
        let is_named = |host: &[u8]| !host.is_empty();
        if authority.is_none() && !self.fields().known(Name::Host).any(is_named) {
            return Err(HandshakeError::WrongHeader(Name::Host.text()));
        }
        // RFC 6455 section 4.2.2: "If this version does not match a version understood by the server, the
        // server MUST abort the WebSocket handshake". The version decides how to read the rest.
        if rules::only(self.fields(), Name::Version)? != b"13" {
            return Err(HandshakeError::UnsupportedVersion);
        }
        let key = rules::only(self.fields(), Name::Key)?;
        let key = key::read(key).ok_or(HandshakeError::WrongHeader(Name::Key.text()))?;
        self.check_subprotocols()?;
        self.check_body()?;
        Ok(key)
    }

    /// `Sec-WebSocket-Protocol-Client = 1#token` (RFC 6455 section 4.3): one element at least over all
    /// headers, and nothing but tokens.
    fn check_subprotocols(&self) -> Result<(), HandshakeError> {
        if !self.fields().has(Name::Protocol) {
            return Ok(());
        }
        let mut offered = self.fields().known(Name::Protocol).flat_map(elements).peekable();
        if offered.peek().is_some() && offered.all(is_token) {
            Ok(())
        } else {
            Err(HandshakeError::WrongHeader(Name::Protocol.text()))
        }
    }

    /// What follows a handshake are frames. A body would stand between, and a proxy that takes it for one
    /// while this server does not, or the other way round, can be made to smuggle requests.
    fn check_body(&self) -> Result<(), HandshakeError> {
        let has_coding = self.fields().has(Name::TransferEncoding);
        let has_length = self
            .fields()
            .known(Name::ContentLength)
            .any(|length| length.is_empty() || length.iter().any(|&digit| digit != b'0'));
        if has_coding || has_length {
            return Err(HandshakeError::UnexpectedBody);
        }
        Ok(())
    }
}
