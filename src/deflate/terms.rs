//! The parameters of an offer or of a response, read.

use alloc::boxed::Box;
use core::fmt;

use super::negotiation::NegotiationError;
use crate::handshake::Parameter;

/// The parameters of one offer or of one response.
#[derive(Default)]
pub(super) struct Terms {
    pub(super) server_no_context_takeover: bool,
    pub(super) client_no_context_takeover: bool,
    pub(super) server_max_window_bits: Option<u8>,
    /// In an offer the value may be absent.
    pub(super) client_max_window_bits: Option<Option<u8>>,
}

impl Terms {
    /// Reads the parameters of one element, which came in any order.
    pub(super) fn read(parameters: &[Parameter]) -> Result<Self, NegotiationError> {
        let mut terms = Self::default();
        for Parameter { name, value } in parameters {
            let Some(parameter) = ParameterName::read(name) else {
                return Err(NegotiationError::Unknown { parameter: name.as_str().into() });
            };
            let value = value.as_deref();
            // Section 7.1.1: "This extension parameter has no value."
            let flag = value.is_none().then_some(true);
            let new = match parameter {
                ParameterName::ServerNoContextTakeover => set(&mut terms.server_no_context_takeover, flag),
                ParameterName::ClientNoContextTakeover => set(&mut terms.client_no_context_takeover, flag),
                ParameterName::ServerMaxWindowBits => {
                    set(&mut terms.server_max_window_bits, value.and_then(window_bits).map(Some))
                }
                ParameterName::ClientMaxWindowBits => set(
                    &mut terms.client_max_window_bits,
                    value.map_or(Some(None), |value| window_bits(value).map(Some)).map(Some),
                ),
            };
            match new {
                Set::First => {}
                Set::Again => return Err(NegotiationError::Duplicate { parameter }),
                Set::Invalid => {
                    return Err(NegotiationError::Value { parameter, value: value.map(Box::from) });
                }
            }
        }
        Ok(terms)
    }
}

/// The name of a parameter of permessage-deflate (RFC 7692 section 7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ParameterName {
    /// `server_no_context_takeover` (section 7.1.1.1).
    ServerNoContextTakeover,
    /// `client_no_context_takeover` (section 7.1.1.2).
    ClientNoContextTakeover,
    /// `server_max_window_bits` (section 7.1.2.1).
    ServerMaxWindowBits,
    /// `client_max_window_bits` (section 7.1.2.2).
    ClientMaxWindowBits,
}

impl ParameterName {
    /// The name as it stands in the header.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ServerNoContextTakeover => "server_no_context_takeover",
            Self::ClientNoContextTakeover => "client_no_context_takeover",
            Self::ServerMaxWindowBits => "server_max_window_bits",
            Self::ClientMaxWindowBits => "client_max_window_bits",
        }
    }

    fn read(name: &str) -> Option<Self> {
        [
            Self::ServerNoContextTakeover,
            Self::ClientNoContextTakeover,
            Self::ServerMaxWindowBits,
            Self::ClientMaxWindowBits,
        ]
        .into_iter()
        .find(|known| known.as_str() == name)
    }
}

impl fmt::Display for ParameterName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What became of a value that was to be put into its place.
enum Set {
    First,
    Again,
    Invalid,
}

fn set<T: Default + PartialEq>(place: &mut T, value: Option<T>) -> Set {
    if *place != T::default() {
        return Set::Again;
    }
    match value {
        Some(value) => {
            *place = value;
            Set::First
        }
        None => Set::Invalid,
    }
}

/// Section 7.1.2: "a decimal integer value without leading zeroes between 8 to 15, inclusive".
fn window_bits(value: &str) -> Option<u8> {
    match value {
        "8" => Some(8),
        "9" => Some(9),
        "10" => Some(10),
        "11" => Some(11),
        "12" => Some(12),
        "13" => Some(13),
        "14" => Some(14),
        "15" => Some(15),
        _ => None,
    }
}
