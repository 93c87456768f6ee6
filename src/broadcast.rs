//! A message for many connections.

use bytes::{Bytes, BytesMut};

use crate::frame::{Header, MAX_SIZE};
use crate::opcode::Opcode;

/// A message that goes to many connections of a server: framed once, and shared by every outbox.
///
/// ```
/// use sockeye::{Broadcast, Config, Connection, Outbox};
///
/// let news = Broadcast::text("연어가 돌아왔다");
/// for _ in 0..3 {
///     let (mut connection, mut outbox) = (Connection::server(&Config::default()), Outbox::new());
///     connection.broadcast(&news, &mut outbox)?;
/// }
/// # Ok::<(), sockeye::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Broadcast {
    frame: Bytes,
}

impl Broadcast {
    /// A text message.
    pub fn text(text: &str) -> Self {
        Self::new(Opcode::Text, text.as_bytes())
    }

    /// A binary message.
    pub fn binary(data: &[u8]) -> Self {
        Self::new(Opcode::Binary, data)
    }

    /// "A server MUST NOT mask any frames that it sends to the client" (RFC 6455 section 5.1), which is what lets
    /// one frame serve all.
    fn new(opcode: Opcode, payload: &[u8]) -> Self {
        let header = Header { fin: true, reserved: 0, opcode, mask: None, length: payload.len() as u64 };
        let mut frame = BytesMut::with_capacity(MAX_SIZE + payload.len());
        frame.extend_from_slice(header.encode().as_slice());
        frame.extend_from_slice(payload);
        Self { frame: frame.freeze() }
    }

    /// The whole frame.
    pub(crate) fn frame(&self) -> &Bytes {
        &self.frame
    }
}
