//! A response, to be written or as it was read.

use alloc::vec::Vec;
use core::fmt::Write;

use bytes::Bytes;

use super::fields::Fields;
use super::misuse::Misuse;
use super::name::Name;

/// An HTTP response: the acceptance of a handshake, a rejection in the caller's own words, or the answer
/// to a plain HTTP request. A client finds one in the error where the server did not accept.
///
/// ```
/// use sockeye::handshake::Response;
///
/// let response = Response::new(404)?
///     .with_header("Content-Type", "text/plain")?
///     .with_body("no such room\n");
/// assert!(response.write().starts_with(b"HTTP/1.1 404 Not Found\r\n"));
/// # Ok::<(), sockeye::handshake::Misuse>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    status: u16,
    fields: Fields,
    body: Bytes,
}

impl Response {
    /// A response without headers and body.
    ///
    /// # Errors
    ///
    /// [`Misuse::Status`] for a status outside of 200 to 599. A 101 is made by
    /// [`Request::accept`](super::Request::accept) alone.
    pub fn new(status: u16) -> Result<Self, Misuse> {
        if !(200..=599).contains(&status) {
            return Err(Misuse::Status);
        }
        Ok(Self::of(status, Fields::default()))
    }

    /// A response as it came from a server over a transport that has its own form of headers.
    ///
    /// # Errors
    ///
    /// [`Misuse`] for a name that is no token or a value with control characters, neither of which an
    /// HTTP library hands out.
    pub fn received<N, V>(status: u16, headers: impl IntoIterator<Item = (N, V)>) -> Result<Self, Misuse>
    where
        N: AsRef<str>,
        V: AsRef<[u8]>,
    {
        let mut fields = Fields::default();
        for (name, value) in headers {
            fields.push_checked(name.as_ref(), value.as_ref())?;
        }
        Ok(Self::of(status, fields))
    }

    pub(super) fn of(status: u16, fields: Fields) -> Self {
        Self { status, fields, body: Bytes::new() }
    }

    /// The response with one more header.
    ///
    /// # Errors
    ///
    /// [`Misuse::HeaderName`] and [`Misuse::HeaderValue`] for what could be read as something else than
    /// one header; [`Misuse::ReservedHeader`] for `Connection`, `Content-Length` and
    /// `Transfer-Encoding`, which [`write`](Self::write) sees to.
    pub fn with_header(mut self, name: &str, value: impl AsRef<[u8]>) -> Result<Self, Misuse> {
        if Name::of(name.as_bytes()).is_framing() {
            return Err(Misuse::ReservedHeader);
        }
        self.fields.push_checked(name, value.as_ref())?;
        Ok(self)
    }

    /// The response with a body. An acceptance has none, nor have 204 and 304: there it is not written.
    ///
    /// The answer to a HEAD request is to be given no body (RFC 9110 section 9.3.2).
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// The status, 101 for an acceptance.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Every header in its order. The values are without the white space around them.
    ///
    /// What [`write`](Self::write) adds to frame an HTTP/1.1 message is not among them.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.fields.iter()
    }

    /// The first header called `name`, whatever its case; `None` also where it is not UTF-8.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.fields.first(name)
    }

    /// The body. A response that was read has an empty one: what follows its head is still with the
    /// caller, or in the transport.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// The response as HTTP/1.1 text
    /// ([RFC 9112 section 4](https://www.rfc-editor.org/rfc/rfc9112#section-4)).
    ///
    /// A response that is no acceptance ends the connection, and says so: the caller closes the
    /// transport after it.
    pub fn write(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(128 + self.fields.size_hint() + self.body.len());
        if self.status == 101 {
            out.extend_from_slice(b"HTTP/1.1 101 Switching Protocols\r\n");
            self.fields.write(&mut out);
            out.extend_from_slice(b"\r\n");
            return out;
        }
        let mut line = alloc::string::String::new();
        // Writing to a string does not fail.
        let _ = write!(line, "HTTP/1.1 {} {}\r\n", self.status, reason(self.status));
        // RFC 9110 section 7.8: "A sender of Upgrade MUST also send an "Upgrade" connection option".
        let _ = match self.fields.known(Name::Upgrade).next() {
            Some(_) => write!(line, "Connection: close, Upgrade\r\n"),
            None => write!(line, "Connection: close\r\n"),
        };
        // RFC 9110 section 8.6: "A server MUST NOT send a Content-Length header field in any response
        // with a status code of 1xx (Informational) or 204 (No Content)". In a 304 it would be that of
        // the 200 that is not sent.
        let has_body = !matches!(self.status, 204 | 304);
        if has_body {
            let _ = write!(line, "Content-Length: {}\r\n", self.body.len());
        }
        out.extend_from_slice(line.as_bytes());
        self.fields.write(&mut out);
        out.extend_from_slice(b"\r\n");
        if has_body {
            out.extend_from_slice(&self.body);
        }
        out
    }

    pub(super) fn fields(&self) -> &Fields {
        &self.fields
    }
}

/// The reason phrase of the statuses that a server of WebSockets is likely to send. RFC 9112 section 4
/// lets it be empty.
fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        206 => "Partial Content",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        408 => "Request Timeout",
        409 => "Conflict",
        410 => "Gone",
        413 => "Content Too Large",
        421 => "Misdirected Request",
        426 => "Upgrade Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        _ => "",
    }
}
