//! The two buffers between the engine and the transport.

mod gathered;
mod inbox;
mod outbox;
mod shared;

pub use inbox::Inbox;
pub use outbox::{Outbox, OutboxFull};
