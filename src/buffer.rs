//! The two buffers between the engine and the transport.

mod inbox;
mod outbox;

pub use inbox::Inbox;
pub(crate) use outbox::SHARED;
pub use outbox::{Outbox, OutboxFull};
