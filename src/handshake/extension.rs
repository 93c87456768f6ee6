//! The grammar of `Sec-WebSocket-Extensions`.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::error::HandshakeError;
use super::token::{is_token, is_token_byte, token_length};

/// An extension as it is offered, or as it is accepted
/// ([RFC 6455 section 9.1](https://www.rfc-editor.org/rfc/rfc6455#section-9.1)).
///
/// `Display` writes it as it stands in the header `Sec-WebSocket-Extensions`; [`parse_list`] reads it
/// back. What [`parse_list`] returns consists of tokens. The fields are open to whoever builds an
/// extension; what is not a token is refused where the extension is handed to a handshake.
///
/// ```
/// use sockeye::handshake::Extension;
///
/// let extension = Extension::new("permessage-deflate").with("client_max_window_bits", Some("10"));
/// assert_eq!(extension.to_string(), "permessage-deflate; client_max_window_bits=10");
/// ```
///
/// [`parse_list`]: Self::parse_list
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Extension {
    /// The name, a token. Names are compared with their case.
    pub name: String,
    /// The parameters in their order. A name may come twice: what that means is the extension's to say.
    pub parameters: Vec<Parameter>,
}

/// A parameter of an [`Extension`] (RFC 6455 section 9.1).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Parameter {
    /// The name, a token.
    pub name: String,
    /// The value, a token, where there is one. The quotes and the escapes of a quoted value are gone.
    pub value: Option<String>,
}

impl Extension {
    /// An extension without parameters.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), parameters: Vec::new() }
    }

    /// The extension with one more parameter.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: Option<&str>) -> Self {
        self.parameters.push(Parameter { name: name.into(), value: value.map(String::from) });
        self
    }

    /// Reads the values of all `Sec-WebSocket-Extensions` headers of one message, in their order.
    ///
    /// Several headers are one list (RFC 6455 section 9.1: "this header field MAY be split or combined
    /// across multiple lines"). No header at all is an empty list. The work and the memory are linear
    /// in the length of the values: a byte of theirs costs 80 bytes at most.
    ///
    /// # Errors
    ///
    /// [`HandshakeError::MalformedExtensions`] for whatever departs from the grammar. RFC 6455 section
    /// 9.1: "the recipient of such malformed data MUST immediately _Fail the WebSocket Connection_".
    pub fn parse_list<'a>(values: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<Self>, HandshakeError> {
        let mut extensions: Vec<Self> = Vec::new();
        walk(values, |part| match part {
            Part::Extension(name) => extensions.push(Self::new(unescaped(name))),
            Part::Parameter(name, value) => {
                if let Some(extension) = extensions.last_mut() {
                    extension.parameters.push(Parameter { name: unescaped(name), value: value.map(unescaped) });
                }
            }
        })?;
        Ok(extensions)
    }

    /// Like [`parse_list`](Self::parse_list), for who needs the names alone.
    pub(super) fn names_of_list<'a>(
        values: impl IntoIterator<Item = &'a [u8]>,
        mut found: impl FnMut(&'a [u8]),
    ) -> Result<(), HandshakeError> {
        walk(values, |part| {
            if let Part::Extension(name) = part {
                found(name);
            }
        })
    }

    /// Whether every part is a token, so that the header says what was meant and nothing else.
    pub(super) fn is_well_formed(&self) -> bool {
        is_token(self.name.as_bytes())
            && self.parameters.iter().all(|parameter| {
                is_token(parameter.name.as_bytes())
                    && parameter.value.as_ref().is_none_or(|value| is_token(value.as_bytes()))
            })
    }
}

impl fmt::Display for Extension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        for parameter in &self.parameters {
            write!(f, "; {parameter}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Parameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        match &self.value {
            Some(value) => write!(f, "={value}"),
            None => Ok(()),
        }
    }
}

/// What a list is made of.
enum Part<'a> {
    /// The name of the next extension.
    Extension(&'a [u8]),
    /// A parameter of the extension before: its name, and its value, in which escapes are left.
    Parameter(&'a [u8], Option<&'a [u8]>),
}

/// Reads the values of several headers, which are one list.
fn walk<'a>(values: impl IntoIterator<Item = &'a [u8]>, mut found: impl FnMut(Part<'a>)) -> Result<(), HandshakeError> {
    let mut is_present = false;
    let mut count = 0;
    for value in values {
        is_present = true;
        count += walk_value(value, &mut found).ok_or(HandshakeError::MalformedExtensions)?;
    }
    // extension-list = 1#extension, and of that RFC 2616 section 2.1 says: "null elements are allowed, but
    // do not contribute to the count of elements present [...] where at least one element is required, at
    // least one non-null element MUST be present".
    if is_present && count == 0 {
        return Err(HandshakeError::MalformedExtensions);
    }
    Ok(())
}

/// Reads one header's value to its end and counts its extensions, or returns `None` where it departs from
/// the grammar:
///
/// ```text
/// extension-list  = 1#extension
/// extension       = extension-token *( ";" extension-param )
/// extension-param = token [ "=" (token | quoted-string) ]
/// ```
///
/// RFC 6455 section 4.3 has the "implied *LWS rule" of RFC 2616: white space may stand between any two
/// of these words.
fn walk_value<'a>(value: &'a [u8], found: &mut impl FnMut(Part<'a>)) -> Option<usize> {
    let mut words = Words { rest: value };
    let mut count = 0;
    loop {
        if words.take(b',') {
            continue;
        }
        if words.rest.is_empty() {
            return Some(count);
        }
        found(Part::Extension(words.token()?));
        count += 1;
        while words.take(b';') {
            let name = words.token()?;
            let value = match words.take(b'=') {
                false => None,
                true if words.take(b'"') => Some(words.quoted()?),
                true => Some(words.token()?),
            };
            found(Part::Parameter(name, value));
        }
        if !words.take(b',') && !words.rest.is_empty() {
            return None;
        }
    }
}

/// What is left to read of a header's value.
struct Words<'a> {
    rest: &'a [u8],
}

impl<'a> Words<'a> {
    fn skip_space(&mut self) {
        while let [b' ' | b'\t', rest @ ..] = self.rest {
            self.rest = rest;
        }
    }

    /// Takes the separator, where it stands next, and the space before it.
    fn take(&mut self, separator: u8) -> bool {
        self.skip_space();
        match self.rest {
            [first, rest @ ..] if *first == separator => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    fn token(&mut self) -> Option<&'a [u8]> {
        self.skip_space();
        let (token, rest) = self.rest.split_at_checked(token_length(self.rest))?;
        self.rest = rest;
        (!token.is_empty()).then_some(token)
    }

    /// The inside of a quoted string whose opening quote was taken, with its escapes.
    ///
    /// RFC 6455 section 9.1: "the value after quoted-string unescaping MUST conform to the 'token' ABNF".
    /// Neither a quote nor a backslash is part of a token, so the first quote is the last one, and what a
    /// backslash stands before must be of a token too.
    fn quoted(&mut self) -> Option<&'a [u8]> {
        let end = self.rest.iter().position(|&byte| byte == b'"')?;
        let (quoted, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest.get(1..)?;
        let mut unescaped = quoted;
        while let [b'\\', byte, rest @ ..] | [byte, rest @ ..] = unescaped {
            if !is_token_byte(*byte) {
                return None;
            }
            unescaped = rest;
        }
        (!quoted.is_empty()).then_some(quoted)
    }
}

/// A checked token as text. The backslashes that are left in one of a quoted string are those that escape.
fn unescaped(token: &[u8]) -> String {
    let bytes = token.iter().copied().filter(|&byte| byte != b'\\');
    bytes.map(char::from).collect()
}
