//! The rules about headers that bind both roles.

use super::error::HandshakeError;
use super::fields::Fields;
use super::name::Name;
use super::token::{elements, is_in_any_case};

/// The header that comes at most once (RFC 6455 section 11.3).
pub(super) fn at_most_one(fields: &Fields, name: Name) -> Result<Option<&[u8]>, HandshakeError> {
    if fields.has_more_than_one(name) {
        return Err(HandshakeError::RepeatedHeader(name.text()));
    }
    Ok(fields.known(name).next())
}

/// The header that comes once and only once.
pub(super) fn only(fields: &Fields, name: Name) -> Result<&[u8], HandshakeError> {
    at_most_one(fields, name)?.ok_or(HandshakeError::MissingHeader(name.text()))
}

/// Whether the header, which is a list, has an element that is `element` in any case.
pub(super) fn lists<const N: usize>(fields: &Fields, name: Name, element: &[u8; N]) -> bool {
    fields.known(name).any(|value| {
        // As a rule it is the only one.
        is_in_any_case(value, element) || elements(value).any(|listed| is_in_any_case(listed, element))
    })
}

/// "A Connection header field that includes the token "Upgrade", treated as an ASCII case-insensitive
/// value" (RFC 6455 section 4.2.1, and section 4.1 for a response).
pub(super) fn check_connection(fields: &Fields) -> Result<(), HandshakeError> {
    let name = Name::Connection;
    if lists(fields, name, b"upgrade") {
        return Ok(());
    }
    Err(match fields.known(name).next() {
        Some(_) => HandshakeError::WrongHeader(name.text()),
        None => HandshakeError::MissingHeader(name.text()),
    })
}
