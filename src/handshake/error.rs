//! What can go wrong in an opening handshake, and what the peer hears of it.

use alloc::boxed::Box;
use alloc::string::ToString;
use core::fmt;

use super::fields::Fields;
use super::misuse::Misuse;
use super::name::Name;
use super::response::Response;
use super::url::UrlError;

/// Why an opening handshake failed.
///
/// All variants but [`Misuse`](Self::Misuse) and [`Url`](Self::Url) are the peer's fault.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HandshakeError {
    /// The head of the message is not HTTP/1.1; holds what was expected (RFC 9112).
    Malformed(&'static str),
    /// The head is longer than this many bytes, which is [`Limits::bytes`](super::Limits::bytes).
    HeadTooLong(usize),
    /// There are more than this many headers, which is [`Limits::headers`](super::Limits::headers).
    TooManyHeaders(usize),
    /// The version of HTTP is not 1.1 (RFC 6455 section 4.2.1).
    HttpVersion,
    /// The method is not GET (RFC 6455 section 4.2.1).
    Method,
    /// The request does not ask for an upgrade to `websocket` (RFC 6455 section 4.2.1).
    NotUpgrade,
    /// A required header is missing; holds its name (RFC 6455 sections 4.1 and 4.2.1).
    MissingHeader(&'static str),
    /// A header came more than once and may not; holds its name (RFC 6455 section 11.3).
    RepeatedHeader(&'static str),
    /// A header does not have the value that it must have; holds its name (RFC 6455 sections 4.1 and 4.2.1).
    WrongHeader(&'static str),
    /// `Sec-WebSocket-Version` is not 13 (RFC 6455 sections 4.2.2 and 4.4).
    UnsupportedVersion,
    /// The request for an upgrade has a body (RFC 6455 section 4.2.1).
    UnexpectedBody,
    /// A `Sec-WebSocket-Extensions` header departs from its grammar (RFC 6455 section 9.1).
    MalformedExtensions,
    /// The [`OriginPolicy`](super::OriginPolicy) does not admit the origin (RFC 6455 section 4.2.2).
    ForbiddenOrigin,
    /// The server answered with a status other than 101; holds the response, for its status, its
    /// `Location`, its `WWW-Authenticate` (RFC 6455 section 4.1).
    Refused(Box<Response>),
    /// The server chose a subprotocol that was not offered (RFC 6455 section 4.1).
    UnofferedSubprotocol,
    /// The server accepted an extension that was not offered (RFC 6455 section 4.1).
    UnofferedExtension,
    /// The caller asked for what it cannot have.
    Misuse(Misuse),
    /// The caller's URL is not one of a WebSocket (RFC 6455 section 3).
    Url(UrlError),
}

impl HandshakeError {
    /// The HTTP status with which a server answers.
    ///
    /// For the caller's own mistake it is 500; for what only a client meets, which has nobody to
    /// answer, 502: what a gateway says of a server behind it.
    pub fn status(&self) -> u16 {
        match self {
            Self::Malformed(_)
            | Self::MissingHeader(_)
            | Self::RepeatedHeader(_)
            | Self::WrongHeader(_)
            | Self::UnexpectedBody
            | Self::MalformedExtensions => 400,
            Self::ForbiddenOrigin => 403,
            Self::Method => 405,
            Self::NotUpgrade | Self::UnsupportedVersion => 426,
            Self::HeadTooLong(_) | Self::TooManyHeaders(_) => 431,
            Self::Misuse(_) | Self::Url(_) => 500,
            Self::Refused(_) | Self::UnofferedSubprotocol | Self::UnofferedExtension => 502,
            Self::HttpVersion => 505,
        }
    }

    /// The response with which a server answers, its body the text of this error. The body is empty
    /// where the fault is not the client's.
    pub fn response(&self) -> Response {
        let mut fields = Fields::default();
        match self {
            // RFC 9110 section 15.5.6: "The origin server MUST generate an Allow header field in a 405
            // response".
            Self::Method => fields.push("Allow", b"GET"),
            // RFC 9110 section 15.5.22: "The server MUST send an Upgrade header field in a 426 response".
            Self::NotUpgrade => fields.push_known(Name::Upgrade, b"websocket"),
            // RFC 6455 section 4.4: "it MUST respond with a Sec-WebSocket-Version header field [...]
            // containing all versions it is willing to use".
            Self::UnsupportedVersion => {
                fields.push_known(Name::Upgrade, b"websocket");
                fields.push_known(Name::Version, b"13");
            }
            _ => {}
        }
        let status = self.status();
        if matches!(status, 500 | 502) {
            return Response::of(status, fields);
        }
        fields.push("Content-Type", b"text/plain; charset=utf-8");
        Response::of(status, fields).with_body(self.to_string() + "\n")
    }

    /// Whether the fault is the caller's and not the peer's.
    pub fn is_misuse(&self) -> bool {
        matches!(self, Self::Misuse(_) | Self::Url(_))
    }
}

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(expected) => write!(f, "expected {expected} (RFC 9112)"),
            Self::HeadTooLong(limit) => {
                write!(f, "the head of the handshake is longer than the limit of {limit} bytes")
            }
            Self::TooManyHeaders(limit) => write!(f, "the handshake has more headers than the limit of {limit}"),
            Self::HttpVersion => f.write_str("a WebSocket handshake takes HTTP/1.1 (RFC 6455 section 4.2.1)"),
            Self::Method => f.write_str("a WebSocket handshake takes the method GET (RFC 6455 section 4.2.1)"),
            Self::NotUpgrade => f.write_str("expected the header \"Upgrade: websocket\" (RFC 6455 section 4.2.1)"),
            Self::MissingHeader(name) => {
                write!(f, "the header {name} is missing (RFC 6455 section 4)")
            }
            Self::RepeatedHeader(name) => write!(f, "the header {name} came more than once (RFC 6455 section 11.3)"),
            Self::WrongHeader(name) => write!(f, "the header {name} has a wrong value (RFC 6455 section 4)"),
            Self::UnsupportedVersion => f.write_str("expected \"Sec-WebSocket-Version: 13\" (RFC 6455 section 4.4)"),
            Self::UnexpectedBody => f.write_str("a WebSocket handshake has no body (RFC 6455 section 4.2.1)"),
            Self::MalformedExtensions => {
                f.write_str("Sec-WebSocket-Extensions departs from its grammar (RFC 6455 section 9.1)")
            }
            Self::ForbiddenOrigin => {
                f.write_str("connections from this origin are not admitted (RFC 6455 section 10.2)")
            }
            Self::Refused(response) => {
                write!(f, "expected the status 101, the server answered {} (RFC 6455 section 4.1)", response.status())
            }
            Self::UnofferedSubprotocol => {
                f.write_str("the server chose a subprotocol that was not offered (RFC 6455 section 4.1)")
            }
            Self::UnofferedExtension => {
                f.write_str("the server accepted an extension that was not offered (RFC 6455 section 4.1)")
            }
            Self::Misuse(misuse) => misuse.fmt(f),
            Self::Url(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for HandshakeError {}

impl From<Misuse> for HandshakeError {
    fn from(misuse: Misuse) -> Self {
        Self::Misuse(misuse)
    }
}

impl From<UrlError> for HandshakeError {
    fn from(error: UrlError) -> Self {
        Self::Url(error)
    }
}
