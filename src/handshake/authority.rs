//! `host [ ":" port ]`, in a URL and in the header `Host`.

use core::net::Ipv6Addr;

/// A host and, where it is named, a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Authority<'a> {
    /// The host, without the brackets of an IPv6 address.
    pub(super) host: &'a str,
    /// Whether the host is an IPv6 address.
    pub(super) is_ipv6: bool,
    /// From 1 to 65535.
    pub(super) port: Option<u16>,
}

/// Which part of an authority is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AuthorityError {
    UserInfo,
    Host,
    Port,
}

impl<'a> Authority<'a> {
    /// Reads `text` to its end ([RFC 3986 section 3.2](https://www.rfc-editor.org/rfc/rfc3986#section-3.2)).
    ///
    /// Neither IPvFuture, of which there is none, nor a zone of an IPv6 address is taken.
    pub(super) fn parse(text: &'a str) -> Result<Self, AuthorityError> {
        Self::parse_without_userinfo(text).map_err(|error| match text.contains('@') {
            true => AuthorityError::UserInfo,
            false => error,
        })
    }

    /// Whether `text` is one. As a rule it is a name alone, of plain characters.
    pub(super) fn is_valid(text: &'a [u8]) -> bool {
        let is_plain_name = !text.is_empty() && text.iter().all(|&byte| is_unreserved_or_sub_delim(byte));
        is_plain_name || core::str::from_utf8(text).is_ok_and(|text| Self::parse(text).is_ok())
    }

    fn parse_without_userinfo(text: &'a str) -> Result<Self, AuthorityError> {
        let (host, is_ipv6, rest) = match text.strip_prefix('[') {
            Some(text) => {
                let (host, rest) = text.split_once(']').ok_or(AuthorityError::Host)?;
                host.parse::<Ipv6Addr>().map_err(|_| AuthorityError::Host)?;
                (host, true, rest)
            }
            None => {
                let (host, rest) = text
                    .split_at_checked(text.bytes().position(|byte| byte == b':').unwrap_or(text.len()))
                    .unwrap_or_default();
                // reg-name = *( unreserved / pct-encoded / sub-delims ); that of http may not be empty
                // (RFC 9110 section 4.2.1).
                if host.is_empty() || !consists_of(host, is_unreserved_or_sub_delim) {
                    return Err(AuthorityError::Host);
                }
                (host, false, rest)
            }
        };
        let port = match rest.strip_prefix(':') {
            // RFC 3986 section 3.2.3 lets the port be empty, which is the default.
            Some("") => None,
            Some(port) => Some(parse_port(port).ok_or(AuthorityError::Port)?),
            None if rest.is_empty() => None,
            None => return Err(AuthorityError::Host),
        };
        Ok(Self { host, is_ipv6, port })
    }
}

/// Whether every character of `text` satisfies `is_plain` or belongs to a percent-encoding.
pub(super) fn consists_of(text: &str, is_plain: impl Fn(u8) -> bool) -> bool {
    let mut rest = text.as_bytes();
    // As a rule there is no percent-encoding at all.
    if rest.iter().all(|&byte| is_plain(byte)) {
        return true;
    }
    loop {
        rest = match rest {
            [] => return true,
            [b'%', high, low, rest @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => rest,
            [byte, rest @ ..] if is_plain(*byte) => rest,
            _ => return false,
        };
    }
}

/// Whether `byte` is `unreserved` or one of the `sub-delims` of RFC 3986 section 2.
pub(super) const fn is_unreserved_or_sub_delim(byte: u8) -> bool {
    UNRESERVED_OR_SUB_DELIM[byte as usize]
}

/// In a table, as those of a token are.
static UNRESERVED_OR_SUB_DELIM: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < table.len() {
        table[byte] = (byte as u8).is_ascii_alphanumeric()
            || matches!(
                byte as u8,
                b'-' | b'.' | b'_' | b'~' | b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'='
            );
        byte += 1;
    }
    table
};

fn parse_port(text: &str) -> Option<u16> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|&port| is_number && port != 0)
}
