//! The receiving side: one step for whole messages and for pieces.

use super::closing::State;
use super::{Compression, Connection, Event, Piece};
use crate::buffer::{Inbox, Outbox};
use crate::close::{CloseCode, CloseFrame};
use crate::error::{Error, InvalidText, Limit, Misuse, Protocol};
use crate::frame::{COMPRESSED, Start, Whole};
use crate::mask::Mask;
use crate::opcode::Opcode;
use crate::role::Role;
use crate::utf8::{self, Validator};

/// How far into the peer's bytes the connection has come.
#[derive(Default)]
pub(super) struct Receiving {
    /// The frame whose payload is under way.
    frame: Option<Frame>,
    /// The message that is open.
    message: Option<Open>,
}

impl Receiving {
    #[inline]
    pub(super) const fn is_under_way(&self) -> bool {
        self.frame.is_some() || self.message.is_some()
    }
}

/// A frame whose header was read.
#[derive(Clone, Copy)]
struct Frame {
    /// Bytes of payload that have not been taken yet.
    remaining: u64,
    mask: Mask,
    /// Unread bytes that are unmasked already, as inflating them has to go on.
    unmasked: usize,
    opcode: Opcode,
    fin: bool,
    /// Whether RSV1 was set on it.
    compressed: bool,
}

/// A message of which a frame was begun.
struct Open {
    opcode: Opcode,
    /// Whether a piece of it was handed out.
    in_pieces: bool,
    /// Whether the last byte of its compressed payload was inflated.
    finishing: bool,
    compressed: bool,
    validator: Validator,
    fragments: u32,
    /// Bytes of the message so far, after inflation.
    taken: u64,
}

/// What the core step found. The inbox lends its payload.
pub(super) struct Found {
    pub(super) opcode: Opcode,
    /// Whether it ends a message; for whole messages and control frames always.
    pub(super) last: bool,
}

/// A small read by itself is not in the caches yet when it is unmasked; so many bytes are, and stay in the first one.
const STRIDE: usize = 32 << 10;

/// The two doors: whether a message is wanted whole or as it arrives. A constant, so that each is compiled for itself.
const WHOLE: bool = false;
const PIECES: bool = true;

impl Connection {
    /// Input: the next event in the bytes that have arrived; `None` when it takes more of them.
    ///
    /// What the event makes the peer hear (a pong, the answer to a close frame) is in the outbox already. The
    /// connection never reads past the event that it returns, so a good message can be answered before the bad
    /// frame that follows it fails the connection.
    ///
    /// # Errors
    /// [`Error::Protocol`] and [`Error::Limit`] fail the connection; the fitting close frame is in the outbox.
    /// [`Misuse::MessageInPieces`] if [`receive_piece`](Self::receive_piece) has handed out a part of the message
    /// that is under way.
    // Always, so that an event is made where it is matched on, and is not moved through memory on its way.
    #[inline(always)]
    pub fn receive<'i>(&mut self, inbox: &'i mut Inbox, outbox: &mut Outbox) -> Result<Option<Event<'i>>, Error> {
        match self.stride(inbox) {
            Some(Opcode::Text) => Ok(Some(Event::text(inbox))),
            Some(_) => Ok(Some(Event::binary(inbox))),
            None => Ok(self.find::<WHOLE>(inbox, outbox)?.map(|found| Event::of(found, inbox))),
        }
    }

    /// Input: like [`receive`](Self::receive), but a message is handed out in pieces as it arrives, in the middle
    /// of a frame too, so that it never needs to be in memory as a whole.
    ///
    /// Text comes in whole code points and is validated so far. A message that `receive` has begun to gather can
    /// be taken in pieces from there on; a message that has begun in pieces ends in pieces.
    ///
    /// # Errors
    /// [`Error::Protocol`] and [`Error::Limit`], as `receive`.
    #[inline]
    pub fn receive_piece<'i>(&mut self, inbox: &'i mut Inbox, outbox: &mut Outbox) -> Result<Option<Piece<'i>>, Error> {
        let found = match self.stride(inbox) {
            Some(opcode) => Some(Found { opcode, last: true }),
            None => self.find::<PIECES>(inbox, outbox)?,
        };
        Ok(found.map(|found| Piece::of(found, inbox)))
    }

    /// The next thing to hand out, where a [`stride`](Self::stride) is not enough.
    #[inline(never)]
    fn find<const DOOR: bool>(&mut self, inbox: &mut Inbox, outbox: &mut Outbox) -> Result<Option<Found>, Error> {
        match self.state {
            State::Open | State::CloseSent => {}
            // "after receiving a control frame indicating the connection should be closed, a peer discards any further
            // data received" (RFC 6455 section 1.4)
            State::CloseReceived | State::Closed | State::Lost => {
                inbox.discard();
                return Ok(None);
            }
            State::Failed => {
                inbox.discard();
                return Err(self.closed());
            }
        }
        if DOOR == WHOLE && self.receiving.message.as_ref().is_some_and(|message| message.in_pieces) {
            return Err(Misuse::MessageInPieces.into());
        }
        self.advance::<DOOR>(inbox, outbox).map_err(|error| self.fail(error, inbox, outbox))
    }

    /// The core step in one stride for the frame that most are: a data frame that is a message of its own, not compressed,
    /// and all there. `None` for every other frame and for a wrong one, which are left as they were for
    /// [`advance`](Self::advance) to judge: no check of this one fails a connection, each only declines.
    // Never, so that little stands in every place that receives.
    #[inline(never)]
    pub(super) fn stride(&self, inbox: &mut Inbox) -> Option<Opcode> {
        if !matches!(self.state, State::Open | State::CloseSent) || self.receiving.is_under_way() {
            return None;
        }
        let Whole { opcode, key, header, length } = Whole::find(inbox.unread(), !self.role.masks())?;
        if length as u64 > self.config.frame_limit.min(self.config.message_limit) {
            return None;
        }
        let payload = inbox.lend_frame(header, length)?;
        if opcode != Opcode::Text {
            Mask::new(key).apply(payload);
        } else if !text(payload, key) {
            inbox.put_back(header + length);
            return None;
        }
        Some(opcode)
    }

    /// The core step: reads headers and payloads until there is something to hand out.
    #[inline]
    fn advance<const DOOR: bool>(&mut self, inbox: &mut Inbox, outbox: &mut Outbox) -> Result<Option<Found>, Error> {
        loop {
            let begins = self.receiving.frame.is_none();
            if begins {
                self.header(inbox)?;
            }
            let Some(frame) = &mut self.receiving.frame else { return Ok(None) };
            if frame.opcode.is_control() {
                if (inbox.unread().len() as u64) < frame.remaining {
                    return Ok(None);
                }
                let frame = *frame;
                self.receiving.frame = None;
                return self.control(frame, inbox, outbox).map(Some);
            }
            let message = self.receiving.message.get_or_insert_with(|| Open::new(frame));
            message.fragments += u32::from(begins);
            let complete = if message.compressed {
                inflate::<DOOR>(frame, message, &mut self.compression, self.config.message_limit, inbox)?
            } else {
                take::<DOOR>(frame, message, inbox)?
            };
            let ended = complete && frame.fin;
            if ended && !message.validator.is_complete() {
                return Err(Protocol::InvalidText(InvalidText::Unfinished(message.taken)).into());
            }
            let found = message.hand_out::<DOOR>(ended, inbox);
            if complete {
                self.receiving.frame = None;
            }
            if ended {
                self.receiving.message = None;
            }
            if found.is_some() || !complete {
                return Ok(found);
            }
        }
    }

    /// Reads a header, and holds each of its parts against the rules as soon as it is there. With all of it the frame is
    /// under way.
    #[inline]
    fn header(&mut self, inbox: &mut Inbox) -> Result<(), Error> {
        let bytes = inbox.unread();
        let Some(&first) = bytes.first_chunk() else { return Ok(()) };
        let start = Start::decode(first)?;
        self.admit(start)?;
        let Some(length) = start.length(bytes)? else { return Ok(()) };
        if !start.opcode.is_control() {
            self.admit_length(start, length)?;
        }
        let Some(mask) = start.mask(bytes) else { return Ok(()) };
        inbox.consume(start.size());
        self.receiving.frame = Some(Frame {
            remaining: length,
            mask: mask.map_or(Mask::NONE, Mask::new),
            unmasked: 0,
            opcode: start.opcode,
            fin: start.fin,
            compressed: start.reserved == COMPRESSED,
        });
        Ok(())
    }

    /// Whether a frame that starts like this may come now.
    #[inline]
    fn admit(&self, start: Start) -> Result<(), Error> {
        // "MUST be 0 unless an extension is negotiated that defines meanings for non-zero values. If a nonzero
        // value is received and none of the negotiated extensions defines the meaning of such a nonzero value,
        // the receiving endpoint MUST _Fail the WebSocket Connection_." (RFC 6455 section 5.2)
        //
        // "An endpoint MUST NOT set the "Per-Message Compressed" bit of control frames and non-first fragments of a
        // data message." (RFC 7692 section 6)
        let may_compress = self.compression.is_negotiated() && matches!(start.opcode, Opcode::Text | Opcode::Binary);
        let defined = if may_compress { COMPRESSED } else { 0 };
        if start.reserved & !defined != 0 {
            return Err(Protocol::ReservedBits(start.reserved).into());
        }
        // "The server MUST close the connection upon receiving a frame that is not masked. [...] A client MUST
        // close a connection if it detects a masked frame." (RFC 6455 section 5.1)
        match (self.role, start.masked) {
            (Role::Server, true) | (Role::Client, false) => {}
            (Role::Server, false) => return Err(Protocol::Unmasked(start.opcode).into()),
            (Role::Client, true) => return Err(Protocol::Masked(start.opcode).into()),
        }
        // "The fragments of one message MUST NOT be interleaved between the fragments of another message unless an
        // extension has been negotiated that can interpret the interleaving." (RFC 6455 section 5.4)
        match (&self.receiving.message, start.opcode) {
            (None, Opcode::Continuation) => Err(Protocol::NothingToContinue.into()),
            (Some(_), opcode @ (Opcode::Text | Opcode::Binary)) => Err(Protocol::MessageOpen(opcode).into()),
            (Some(message), Opcode::Continuation) if message.fragments >= self.config.fragment_limit => {
                Err(Limit::Fragments { limit: self.config.fragment_limit }.into())
            }
            _ => Ok(()),
        }
    }

    /// Whether a data frame of this length is within the limits (RFC 6455 section 10.4).
    #[inline]
    fn admit_length(&self, start: Start, length: u64) -> Result<(), Error> {
        let (before, compressed) = match &self.receiving.message {
            Some(message) => (message.taken, message.compressed),
            None => (0, start.reserved == COMPRESSED),
        };
        if compressed {
            // What counts of a compressed message is what comes out of it, and that is known only then. What goes in is
            // never held, and DEFLATE adds to data that it cannot compress.
            let least = self.config.frame_limit.min(self.config.message_limit);
            let limit = least.saturating_add(least / 4 + 1024);
            return match length {
                length if length <= limit => Ok(()),
                _ if least < self.config.frame_limit => Err(Limit::Message { length }.into()),
                _ => Err(Limit::Frame { length }.into()),
            };
        }
        if length > self.config.frame_limit {
            return Err(Limit::Frame { length }.into());
        }
        let length = before.saturating_add(length);
        if length > self.config.message_limit {
            return Err(Limit::Message { length }.into());
        }
        Ok(())
    }

    /// A control frame whose payload is all there.
    fn control(&mut self, mut frame: Frame, inbox: &mut Inbox, outbox: &mut Outbox) -> Result<Found, Error> {
        let (opcode, length) = (frame.opcode, frame.remaining as usize);
        let payload = inbox.unread_mut(length);
        frame.mask.apply(payload);
        match opcode {
            // "Upon receipt of a Ping frame, an endpoint MUST send a Pong frame in response, unless it already
            // received a Close frame." (RFC 6455 section 5.5.2)
            Opcode::Ping if self.config.auto_pong => self.answer(payload, outbox),
            Opcode::Close => {
                let code = CloseFrame::decode(payload)?.map_or(CloseCode::NO_STATUS, |frame| frame.code);
                self.receive_close(code, outbox);
            }
            _ => {}
        }
        inbox.lend(length);
        Ok(Found { opcode, last: true })
    }
}

/// Unmasks a text and validates it. What is no text is left as it was.
#[inline(never)]
fn text(payload: &mut [u8], key: [u8; 4]) -> bool {
    if Mask::new(key).apply_to_text(payload) || utf8::is_valid(payload) {
        return true;
    }
    Mask::new(key).apply(payload);
    false
}

/// Unmasks and validates the next bytes of the frame, and adds them to the message. Whether the frame is complete.
///
/// Data that is wanted whole and has nothing to be validated waits until it is worth a stride.
#[inline]
fn take<const DOOR: bool>(frame: &mut Frame, message: &mut Open, inbox: &mut Inbox) -> Result<bool, Error> {
    let count = frame.there(inbox);
    let is_part = (count as u64) < frame.remaining;
    if DOOR == WHOLE && message.opcode == Opcode::Binary && is_part && count < STRIDE {
        return Ok(false);
    }
    let payload = inbox.unread_mut(count);
    if message.opcode == Opcode::Text {
        let ascii = frame.mask.apply_to_text(payload);
        message.validate(payload, ascii)?;
    } else {
        frame.mask.apply(payload);
    }
    message.taken += count as u64;
    frame.remaining -= count as u64;
    inbox.hold(count);
    Ok(frame.remaining == 0)
}

/// Unmasks, inflates and validates the next bytes of the frame, and adds what comes out to the message, which may become as
/// long as `limit`. Whether the frame is complete and nothing more comes out of it.
fn inflate<const DOOR: bool>(
    frame: &mut Frame,
    message: &mut Open,
    compression: &mut Compression,
    limit: u64,
    inbox: &mut Inbox,
) -> Result<bool, Error> {
    let count = frame.there(inbox);
    if let Some(masked) = inbox.unread_mut(count).get_mut(frame.unmasked..) {
        frame.mask.apply(masked);
    }
    frame.unmasked = count;
    if !message.finishing {
        let left = message.left(limit);
        let room = room::<DOOR>(left, inbox);
        let last = DOOR == WHOLE && frame.fin && frame.remaining == count as u64;
        let mut finished = false;
        let (consumed, payload) = inbox.inflate(count, |input, output| {
            if !last {
                return compression.inflate(input, output, room);
            }
            let (consumed, whole) = compression.inflate_last(input, output, room)?;
            finished = whole;
            Ok(consumed)
        });
        // Text that is wrong before the data is fails first, as it would if it had come in a read of its own.
        message.add(payload)?;
        let (consumed, produced) = (consumed?, payload.len());
        frame.remaining -= consumed as u64;
        frame.unmasked -= consumed;
        if finished {
            return Ok(true);
        }
        if consumed < count && room == left {
            return Err(too_long(limit));
        }
        // Where the room was used up for a piece, there may be more in what was consumed.
        if frame.remaining > 0 || (produced == room && room < left) {
            return Ok(false);
        }
        if !frame.fin {
            return Ok(true);
        }
        message.finishing = true;
        if DOOR == PIECES && inbox.held() > message.validator.pending() {
            return Ok(false);
        }
    }
    finish::<DOOR>(message, compression, limit, inbox)
}

/// Has the last bytes of a compressed message come out. Whether there are no more.
fn finish<const DOOR: bool>(
    message: &mut Open,
    compression: &mut Compression,
    limit: u64,
    inbox: &mut Inbox,
) -> Result<bool, Error> {
    let left = message.left(limit);
    let room = room::<DOOR>(left, inbox);
    let mut finished = false;
    let (result, payload) = inbox.inflate(0, |_, output| {
        finished = compression.finish(output, room)?;
        Ok::<_, Protocol>(0)
    });
    message.add(payload)?;
    result?;
    if !finished && room == left {
        return Err(too_long(limit));
    }
    Ok(finished)
}

/// "an endpoint [...] received a message that is too big for it to process" (RFC 6455 section 7.4.1). How long it would have
/// become is not known.
fn too_long(limit: u64) -> Error {
    Limit::Message { length: limit.saturating_add(1) }.into()
}

/// How much of a compressed message may come out now, where the limit leaves so much. A message in pieces need not fit
/// into memory: what comes out is bounded by the piece, and goes on after it.
fn room<const DOOR: bool>(left: usize, inbox: &Inbox) -> usize {
    if DOOR == WHOLE { left } else { left.min(PIECE.saturating_sub(inbox.held())) }
}

impl Frame {
    /// How many of its bytes have arrived and were not taken.
    #[inline]
    fn there(&self, inbox: &Inbox) -> usize {
        self.remaining.min(inbox.unread().len() as u64) as usize
    }
}

impl Open {
    #[inline]
    fn new(frame: &Frame) -> Self {
        Self {
            opcode: frame.opcode,
            in_pieces: false,
            finishing: false,
            compressed: frame.compressed,
            validator: Validator::new(),
            fragments: 0,
            taken: 0,
        }
    }

    /// What there is to hand out through this door.
    #[inline]
    fn hand_out<const DOOR: bool>(&mut self, ended: bool, inbox: &mut Inbox) -> Option<Found> {
        let pending = self.validator.pending();
        if !ended && (DOOR == WHOLE || inbox.held() == pending) {
            return None;
        }
        self.in_pieces = true;
        if self.compressed {
            inbox.lend_inflated(pending);
        } else {
            inbox.lend_held(pending);
        }
        Some(Found { opcode: self.opcode, last: ended })
    }

    /// How many more bytes the limit allows.
    fn left(&self, limit: u64) -> usize {
        usize::try_from(limit.saturating_sub(self.taken)).unwrap_or(usize::MAX)
    }

    /// Counts and validates the next bytes of the message.
    fn add(&mut self, payload: &[u8]) -> Result<(), Error> {
        if self.opcode == Opcode::Text {
            self.validate(payload, false)?;
        }
        self.taken += payload.len() as u64;
        Ok(())
    }

    /// Validates the next bytes of a text, which may be seen to be ASCII already.
    #[inline]
    fn validate(&mut self, payload: &[u8], ascii: bool) -> Result<(), Error> {
        if ascii && self.validator.is_complete() {
            return Ok(());
        }
        // "When an endpoint is to interpret a byte stream as UTF-8 but finds that the byte stream is not, in
        // fact, a valid UTF-8 stream, that endpoint MUST _Fail the WebSocket Connection_." (RFC 6455
        // section 8.1)
        self.validator
            .validate(payload)
            .map_err(|wrong| Protocol::InvalidText(InvalidText::At(self.taken + wrong.at as u64)).into())
    }
}

/// The most that one piece of a compressed message inflates to.
const PIECE: usize = 16 << 10;
