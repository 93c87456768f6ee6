//! The client's side of the handshake.

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use super::acceptance::Agreement;
use super::error::HandshakeError;
use super::extension::Extension;
use super::fields::{Fields, is_value};
use super::key;
use super::misuse::Misuse;
use super::name::{Name, is_reserved};
use super::reader::{Limits, ResponseReader};
use super::request::{Request, Version};
use super::response::Response;
use super::rules;
use super::token::{is_in_any_case, is_token, trim};
use super::url::Url;

/// What a client asks for
/// ([RFC 6455 section 4.1](https://www.rfc-editor.org/rfc/rfc6455#section-4.1)).
///
/// What the standard asks of a client beyond the text of its handshake is the caller's duty: one
/// handshake at a time for a host and port, TLS before it where the URL [is secure](Url::is_secure), with
/// the host as the name of the server.
#[derive(Clone, Debug, Default)]
pub struct Offer {
    subprotocols: Vec<String>,
    extensions: Vec<Extension>,
    origin: Option<String>,
    fields: Fields,
    limits: Limits,
}

impl Offer {
    /// An offer without subprotocols, extensions, origin and further headers.
    pub fn new() -> Self {
        Self::default()
    }

    /// With one more subprotocol, the one that is liked best first.
    ///
    /// # Errors
    ///
    /// RFC 6455 section 4.1: "MUST be non-empty strings with characters in the range U+0021 to U+007E not
    /// including separator characters [...] and MUST all be unique strings". [`Misuse::Subprotocol`] and
    /// [`Misuse::RepeatedSubprotocol`] otherwise.
    pub fn with_subprotocol(mut self, subprotocol: &str) -> Result<Self, Misuse> {
        if !is_token(subprotocol.as_bytes()) {
            return Err(Misuse::Subprotocol);
        }
        if self.subprotocols.iter().any(|offered| offered == subprotocol) {
            return Err(Misuse::RepeatedSubprotocol);
        }
        self.subprotocols.push(subprotocol.into());
        Ok(self)
    }

    /// With one more extension, the one that is liked best first. The same one may be offered several
    /// times with other parameters.
    ///
    /// # Errors
    ///
    /// [`Misuse::Extension`] where a part of it is not a token.
    pub fn with_extension(mut self, extension: Extension) -> Result<Self, Misuse> {
        if !extension.is_well_formed() {
            return Err(Misuse::Extension);
        }
        self.extensions.push(extension);
        Ok(self)
    }

    /// With the origin of the script on whose behalf the client connects: a browser must name it, others
    /// may (RFC 6455 section 4.1). A second one replaces the first.
    ///
    /// # Errors
    ///
    /// [`Misuse::HeaderValue`] where it could be read as something else than one header.
    pub fn with_origin(mut self, origin: &str) -> Result<Self, Misuse> {
        if !is_value(origin.as_bytes()) {
            return Err(Misuse::HeaderValue);
        }
        self.origin = Some(origin.into());
        Ok(self)
    }

    /// With one more header, such as `Authorization` or `Cookie`.
    ///
    /// # Errors
    ///
    /// [`Misuse::HeaderName`] and [`Misuse::HeaderValue`] for what could be read as something else than
    /// one header; [`Misuse::ReservedHeader`] for the headers of the handshake, and for those that would
    /// give the request a body.
    pub fn with_header(mut self, name: &str, value: impl AsRef<[u8]>) -> Result<Self, Misuse> {
        if is_reserved(name) {
            return Err(Misuse::ReservedHeader);
        }
        self.fields.push_checked(name, value.as_ref())?;
        Ok(self)
    }

    /// With these limits for the server's response, instead of the default ones.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The request to send, and what reads its response. Nothing else may be sent in between (RFC 6455
    /// section 4.1).
    ///
    /// `nonce` is 16 bytes that are fresh and random for every handshake. [`Request::write`] is the text
    /// of the request; other transports take its parts.
    pub fn begin(&self, url: &Url, nonce: [u8; 16]) -> (Request, ClientHandshake) {
        let key = key::key(nonce);
        let mut fields =
            Fields::with_capacity(256 + url.authority().len() + url.target().len() + self.fields.size_hint(), 8);
        fields.push_known(Name::Host, url.authority().as_bytes());
        fields.push_known(Name::Upgrade, b"websocket");
        fields.push_known(Name::Connection, b"Upgrade");
        fields.push_known(Name::Key, &key);
        fields.push_known(Name::Version, b"13");
        if !self.subprotocols.is_empty() {
            fields.push_known(Name::Protocol, self.subprotocols.join(", ").as_bytes());
        }
        if !self.extensions.is_empty() {
            let extensions: Vec<String> = self.extensions.iter().map(Extension::to_string).collect();
            fields.push_known(Name::Extensions, extensions.join(", ").as_bytes());
        }
        if let Some(origin) = &self.origin {
            fields.push_known(Name::Origin, trim(origin.as_bytes()));
        }
        fields.append(&self.fields);
        let handshake = ClientHandshake {
            accept: key::accept(&key),
            subprotocols: self.subprotocols.clone(),
            extensions: self.extensions.iter().map(|extension| extension.name.clone()).collect(),
            reader: ResponseReader::new(self.limits),
        };
        (Request::of("GET", url.target(), Version::Http11, fields), handshake)
    }
}

/// A client's handshake whose request was sent and whose response is awaited.
#[derive(Clone, Debug)]
pub struct ClientHandshake {
    accept: [u8; 28],
    subprotocols: Vec<String>,
    /// The names of the extensions that were offered.
    extensions: Vec<String>,
    reader: ResponseReader,
}

/// A handshake that the server has accepted.
#[derive(Clone, Debug)]
pub struct Established {
    /// What the connection is to be told.
    pub agreement: Agreement,
    /// The whole response, for headers such as `Set-Cookie`.
    pub response: Response,
    /// The length of what was read. What follows it are frames.
    pub length: usize,
}

impl ClientHandshake {
    /// Looks at everything that was received so far, from the first byte on. `None` where more is needed.
    ///
    /// The verdict depends on the bytes alone and not on how they were split, and the work is linear in
    /// their number.
    ///
    /// # Errors
    ///
    /// What [`check`](Self::check) says, or that it is not HTTP/1.1, or larger than the [`Limits`]. The
    /// caller then closes the transport.
    pub fn read(&mut self, received: &[u8]) -> Result<Option<Established>, HandshakeError> {
        let Some((response, length)) = self.reader.read(received)? else {
            return Ok(None);
        };
        let agreement = self.check(&response)?;
        Ok(Some(Established { agreement, response, length }))
    }

    /// Holds a response against RFC 6455 section 4.1, whatever transport it came by.
    ///
    /// # Errors
    ///
    /// [`HandshakeError::Refused`] for a status other than 101, and what is wrong with a 101.
    pub fn check(&self, response: &Response) -> Result<Agreement, HandshakeError> {
        // "If the status code received from the server is not 101, the client handles the response per
        // HTTP procedures".
        if response.status() != 101 {
            return Err(HandshakeError::Refused(response.clone().into()));
        }
        // "If the response lacks an Upgrade header field or the Upgrade header field contains a value that
        // is not an ASCII case-insensitive match for the value "websocket", the client MUST _Fail the
        // WebSocket Connection_".
        let upgrade = rules::only(response.fields(), Name::Upgrade)?;
        if !is_in_any_case(upgrade, b"websocket") {
            return Err(HandshakeError::WrongHeader(Name::Upgrade.text()));
        }
        rules::check_connection(response.fields())?;
        // "If the response lacks a Sec-WebSocket-Accept header field or [it] contains a value other than
        // the base64-encoded SHA-1 [...] but ignoring any leading and trailing whitespace".
        let accept = rules::only(response.fields(), Name::Accept)?;
        if accept != self.accept {
            return Err(HandshakeError::WrongHeader(Name::Accept.text()));
        }
        Ok(Agreement { subprotocol: self.subprotocol(response)?, extensions: self.accepted_extensions(response)? })
    }

    /// RFC 6455 section 4.1: "If the response includes a Sec-WebSocket-Protocol header field and this
    /// header field indicates the use of a subprotocol that was not present in the client's handshake [...],
    /// the client MUST _Fail the WebSocket Connection_".
    fn subprotocol(&self, response: &Response) -> Result<Option<String>, HandshakeError> {
        let Some(chosen) = rules::at_most_one(response.fields(), Name::Protocol)? else {
            return Ok(None);
        };
        let offered = self.subprotocols.iter().find(|offered| offered.as_bytes() == chosen);
        offered.cloned().map(Some).ok_or(HandshakeError::UnofferedSubprotocol)
    }

    /// RFC 6455 section 4.1: "If the response includes a Sec-WebSocket-Extensions header field and this
    /// header field indicates the use of an extension that was not present in the client's handshake [...],
    /// the client MUST _Fail the WebSocket Connection_". The header may repeat (erratum 3433).
    fn accepted_extensions(&self, response: &Response) -> Result<Vec<Extension>, HandshakeError> {
        let accepted = Extension::parse_list(response.fields().known(Name::Extensions))?;
        if accepted.iter().all(|extension| self.extensions.contains(&extension.name)) {
            Ok(accepted)
        } else {
            Err(HandshakeError::UnofferedExtension)
        }
    }
}
