//! What the adapters share: their options, their error, and the order in which a connection, its buffers and its
//! deadlines are driven.

mod driver;
mod error;
pub(crate) mod memory;
mod options;
#[cfg(feature = "rustls")]
pub(crate) mod tls;

pub(crate) use driver::{Driver, Received, Sent, Step};
pub use error::IoError;
pub(crate) use options::Established;
pub use options::{Client, Server};
#[cfg(feature = "rustls")]
pub use tls::{Identity, Roots, TlsError, WrongName};
