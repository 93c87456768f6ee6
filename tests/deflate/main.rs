//! permessage-deflate in a connection (RFC 7692): rules 59 to 72 of the conformance list, from the outside.
#![cfg(feature = "deflate")]

mod limits;
mod negotiation;
mod oracle;
mod roundtrip;
mod rules;
mod wire;
