//! The grammar of `Sec-WebSocket-Extensions`.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::error::HandshakeError;
use super::token::{is_token, is_token_byte};

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
    /// in the length of the values.
    ///
    /// # Errors
    ///
    /// [`HandshakeError::MalformedExtensions`] for whatever departs from the grammar. RFC 6455 section
    /// 9.1: "the recipient of such malformed data MUST immediately _Fail the WebSocket Connection_".
    pub fn parse_list<'a>(values: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<Self>, HandshakeError> {
        let mut extensions = Vec::new();
        let mut present = false;
        for value in values {
            present = true;
            parse_value(value, &mut extensions).ok_or(HandshakeError::MalformedExtensions)?;
        }
        // extension-list = 1#extension, and of that RFC 2616 section 2.1 says: "null elements are
        // allowed, but do not contribute to the count of elements present [...] where at least one
        // element is required, at least one non-null element MUST be present".
        if present && extensions.is_empty() {
            return Err(HandshakeError::MalformedExtensions);
        }
        Ok(extensions)
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

/// Reads one header's value to its end, or returns `None` where it departs from the grammar:
///
/// ```text
/// extension-list  = 1#extension
/// extension       = extension-token *( ";" extension-param )
/// extension-param = token [ "=" (token | quoted-string) ]
/// ```
///
/// RFC 6455 section 4.3 has the "implied *LWS rule" of RFC 2616: white space may stand between any two
/// of these words.
fn parse_value(value: &[u8], extensions: &mut Vec<Extension>) -> Option<()> {
    let mut words = Words { rest: value };
    loop {
        words.skip_space();
        if words.rest.is_empty() {
            return Some(());
        }
        if words.take(b',') {
            continue;
        }
        let mut extension = Extension::new(words.token()?);
        while words.take(b';') {
            extension.parameters.push(words.parameter()?);
        }
        extensions.push(extension);
        if !words.take(b',') && !words.rest.is_empty() {
            return None;
        }
    }
}

/// What is left to read of a header's value.
struct Words<'a> {
    rest: &'a [u8],
}

impl Words<'_> {
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

    fn token(&mut self) -> Option<String> {
        self.skip_space();
        let length = self.rest.iter().take_while(|&&byte| is_token_byte(byte)).count();
        let (token, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        checked_token(token.to_vec())
    }

    fn parameter(&mut self) -> Option<Parameter> {
        let name = self.token()?;
        let value = match self.take(b'=') {
            false => None,
            true if self.take(b'"') => Some(self.quoted()?),
            true => Some(self.token()?),
        };
        Some(Parameter { name, value })
    }

    /// The inside of a quoted string whose opening quote was taken.
    ///
    /// RFC 6455 section 9.1: "the value after quoted-string unescaping MUST conform to the 'token' ABNF".
    fn quoted(&mut self) -> Option<String> {
        let mut unescaped = Vec::new();
        loop {
            let (byte, rest) = match self.rest {
                [b'"', rest @ ..] => {
                    self.rest = rest;
                    return checked_token(unescaped);
                }
                [b'\\', escaped, rest @ ..] => (*escaped, rest),
                [byte, rest @ ..] => (*byte, rest),
                [] => return None,
            };
            unescaped.push(byte);
            self.rest = rest;
        }
    }
}

/// The bytes as text, where they are a token.
fn checked_token(bytes: Vec<u8>) -> Option<String> {
    if is_token(&bytes) { String::from_utf8(bytes).ok() } else { None }
}
