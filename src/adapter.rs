//! What the adapters share: their options, their error, and the order in which a connection, its buffers and its
//! deadlines are driven.

mod driver;
mod error;
pub(crate) mod memory;
mod options;
#[cfg(any(feature = "tokio", feature = "futures"))]
pub mod polled;
#[cfg(feature = "rustls")]
pub(crate) mod tls;
mod upgrade;

pub(crate) use driver::{Driver, Received, Sent, Step};
pub use error::IoError;
pub use options::{Client, Server};
#[cfg(feature = "rustls")]
pub use tls::{Identity, Roots, TlsError, WrongName};
pub use upgrade::{Upgrade, Upgrading};
