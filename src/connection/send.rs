//! The sending side.

use bytes::Bytes;

use super::Connection;
use super::closing::State;
use super::masks::Masks;
use crate::broadcast::Broadcast;
use crate::buffer::Outbox;
use crate::error::{Error, Misuse};
use crate::frame::{self, COMPRESSED, MAX_SIZE, Packed};
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
        self.send_lent(Opcode::Text, text.as_bytes(), outbox)
    }

    /// Action: sends a binary message in one frame, copied into the outbox.
    ///
    /// # Errors
    /// As [`send_text`](Self::send_text).
    #[inline]
    pub fn send_binary(&mut self, data: &[u8], outbox: &mut Outbox) -> Result<(), Error> {
        self.send_lent(Opcode::Binary, data, outbox)
    }

    /// Action: sends an owned message. A large payload is not copied, its memory is shared with the outbox; a client's is
    /// masked 32 KiB at a time, as it leaves.
    ///
    /// # Errors
    /// As [`send_text`](Self::send_text), [`ping`](Self::ping) and [`close`](Self::close).
    pub fn send(&mut self, message: &Message, outbox: &mut Outbox) -> Result<(), Error> {
        match message {
            Message::Text(text) => self.send_data(Opcode::Text, text.as_shared(), outbox),
            Message::Binary(data) => self.send_data(Opcode::Binary, data, outbox),
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
            Part::Text { text, last } => self.send_fragment(Opcode::Text, text.as_shared(), *last, outbox),
            Part::Binary { data, last } => self.send_fragment(Opcode::Binary, data, *last, outbox),
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
        self.send_fragment(Opcode::Text, text.as_bytes(), last, outbox)
    }

    /// Action: sends a fragment of a binary message; `last` ends the message.
    ///
    /// # Errors
    /// As [`send_text_fragment`](Self::send_text_fragment), where a text message is open.
    pub fn send_binary_fragment(&mut self, data: &[u8], last: bool, outbox: &mut Outbox) -> Result<(), Error> {
        self.send_fragment(Opcode::Binary, data, last, outbox)
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

    /// Sends a message that is lent. Most go the short way; what that does not take goes the careful way, which judges
    /// every one.
    #[inline]
    fn send_lent(&mut self, opcode: Opcode, payload: &[u8], outbox: &mut Outbox) -> Result<(), Error> {
        if self.state == State::Open && self.sending.is_none() && !self.compression.is_negotiated() {
            let first = 0x80 | opcode.bits();
            let is_sent = match self.masks() {
                None => outbox.try_gather(first, payload, None),
                Some(masks) => {
                    let is_sent = outbox.try_gather(first, payload, Some(masks.next()));
                    if is_sent {
                        masks.spend();
                    }
                    is_sent
                }
            };
            if is_sent {
                return Ok(());
            }
        }
        self.send_data(opcode, payload, outbox)
    }

    fn send_data(&mut self, opcode: Opcode, load: impl Load, outbox: &mut Outbox) -> Result<(), Error> {
        self.admit_message()?;
        self.send_frame(opcode, true, load, outbox)
    }

    fn send_fragment(&mut self, kind: Opcode, load: impl Load, last: bool, outbox: &mut Outbox) -> Result<(), Error> {
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
    fn send_frame(&mut self, opcode: Opcode, fin: bool, load: impl Load, outbox: &mut Outbox) -> Result<(), Error> {
        if self.compression.is_negotiated() {
            return self.send_compressible(opcode, fin, load, outbox);
        }
        self.send_plain(opcode, fin, load, outbox)
    }

    #[inline]
    fn send_plain(&mut self, opcode: Opcode, fin: bool, load: impl Load, outbox: &mut Outbox) -> Result<(), Error> {
        let masks = self.masks();
        let header = Packed::new(fin, 0, opcode, masks.is_some(), load.bytes().len() as u64);
        outbox.admit(header.size + load.bytes().len())?;
        load.gather(header, masks.map(Masks::fresh), outbox);
        Ok(())
    }

    fn send_control(&mut self, opcode: Opcode, payload: &[u8], outbox: &mut Outbox) -> Result<(), Error> {
        self.admit_control()?;
        if payload.len() > CONTROL_LIMIT {
            return Err(Misuse::LongControl(payload.len()).into());
        }
        self.send_plain(opcode, true, payload, outbox)
    }

    /// Answers a ping by itself.
    pub(super) fn answer(&mut self, payload: &[u8], outbox: &mut Outbox) {
        let masks = self.masks();
        let header = Packed::new(true, 0, Opcode::Pong, masks.is_some(), payload.len() as u64);
        outbox.pong(header, payload, masks.map(Masks::fresh));
    }

    /// Writes a close frame, whatever the outbox's limit.
    pub(super) fn write_close(&mut self, body: &[u8], outbox: &mut Outbox) {
        let masks = self.masks();
        let header = Packed::new(true, 0, Opcode::Close, masks.is_some(), body.len() as u64);
        outbox.gather(header, body, masks.map(Masks::fresh));
    }

    /// Sends a frame of a message that is compressed where it is worth it. RFC 7692 section 6: "A message with the
    /// "Per-Message Compressed" bit set on the first fragment of the message is called a "compressed message"."
    #[cold]
    #[inline(never)]
    fn send_compressible(
        &mut self,
        opcode: Opcode,
        fin: bool,
        load: impl Load,
        outbox: &mut Outbox,
    ) -> Result<(), Error> {
        let payload = load.bytes();
        // DEFLATE adds to what it cannot compress.
        let added = if self.compression.will_compress(payload.len(), fin) { payload.len() / 4 + 128 } else { 0 };
        let most = payload.len() + added;
        outbox.admit(frame::size(most, self.role.masks()) + most)?;
        let key = self.masks().map(Masks::fresh);
        let reserved = if opcode == Opcode::Continuation { 0 } else { COMPRESSED };
        let compression = &mut self.compression;
        let is_compressed = outbox.gather_written(
            MAX_SIZE + most,
            |output| compression.compress(payload, fin, output),
            |length| Packed::new(fin, reserved, opcode, key.is_some(), length),
            key,
        );
        if is_compressed { Ok(()) } else { self.send_plain(opcode, fin, load, outbox) }
    }

    /// The keys, where this end masks (RFC 6455 section 5.1).
    #[inline]
    fn masks(&mut self) -> Option<&mut Masks> {
        self.aside.as_mut()?.masks.as_mut()
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

/// A payload that is lent, or owned and so to be shared.
trait Load: Copy {
    fn bytes(&self) -> &[u8];

    fn gather(self, header: Packed, key: Option<[u8; 4]>, outbox: &mut Outbox);
}

impl Load for &[u8] {
    #[inline]
    fn bytes(&self) -> &[u8] {
        self
    }

    #[inline]
    fn gather(self, header: Packed, key: Option<[u8; 4]>, outbox: &mut Outbox) {
        outbox.gather(header, self, key);
    }
}

impl Load for &Bytes {
    #[inline]
    fn bytes(&self) -> &[u8] {
        self
    }

    #[inline]
    fn gather(self, header: Packed, key: Option<[u8; 4]>, outbox: &mut Outbox) {
        outbox.gather_owned(header, self, key);
    }
}

/// "All control frames MUST have a payload length of 125 bytes or less" (RFC 6455 section 5.5).
const CONTROL_LIMIT: usize = 125;
