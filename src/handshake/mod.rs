//! The opening handshake, for both roles.

mod error;
mod extension;
mod token;

pub use error::HandshakeError;
pub use extension::{Extension, Parameter};
