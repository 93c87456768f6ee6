//! A WebSocket engine that does no I/O of its own.
#![no_std]
#![deny(missing_docs)]
extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

#[cfg(feature = "deflate")]
pub mod deflate;
pub mod handshake;
mod opcode;
mod role;

pub use opcode::Opcode;
pub use role::Role;
