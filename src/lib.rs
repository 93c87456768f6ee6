//! A WebSocket engine that does no I/O of its own.
#![no_std]
#![deny(missing_docs)]
extern crate alloc;
#[cfg(any(feature = "std", test))]
extern crate std;

pub mod close;
pub mod frame;
pub mod mask;
mod opcode;
mod role;
pub mod utf8;

pub use close::{CloseCode, CloseFrame};
pub use opcode::Opcode;
pub use role::Role;
