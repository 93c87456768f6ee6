//! A WebSocket engine that does no I/O of its own.
#![no_std]
#![deny(missing_docs)]
extern crate alloc;
#[cfg(any(feature = "std", test))]
extern crate std;

#[cfg(any(feature = "blocking", feature = "tokio"))]
mod adapter;
#[cfg(feature = "blocking")]
pub mod blocking;
mod broadcast;
mod buffer;
pub mod close;
mod connection;
#[cfg(feature = "deflate")]
pub mod deflate;
mod entropy;
mod error;
pub mod frame;
pub mod handshake;
mod keepalive;
pub mod mask;
mod message;
mod opcode;
mod role;
#[cfg(feature = "tokio")]
pub mod tokio;
pub mod utf8;

#[cfg(any(feature = "blocking", feature = "tokio"))]
pub use adapter::{Client, IoError, Server};
pub use broadcast::Broadcast;
pub use buffer::{Inbox, Outbox, OutboxFull};
/// The crate whose buffers are part of this one's interface.
pub use bytes;
pub use close::{CloseCode, CloseFrame};
pub use connection::{Config, Connection, Duty, Ending, Event, Payload, Piece, Side, TextPayload};
pub use entropy::Entropy;
#[cfg(feature = "std")]
pub use entropy::SystemEntropy;
pub use error::{Error, InvalidText, Limit, Misuse, Protocol};
pub use keepalive::{Due, Keepalive, Timeouts};
pub use message::{Message, Text};
pub use opcode::Opcode;
pub use role::Role;
