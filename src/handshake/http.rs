//! Requests and responses as the types of the crate [`http`](::http), which hyper, axum and others speak.

use ::http::header::{CONNECTION, HeaderMap, HeaderName, HeaderValue, UPGRADE};
use ::http::{Method, StatusCode, Uri, request};
use bytes::Bytes;

use super::error::HandshakeError;
use super::request::{Request, Version};
use super::response::Response;

/// A request that an HTTP library has read. Its body is not looked at: an upgrade has none.
///
/// A request of HTTP/2 or HTTP/3 names its host in its URI, and need not have a `Host`. [`Request::accept`] refuses it with
/// [`HandshakeError::HttpVersion`].
impl<B> TryFrom<&::http::Request<B>> for Request {
    type Error = HandshakeError;

    /// # Errors
    ///
    /// As [`Request::new`]; [`HandshakeError::HttpVersion`] for HTTP/0.9.
    fn try_from(request: &::http::Request<B>) -> Result<Self, HandshakeError> {
        received(request.method(), request.uri(), request.version(), request.headers())
    }
}

/// A request that an HTTP library has read, without its body: what an extractor of axum sees.
impl TryFrom<&request::Parts> for Request {
    type Error = HandshakeError;

    /// # Errors
    ///
    /// As [`Request::new`]; [`HandshakeError::HttpVersion`] for HTTP/0.9.
    fn try_from(parts: &request::Parts) -> Result<Self, HandshakeError> {
        received(&parts.method, &parts.uri, parts.version, &parts.headers)
    }
}

fn received(
    method: &Method,
    uri: &Uri,
    version: ::http::Version,
    headers: &HeaderMap,
) -> Result<Request, HandshakeError> {
    let version = match version {
        ::http::Version::HTTP_10 => Version::Http10,
        ::http::Version::HTTP_11 => Version::Http11,
        ::http::Version::HTTP_2 => Version::Http2,
        ::http::Version::HTTP_3 => Version::Http3,
        _ => return Err(HandshakeError::HttpVersion),
    };
    Request::new(method.as_str(), &alloc::format!("{uri}"), version, headers)
}

/// A client's request, for an HTTP library to send. Its URI is the target, without scheme and host, as it stands in a
/// request of HTTP/1.1.
impl TryFrom<&Request> for ::http::Request<()> {
    type Error = ::http::Error;

    /// # Errors
    ///
    /// What that crate's types have no room for: a target or the name of a header of 64 KiB, tens of thousands of headers.
    fn try_from(request: &Request) -> Result<Self, ::http::Error> {
        let mut converted = Self::new(());
        *converted.method_mut() = Method::from_bytes(request.method().as_bytes())?;
        *converted.uri_mut() = Uri::try_from(request.target())?;
        *converted.version_mut() = match request.version() {
            Version::Http10 => ::http::Version::HTTP_10,
            Version::Http11 => ::http::Version::HTTP_11,
            Version::Http2 => ::http::Version::HTTP_2,
            Version::Http3 => ::http::Version::HTTP_3,
        };
        append(request.headers(), converted.headers_mut())?;
        Ok(converted)
    }
}

/// A server's answer, for an HTTP library to send: an acceptance, or a refusal with its status, its headers and its body.
///
/// Where it names an `Upgrade`, it also has the `Connection` that HTTP/1.1 asks for with it. What frames a message is
/// left to the library.
impl TryFrom<Response> for ::http::Response<Bytes> {
    type Error = ::http::Error;

    /// # Errors
    ///
    /// What that crate's types have no room for, as above, and a status below 100 or above 999. Neither is met in the
    /// answers of this crate.
    fn try_from(response: Response) -> Result<Self, ::http::Error> {
        let mut converted = Self::new(response.body().clone());
        *converted.status_mut() = StatusCode::from_u16(response.status())?;
        let headers = converted.headers_mut();
        append(response.headers(), headers)?;
        // RFC 9110 section 7.8: "A sender of Upgrade MUST also send an "Upgrade" connection option".
        if headers.contains_key(UPGRADE) && !headers.contains_key(CONNECTION) {
            headers.try_append(CONNECTION, HeaderValue::from_static("Upgrade"))?;
        }
        Ok(converted)
    }
}

/// A server's answer that an HTTP library has read. Its body is not taken over: [`Response::with_body`] adds it.
impl<B> TryFrom<&::http::Response<B>> for Response {
    type Error = HandshakeError;

    /// # Errors
    ///
    /// As [`Response::received`], which does not happen to what that crate's own readers let through.
    fn try_from(response: &::http::Response<B>) -> Result<Self, HandshakeError> {
        Ok(Self::received(response.status().as_u16(), response.headers())?)
    }
}

fn append<'a>(
    headers: impl Iterator<Item = (&'a str, &'a [u8])>,
    converted: &mut HeaderMap,
) -> Result<(), ::http::Error> {
    for (name, value) in headers {
        converted.try_append(HeaderName::from_bytes(name.as_bytes())?, HeaderValue::from_bytes(value)?)?;
    }
    Ok(())
}
