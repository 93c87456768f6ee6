//! The URL of a WebSocket.

use alloc::format;
use alloc::string::String;
use core::fmt;
use core::str::FromStr;

use super::authority::{Authority, AuthorityError, consists_of, is_unreserved_or_sub_delim};

/// A `ws:` or `wss:` URL ([RFC 6455 section 3](https://www.rfc-editor.org/rfc/rfc6455#section-3)).
///
/// ```
/// use sockeye::handshake::Url;
///
/// let url = Url::parse("wss://example.com/chat?room=1")?;
/// assert_eq!((url.host(), url.port(), url.is_secure()), ("example.com", 443, true));
/// assert_eq!(url.target(), "/chat?room=1");
/// # Ok::<(), sockeye::handshake::UrlError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Url {
    secure: bool,
    host: String,
    port: u16,
    authority: String,
    target: String,
}

impl Url {
    /// Reads a URL by the letter of RFC 3986: nothing is repaired, and what is not ASCII must have been
    /// percent-encoded, or turned to Punycode in a host, before.
    ///
    /// # Errors
    ///
    /// [`UrlError`] names the part that is wrong.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let (scheme, rest) = text.split_once("://").ok_or(UrlError::Scheme)?;
        let secure = if scheme.eq_ignore_ascii_case("ws") {
            false
        } else if scheme.eq_ignore_ascii_case("wss") {
            true
        } else {
            return Err(UrlError::Scheme);
        };
        // RFC 6455 section 3: "Fragment identifiers are meaningless in the context of WebSocket URIs and
        // MUST NOT be used on these URIs".
        if rest.contains('#') {
            return Err(UrlError::Fragment);
        }
        let path_start = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, resource) = rest.split_at_checked(path_start).unwrap_or_default();
        let authority = Authority::parse(authority)?;
        let (path, query) = resource.split_once('?').unwrap_or((resource, ""));
        if !consists_of(path, is_path_byte) {
            return Err(UrlError::Path);
        }
        // query = *( pchar / "/" / "?" )
        if !consists_of(query, |byte| is_path_byte(byte) || byte == b'?') {
            return Err(UrlError::Query);
        }

        let default_port = if secure { 443 } else { 80 };
        let port = authority.port.unwrap_or(default_port);
        let mut host_and_port = match authority.is_ipv6 {
            true => format!("[{}]", authority.host),
            false => String::from(authority.host),
        };
        if port != default_port {
            host_and_port += &format!(":{port}");
        }
        // RFC 6455 section 3: "/" if the path component is empty; "?" if the query component is
        // non-empty.
        let mut target = String::from(if path.is_empty() { "/" } else { path });
        if !query.is_empty() {
            target.push('?');
            target += query;
        }
        Ok(Self { secure, host: String::from(authority.host), port, authority: host_and_port, target })
    }

    /// Whether the connection is to run over TLS: the scheme is `wss`.
    ///
    /// The caller does the TLS handshake before this one, with [`host`](Self::host) as the name of the
    /// server (RFC 6455 section 4.1).
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// The host to connect to, an IPv6 address without its brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port to connect to: where none is named, 443 for `wss` and 80 for `ws`.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The value of the header `Host`: the host, and the port where it is not the default.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// The path and the query, as they stand in the request; RFC 6455 calls it the resource name.
    pub fn target(&self) -> &str {
        &self.target
    }
}

impl FromStr for Url {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        Self::parse(text)
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.secure { "wss" } else { "ws" };
        write!(f, "{scheme}://{}{}", self.authority, self.target)
    }
}

/// Why a text is not the URL of a WebSocket (RFC 6455 section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UrlError {
    /// The scheme is neither `ws` nor `wss`.
    Scheme,
    /// There is a user name or a password.
    UserInfo,
    /// The host is empty, or holds a character that is not allowed there.
    Host,
    /// The port is not a number from 1 to 65535.
    Port,
    /// The path holds a character that must be percent-encoded, or a broken percent-encoding.
    Path,
    /// The query holds a character that must be percent-encoded, or a broken percent-encoding.
    Query,
    /// There is a fragment.
    Fragment,
}

impl fmt::Display for UrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scheme => "a URL of a WebSocket starts with \"ws://\" or \"wss://\" (RFC 6455 section 3)",
            Self::UserInfo => {
                "a URL of a WebSocket has no user name and password: send them in an Authorization header (RFC 6455 section 3)"
            }
            Self::Host => "expected a host name, an IPv4 address or an IPv6 address in brackets (RFC 3986 section 3.2.2)",
            Self::Port => "expected a port from 1 to 65535 (RFC 3986 section 3.2.3)",
            Self::Path => "the path holds a character that must be percent-encoded (RFC 3986 section 3.3)",
            Self::Query => "the query holds a character that must be percent-encoded (RFC 3986 section 3.4)",
            Self::Fragment => {
                "a URL of a WebSocket has no fragment: write a \"#\" that is meant as %23 (RFC 6455 section 3)"
            }
        })
    }
}

impl core::error::Error for UrlError {}

impl From<AuthorityError> for UrlError {
    fn from(error: AuthorityError) -> Self {
        match error {
            AuthorityError::UserInfo => Self::UserInfo,
            AuthorityError::Host => Self::Host,
            AuthorityError::Port => Self::Port,
        }
    }
}

/// `pchar` of RFC 3986 section 3.3, and the slash between two segments.
const fn is_path_byte(byte: u8) -> bool {
    is_unreserved_or_sub_delim(byte) || matches!(byte, b':' | b'@' | b'/')
}
