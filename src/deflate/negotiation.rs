//! Offers, answers, and the check of an answer (RFC 7692 sections 5.1 and 7.1).

use alloc::boxed::Box;
use alloc::string::ToString;
use alloc::vec::Vec;
use core::error::Error;
use core::fmt;

use super::options::Options;
use super::parameters::{Direction, MAX_WINDOW_BITS, Parameters};
use super::terms::{ParameterName, Terms};
use crate::handshake::Extension;

impl Options {
    /// The offers of a client, the preferred one first.
    ///
    /// There is one offer, and with [`fallback`](Self::fallback) a second one that asks nothing of
    /// what the server sends. Every offer says `client_max_window_bits`, so that the server may limit
    /// what we send.
    pub fn offers(&self) -> Vec<Extension> {
        let mut offers = Vec::new();
        let bounded = self.remote.window_bits() < MAX_WINDOW_BITS;
        offers.push(self.offer(self.remote.context_takeover(), bounded));
        if self.fallback && (bounded || !self.remote.context_takeover()) {
            offers.push(self.offer(true, false));
        }
        offers
    }

    /// The answer of a server to the offers of a client, in their order: the element of the response,
    /// and what was agreed on. `None` declines: the response then has no such element, and messages
    /// travel uncompressed.
    ///
    /// Offers of other extensions are passed over.
    pub fn answer(&self, offers: &[Extension]) -> Option<(Extension, Parameters)> {
        // RFC 7692 section 7: "A server MUST decline an extension negotiation offer for this extension
        // if any of the following conditions are met": a parameter not defined for use in an offer, one
        // with an invalid value, "multiple extension parameters with the same name", and "The server
        // doesn't support the offered configuration."
        offers
            .iter()
            .filter(|offer| offer.name == NAME)
            .filter_map(|offer| Terms::read(&offer.parameters).ok())
            .find_map(|terms| self.accept(&terms))
    }

    /// What a client agreed on by the response to its [`offers`](Self::offers); `None` where the server
    /// declined.
    ///
    /// Elements of other extensions are passed over.
    ///
    /// # Errors
    ///
    /// The response is not an answer to what was offered. RFC 7692 section 5: "If a server gives an
    /// invalid response, [...] the client MUST _Fail the WebSocket Connection_."
    pub fn verify(&self, response: &[Extension]) -> Result<Option<Parameters>, NegotiationError> {
        let mut elements = response.iter().filter(|element| element.name == NAME);
        let Some(element) = elements.next() else {
            return Ok(None);
        };
        if elements.next().is_some() {
            return Err(NegotiationError::Repeated);
        }
        let terms = Terms::read(&element.parameters)?;
        if !self.fallback {
            self.insist(&terms)?;
        }
        let local_bits = match terms.client_max_window_bits {
            None => MAX_WINDOW_BITS,
            Some(Some(bits)) => bits,
            // Section 7.1.2.2: "The "client_max_window_bits" extension parameter in an extension
            // negotiation response has a decimal integer value".
            Some(None) => {
                return Err(NegotiationError::Value { parameter: ParameterName::ClientMaxWindowBits, value: None });
            }
        };
        Ok(Some(Parameters {
            local: Direction::new(
                self.local.window_bits().min(local_bits),
                // Section 7.1.1.2: "A client MUST support the "client_no_context_takeover" extension
                // parameter in an extension negotiation response."
                self.local.context_takeover() && !terms.client_no_context_takeover,
            ),
            remote: Direction::new(
                terms.server_max_window_bits.unwrap_or(MAX_WINDOW_BITS),
                !terms.server_no_context_takeover,
            ),
        }))
    }

    fn offer(&self, remote_context_takeover: bool, bounded: bool) -> Extension {
        let mut offer = Extension::new(NAME);
        if !remote_context_takeover {
            offer = offer.with(ParameterName::ServerNoContextTakeover.as_str(), None);
        }
        if !self.local.context_takeover() {
            offer = offer.with(ParameterName::ClientNoContextTakeover.as_str(), None);
        }
        if bounded {
            offer = with_bits(offer, ParameterName::ServerMaxWindowBits, self.remote.window_bits());
        }
        if self.local.window_bits() < MAX_WINDOW_BITS {
            with_bits(offer, ParameterName::ClientMaxWindowBits, self.local.window_bits())
        } else {
            offer.with(ParameterName::ClientMaxWindowBits.as_str(), None)
        }
    }

    /// The answer to one offer.
    fn accept(&self, terms: &Terms) -> Option<(Extension, Parameters)> {
        let remote_bits = match terms.client_max_window_bits {
            // Section 7.1.2.2: "If a received extension negotiation offer doesn't have the
            // "client_max_window_bits" extension parameter, the corresponding extension negotiation
            // response to the offer MUST NOT include [it]." So the client will use 15 bits.
            None if self.remote.window_bits() < MAX_WINDOW_BITS && !self.fallback => return None,
            None => MAX_WINDOW_BITS,
            // "use this value to avoid allocating an unnecessarily big LZ77 sliding window by including
            // the "client_max_window_bits" extension parameter [...] with a value equal to or smaller".
            Some(hint) => hint.unwrap_or(MAX_WINDOW_BITS).min(self.remote.window_bits()),
        };
        let parameters = Parameters {
            // Section 7.1.2.1: "with the same or smaller value as the offer".
            local: Direction::new(
                terms.server_max_window_bits.unwrap_or(MAX_WINDOW_BITS).min(self.local.window_bits()),
                self.local.context_takeover() && !terms.server_no_context_takeover,
            ),
            remote: Direction::new(remote_bits, self.remote.context_takeover() && !terms.client_no_context_takeover),
        };

        let mut answer = Extension::new(NAME);
        // Section 7.1.1.1: "A server accepts an extension negotiation offer that includes the
        // "server_no_context_takeover" extension parameter by including [it] in the corresponding
        // extension negotiation response", and "MAY include [it] even if the [...] offer [...] didn't".
        if !parameters.local.context_takeover() {
            answer = answer.with(ParameterName::ServerNoContextTakeover.as_str(), None);
        }
        if !parameters.remote.context_takeover() {
            answer = answer.with(ParameterName::ClientNoContextTakeover.as_str(), None);
        }
        // Section 7.1.2.1: the same for "server_max_window_bits".
        let local_bits = parameters.local.window_bits();
        if terms.server_max_window_bits.is_some() || local_bits < MAX_WINDOW_BITS {
            answer = with_bits(answer, ParameterName::ServerMaxWindowBits, local_bits);
        }
        if remote_bits < MAX_WINDOW_BITS {
            answer = with_bits(answer, ParameterName::ClientMaxWindowBits, remote_bits);
        }
        Some((answer, parameters))
    }

    /// Holds a response to what the only offer asked of the server.
    fn insist(&self, terms: &Terms) -> Result<(), NegotiationError> {
        // Section 7.1.1.1: a server accepts "by including the "server_no_context_takeover" extension
        // parameter in the corresponding extension negotiation response".
        if !self.remote.context_takeover() && !terms.server_no_context_takeover {
            return Err(NegotiationError::Missing { parameter: ParameterName::ServerNoContextTakeover });
        }
        // Section 7.1.2.1: "with the same or smaller value as the offer". Without a limit in the offer
        // every window is small enough.
        let offered = self.remote.window_bits();
        match terms.server_max_window_bits {
            None if offered < MAX_WINDOW_BITS => {
                Err(NegotiationError::Missing { parameter: ParameterName::ServerMaxWindowBits })
            }
            Some(bits) if bits > offered => Err(NegotiationError::Window { offered, came: bits }),
            _ => Ok(()),
        }
    }
}

/// Why a response is not an answer to the offers of a client: the connection fails
/// (RFC 7692 sections 5 and 7).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NegotiationError {
    /// The extension was accepted more than once.
    Repeated,
    /// A parameter that RFC 7692 section 7.1 does not define.
    Unknown {
        /// Its name, as it came.
        parameter: Box<str>,
    },
    /// A parameter came twice.
    Duplicate {
        /// Its name.
        parameter: ParameterName,
    },
    /// A parameter has a value that it must not have, or lacks one.
    Value {
        /// Its name.
        parameter: ParameterName,
        /// The value, as it came.
        value: Option<Box<str>>,
    },
    /// A parameter that the offer made a condition was not echoed.
    Missing {
        /// Its name.
        parameter: ParameterName,
    },
    /// The server wants a larger window than it was offered.
    Window {
        /// The most that was offered, in bits.
        offered: u8,
        /// What came, in bits.
        came: u8,
    },
}

impl fmt::Display for NegotiationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Repeated => f.write_str("permessage-deflate was accepted more than once (RFC 7692 section 5)"),
            Self::Unknown { parameter } => {
                write!(f, "permessage-deflate has no parameter {parameter:?} (RFC 7692 section 7.1)")
            }
            Self::Duplicate { parameter } => {
                write!(f, "the parameter {parameter} came twice, once at most is allowed (RFC 7692 section 7)")
            }
            Self::Value { parameter, value: Some(value) } => write!(
                f,
                "the parameter {parameter} cannot have the value {value:?} (RFC 7692 section 7.1): \
                 window bits are 8 to 15 without leading zeros, context takeover has no value"
            ),
            Self::Value { parameter, value: None } => {
                write!(f, "the parameter {parameter} lacks its value, 8 to 15 (RFC 7692 section 7.1.2)")
            }
            Self::Missing { parameter } => write!(
                f,
                "the response lacks {parameter}, which the offer asked for (RFC 7692 section 7.1); \
                 a fallback offer would let this server accept without it"
            ),
            Self::Window { offered, came } => write!(
                f,
                "the response has server_max_window_bits={came}, at most {offered} was offered \
                 (RFC 7692 section 7.1.2.1)"
            ),
        }
    }
}

impl Error for NegotiationError {}

fn with_bits(extension: Extension, parameter: ParameterName, bits: u8) -> Extension {
    extension.with(parameter.as_str(), Some(&bits.to_string()))
}

const NAME: &str = "permessage-deflate";
