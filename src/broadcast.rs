//! A message for many connections.

use bytes::{Bytes, BytesMut};

#[cfg(feature = "deflate")]
use crate::deflate::{Deflate, Direction, Options, Parameters};
#[cfg(feature = "deflate")]
use crate::frame::COMPRESSED;
use crate::frame::Header;
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
    /// The whole frame.
    frame: Bytes,
    /// The same compressed, and the bits of the window that it needs.
    compressed: Option<(Bytes, u8)>,
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

    /// The same message, compressed once for all connections that have agreed on compression without context takeover
    /// and on at least the window of `options`. The others get it uncompressed, which every connection may (RFC 7692
    /// section 6.1).
    #[cfg(feature = "deflate")]
    #[must_use]
    pub fn deflated(mut self, options: &Options) -> Self {
        let local = Direction::new(options.local().window_bits(), false);
        let mut deflate = Deflate::new(Parameters { local, remote: local }, options);
        if let Ok(Some((Header { opcode, .. }, size))) = Header::decode(&self.frame) {
            let mut payload = BytesMut::new();
            if deflate.compress(&self.frame[size..], true, &mut payload) {
                self.compressed = Some((frame(opcode, COMPRESSED, &payload), local.window_bits()));
            }
        }
        self
    }

    fn new(opcode: Opcode, payload: &[u8]) -> Self {
        Self { frame: frame(opcode, 0, payload), compressed: None }
    }

    /// The whole frame for a connection whose messages are compressed each by itself with this many window bits, or
    /// not so.
    pub(crate) fn frame(&self, window_bits: Option<u8>) -> &Bytes {
        match (&self.compressed, window_bits) {
            (Some((frame, needed)), Some(bits)) if *needed <= bits => frame,
            _ => &self.frame,
        }
    }
}

/// A whole frame. "A server MUST NOT mask any frames that it sends to the client" (RFC 6455
/// section 5.1), which is what lets one frame serve all.
fn frame(opcode: Opcode, reserved: u8, payload: &[u8]) -> Bytes {
    let header = Header { fin: true, reserved, opcode, mask: None, length: payload.len() as u64 }.encode();
    let header = header.as_slice();
    let mut frame = BytesMut::with_capacity(header.len() + payload.len());
    frame.extend_from_slice(header);
    frame.extend_from_slice(payload);
    frame.freeze()
}
