//! The sending side.

use bytes::Bytes;

use super::Connection;
use super::closing::State;
use crate::broadcast::Broadcast;
use crate::buffer::{Outbox, OutboxFull};
use crate::error::{Error, Misuse};
use crate::frame::{self, COMPRESSED, Encoded, Header, MAX_SIZE};
use crate::mask::Mask;
use crate::message::{Message, Part};
use crate::opcode::Opcode;

impl Connection {
    /// Action: sends a text message in one frame, copied into the outbox.
    ///
    /// # Errors
    /// [`Misuse::Closed`] after a close frame was sent or received, [`Misuse::MessageOpen`] while a message is being
    /// sent in fragments, [`Error::OutboxFull`] past the outbox's limit. Nothing is sent then. After a failure, that
    /// error.
    #[inline]
    pub fn send_text(&mut self, text: &str, outbox: &mut Outbox) -> Result<(), Error> {
        self.send_data(Opcode::Text, Load::lent(text.as_bytes()), outbox)
    }

    /// Action: sends a binary message in one frame, copied into the outbox.
    ///
    /// # Errors
    /// As [`send_text`](Self::send_text).
    #[inline]
    pub fn send_binary(&mut self, data: &[u8], outbox: &mut Outbox) -> Result<(), Error> {
        self.send_data(Opcode::Binary, Load::lent(data), outbox)
    }

    /// Action: sends an owned message. A large payload is not copied, its memory is shared with the outbox; a client's is
    /// masked 64 KiB at a time, as it leaves.
    ///
    /// # Errors
    /// As [`send_text`](Self::send_text), [`ping`](Self::ping) and [`close`](Self::close).
    pub fn send(&mut self, message: &Message, outbox: &mut Outbox) -> Result<(), Error> {
        match message {
            Message::Text(text) => self.send_data(Opcode::Text, Load::owned(text.as_shared()), outbox),
            Message::Binary(data) => self.send_data(Opcode::Binary, Load::owned(data), outbox),
            Message::Ping(data) => self.ping(data, outbox),
            Message::Pong(data) => self.pong(data, outbox),
            Message::Close(frame) => self.close(frame.as_ref(), outbox),
        }
    }

    /// Action: sends a fragment of a message, or a control frame. A large payload is shared, as by [`send`](Self::send).
    ///
    /// # Errors
    /// As [`send_text_fragment`](Self::send_text_fragment), [`ping`](Self::ping) and [`close`](Self::close).
    pub fn send_part(&mut self, part: &Part, outbox: &mut Outbox) -> Result<(), Error> {
        match part {
            Part::Text { text, last } => self.send_fragment(Opcode::Text, Load::owned(text.as_shared()), *last, outbox),
            Part::Binary { data, last } => self.send_fragment(Opcode::Binary, Load::owned(data), *last, outbox),
            Part::Ping(data) => self.ping(data, outbox),
            Part::Pong(data) => self.pong(data, outbox),
            Part::Close(frame) => self.close(frame.as_ref(), outbox),
        }
    }

    /// Action: sends a fragment of a text message; `last` ends the message. Control frames may be sent between
    /// fragments, other messages may not (RFC 6455 section 5.4). A message that is open may be finished after the
    /// peer's close frame has come, before it is answered (section 5.5.1).
    ///
    /// # Errors
    /// [`Misuse::Closed`], [`Misuse::OtherKind`] where a binary message is open, [`Error::OutboxFull`]. Nothing is
    /// sent then. After a failure, that error.
    pub fn send_text_fragment(&mut self, text: &str, last: bool, outbox: &mut Outbox) -> Result<(), Error> {
        self.send_fragment(Opcode::Text, Load::lent(text.as_bytes()), last, outbox)
    }

    /// Action: sends a fragment of a binary message; `last` ends the message.
    ///
    /// # Errors
    /// As [`send_text_fragment`](Self::send_text_fragment), where a text message is open.
    pub fn send_binary_fragment(&mut self, data: &[u8], last: bool, outbox: &mut Outbox) -> Result<(), Error> {
        self.send_fragment(Opcode::Binary, Load::lent(data), last, outbox)
    }

    /// Action: sends a message that was framed once for many connections. Servers only, as a client masks each
    /// frame anew.
    ///
    /// # Errors
    /// As [`send_text`](Self::send_text), and [`Misuse::UnmaskedBroadcast`] on a client's connection.
    #[inline]
    pub fn broadcast(&mut self, message: &Broadcast, outbox: &mut Outbox) -> Result<(), Error> {
        if self.role.masks() {
            return Err(Misuse::UnmaskedBroadcast.into());
        }
        let frame = message.frame(self.compression.stateless());
        self.admit_message()?;
        outbox.admit(frame.len())?;
        outbox.share(frame);
        Ok(())
    }

    /// Action: sends a ping (RFC 6455 section 5.5.2). The peer's answer comes as [`Event::Pong`](crate::Event::Pong)
    /// with the same payload.
    ///
    /// # Errors
    /// [`Misuse::LongControl`] for more than 125 bytes, [`Misuse::Closed`] after both close frames or the end of the
    /// transport, [`Error::OutboxFull`]. Nothing is sent then. After a failure, that error.
    pub fn ping(&mut self, payload: &[u8], outbox: &mut Outbox) -> Result<(), Error> {
        self.send_control(Opcode::Ping, payload, outbox)
    }

    /// Action: sends a pong, as a heartbeat (RFC 6455 section 5.5.3), or as the answer to a ping where
    /// [`Config::auto_pong`](crate::Config::auto_pong) is off.
    ///
    /// # Errors
    /// As [`ping`](Self::ping).
    pub fn pong(&mut self, payload: &[u8], outbox: &mut Outbox) -> Result<(), Error> {
        self.send_control(Opcode::Pong, payload, outbox)
    }

    #[inline]
    fn send_data(&mut self, opcode: Opcode, load: Load<'_>, outbox: &mut Outbox) -> Result<(), Error> {
        self.admit_message()?;
        self.send_frame(opcode, true, load, outbox)
    }

    fn send_fragment(&mut self, kind: Opcode, load: Load<'_>, last: bool, outbox: &mut Outbox) -> Result<(), Error> {
        let opcode = match self.sending {
            None => {
                self.admit_data()?;
                kind
            }
            Some(open) => {
                self.admit_rest()?;
                if open != kind {
                    return Err(Misuse::OtherKind(open).into());
                }
                Opcode::Continuation
            }
        };
        self.send_frame(opcode, last, load, outbox)?;
        self.sending = if last { None } else { Some(kind) };
        Ok(())
    }

    /// Sends a frame of a message that may be sent, compressed where that was negotiated and the message is worth it.
    #[inline]
    fn send_frame(&mut self, opcode: Opcode, fin: bool, load: Load<'_>, outbox: &mut Outbox) -> Result<(), Error> {
        if self.compression.is_negotiated() && self.send_compressed(opcode, fin, load.bytes, outbox)? {
            return Ok(());
        }
        self.admit_frame(load.bytes.len(), outbox)?;
        let (header, mask) = self.start(opcode, fin, load.bytes.len());
        match load.owned {
            None => outbox.gather(header, load.bytes, mask),
            Some(payload) => outbox.gather_owned(header, payload, mask),
        }
        Ok(())
    }

    fn send_control(&mut self, opcode: Opcode, payload: &[u8], outbox: &mut Outbox) -> Result<(), Error> {
        self.admit_control()?;
        if payload.len() > CONTROL_LIMIT {
            return Err(Misuse::LongControl(payload.len()).into());
        }
        self.admit_frame(payload.len(), outbox)?;
        self.write(opcode, payload, outbox);
        Ok(())
    }

    /// Answers a ping by itself.
    pub(super) fn answer(&mut self, payload: &[u8], outbox: &mut Outbox) {
        let (header, mask) = self.start(Opcode::Pong, true, payload.len());
        outbox.pong(header, payload, mask);
    }

    /// Writes a control frame, whatever the outbox's limit.
    pub(super) fn write(&mut self, opcode: Opcode, payload: &[u8], outbox: &mut Outbox) {
        let (header, mask) = self.start(opcode, true, payload.len());
        outbox.gather(header, payload, mask);
    }

    /// Whether the message is a compressed one. RFC 7692 section 6: "A message with the "Per-Message Compressed" bit
    /// set on the first fragment of the message is called a "compressed message"."
    ///
    /// # Errors
    /// [`Error::OutboxFull`] where the most that it may become does not fit.
    #[inline(never)]
    fn send_compressed(
        &mut self,
        opcode: Opcode,
        fin: bool,
        payload: &[u8],
        outbox: &mut Outbox,
    ) -> Result<bool, Error> {
        // DEFLATE adds to what it cannot compress.
        let added = if self.compression.will_compress(payload.len(), fin) { payload.len() / 4 + 128 } else { 0 };
        let most = payload.len() + added;
        self.admit_frame(most, outbox)?;
        let key = self.key();
        let reserved = if opcode == Opcode::Continuation { 0 } else { COMPRESSED };
        let compression = &mut self.compression;
        Ok(outbox.gather_written(
            MAX_SIZE + most,
            |output| compression.compress(payload, fin, output),
            |length| Header { fin, reserved, opcode, mask: key, length }.encode(),
            mask(key),
        ))
    }

    /// Whether the outbox takes a frame with so much payload.
    #[inline]
    fn admit_frame(&self, payload: usize, outbox: &Outbox) -> Result<(), OutboxFull> {
        outbox.admit(frame::size(payload, self.role.masks()) + payload)
    }

    /// The header of a frame that is not compressed, and what masks its payload where this end masks.
    #[inline]
    fn start(&mut self, opcode: Opcode, fin: bool, length: usize) -> (Encoded, Mask) {
        let key = self.key();
        (Header { fin, reserved: 0, opcode, mask: key, length: length as u64 }.encode(), mask(key))
    }

    /// A fresh key, where this end masks (RFC 6455 section 5.1).
    #[inline]
    fn key(&mut self) -> Option<[u8; 4]> {
        Some(self.aside.as_mut()?.masks.as_mut()?.fresh())
    }

    /// Whether a whole message can be sent now.
    #[inline]
    fn admit_message(&self) -> Result<(), Error> {
        self.admit_data()?;
        if self.sending.is_some() {
            return Err(Misuse::MessageOpen.into());
        }
        Ok(())
    }

    /// "The endpoint MUST ensure the WebSocket connection is in the OPEN state" (RFC 6455 section 6.1).
    #[inline]
    fn admit_data(&self) -> Result<(), Error> {
        match self.state {
            State::Open => Ok(()),
            State::CloseReceived | State::CloseSent | State::Closed | State::Failed | State::Lost => Err(self.closed()),
        }
    }

    /// "The application MUST NOT send any more data frames after sending a Close frame", but it "MAY send the
    /// remaining fragments before sending a Close frame" in response (RFC 6455 section 5.5.1).
    fn admit_rest(&self) -> Result<(), Error> {
        match self.state {
            State::Open | State::CloseReceived => Ok(()),
            State::CloseSent | State::Closed | State::Failed | State::Lost => Err(self.closed()),
        }
    }

    /// "An endpoint MAY send a Ping frame any time after the connection is established and before the connection is
    /// closed", and a pong it owes until it has received a close frame, whether or not it has sent one (RFC 6455
    /// section 5.5.2).
    fn admit_control(&self) -> Result<(), Error> {
        match self.state {
            State::Open | State::CloseSent | State::CloseReceived => Ok(()),
            State::Closed | State::Failed | State::Lost => Err(self.closed()),
        }
    }
}

/// A payload, and its memory where that can be shared.
#[derive(Clone, Copy)]
struct Load<'a> {
    bytes: &'a [u8],
    owned: Option<&'a Bytes>,
}

impl<'a> Load<'a> {
    #[inline]
    fn lent(bytes: &'a [u8]) -> Self {
        Self { bytes, owned: None }
    }

    fn owned(bytes: &'a Bytes) -> Self {
        Self { bytes, owned: Some(bytes) }
    }
}

#[inline]
fn mask(key: Option<[u8; 4]>) -> Mask {
    key.map_or(Mask::NONE, Mask::new)
}

/// "All control frames MUST have a payload length of 125 bytes or less" (RFC 6455 section 5.5).
const CONTROL_LIMIT: usize = 125;
