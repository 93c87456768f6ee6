//! Decompression, in bounded pieces.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use core::error::Error;
use core::fmt;

use zlib_rs::{Inflate, InflateFlush, Status};

use super::parameters::Direction;
use crate::written::Written;

/// The decompressor of one connection (RFC 7692 section 7.2.2).
///
/// The context of zlib is made when the first octet comes. What the peer may still refer to is kept
/// beside it in a [`History`], for two reasons. A block with the BFINAL bit ends a stream of zlib's,
/// and the next stream has to be able to refer to what came before. And the history is all that a
/// connection needs while it is idle, a fraction of the context.
///
/// zlib-rs has 32 KiB of window whatever was agreed on, so a peer that reaches back further than it
/// promised is understood for as long as what it reaches for is there. Section 7.2.2 allows a smaller
/// window and does not ask for the check.
pub(super) struct Inflater {
    context: Option<Box<Inflate>>,
    history: History,
    context_takeover: bool,
    /// The octets of this message that were consumed.
    consumed: u64,
    /// Whether the stream of blocks has begun: an octet came since the message began, or since its
    /// last BFINAL block.
    begun: bool,
    /// Whether all the output was written that follows from what was consumed.
    drained: bool,
    /// How many octets of [`TAIL`] were consumed.
    tail: usize,
    corrupt: Option<Corrupt>,
}

/// How far a call came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Progress {
    /// How many octets of the input were consumed. Less than all of them means that the room is used
    /// up. Where the room is used up there may be more to come even if all were consumed.
    pub consumed: usize,
}

/// The compressed data of a message is not valid DEFLATE
/// ([RFC 1951](https://www.rfc-editor.org/rfc/rfc1951)), or ends in the middle of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Corrupt {
    /// How many octets of the compressed message, over all of its frames, were read when the fault
    /// showed.
    pub at: u64,
}

impl fmt::Display for Corrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the compressed message is not valid DEFLATE as far as octet {}; \
             expected whole blocks, and a last octet as in RFC 7692 section 7.2.1",
            self.at
        )
    }
}

impl Error for Corrupt {}

impl Inflater {
    pub(super) const fn new(direction: Direction) -> Self {
        Self {
            context: None,
            history: History::new(direction.window()),
            context_takeover: direction.context_takeover(),
            consumed: 0,
            begun: false,
            drained: true,
            tail: 0,
            corrupt: None,
        }
    }

    /// Decompresses the next octets of a message. At most `room` octets are added to `output`.
    ///
    /// An error is final: later calls return it again.
    pub(super) fn inflate(&mut self, input: &[u8], output: &mut Written, room: usize) -> Result<Progress, Corrupt> {
        if input.is_empty() && !self.begun {
            return self.corrupt.map_or(Ok(Progress { consumed: 0 }), Err);
        }
        let consumed = self.guarded(|this| this.run(input, output, room))?;
        Ok(Progress { consumed })
    }

    /// Decompresses the last octets of a message, and ends it where they are used up and all of it came out. Whether it did.
    ///
    /// An error is final: later calls return it again.
    pub(super) fn inflate_last(
        &mut self,
        input: &[u8],
        output: &mut Written,
        room: usize,
    ) -> Result<(Progress, bool), Corrupt> {
        let mut consumed = 0;
        let before = output.len();
        if self.may_sprint(input, room) {
            if self.guarded(|this| this.sprint(input, output, room))? {
                self.end();
                return Ok((Progress { consumed: input.len() }, true));
            }
            consumed = self.consumed as usize;
        }
        // Where a message was begun in a sprint, there is room for all of it.
        consumed += self.inflate(&input[consumed..], output, room)?.consumed;
        let used_up = self.drained && consumed == input.len();
        let finished = used_up && self.finish(output, room - (output.len() - before))?;
        Ok((Progress { consumed }, finished))
    }

    /// Ends a message. `false` asks for another call with more room, to get the rest of the message.
    ///
    /// An error is final: later calls return it again.
    pub(super) fn finish(&mut self, output: &mut Written, room: usize) -> Result<bool, Corrupt> {
        let finished = self.guarded(|this| this.run_tail(output, room))?;
        if finished {
            self.end();
        }
        Ok(finished)
    }

    fn end(&mut self) {
        self.consumed = 0;
        self.begun = false;
        self.drained = true;
        self.tail = 0;
        if !self.context_takeover {
            self.history.clear();
            if let Some(context) = &mut self.context {
                context.reset(false);
            }
        }
    }

    /// Gives the context back where no message is under way; the history stays.
    pub(super) fn release(&mut self) {
        if self.consumed == 0 {
            self.context = None;
            self.history.shrink();
        }
    }

    fn guarded<T>(&mut self, run: impl FnOnce(&mut Self) -> Result<T, Corrupt>) -> Result<T, Corrupt> {
        if let Some(corrupt) = self.corrupt {
            return Err(corrupt);
        }
        run(self).inspect_err(|&corrupt| {
            self.corrupt = Some(corrupt);
            self.context = None;
            self.history.clear();
            self.history.shrink();
        })
    }

    /// Feeds `input` and returns how much of it was consumed.
    fn run(&mut self, input: &[u8], output: &mut Written, room: usize) -> Result<usize, Corrupt> {
        let mut rest = input;
        let mut room = room;
        let step = input.len().saturating_mul(RATIO).clamp(MIN_STEP, MAX_STEP);
        loop {
            // The output grows by what has come, never by what a bomb promises.
            let space = output.space(step, room);
            let piece = self.decompress(rest, space, InflateFlush::SyncFlush);
            self.history.push(&space[..piece.produced]);
            self.drained = piece.produced < space.len();
            output.add(piece.produced);
            self.consumed += piece.consumed as u64;
            self.begun |= piece.consumed > 0;
            rest = &rest[piece.consumed..];
            room -= piece.produced;
            match piece.end {
                End::Corrupt => return Err(Corrupt { at: self.consumed }),
                // Section 7.2.1: "An endpoint MAY use both DEFLATE blocks with the "BFINAL" bit set to
                // 0 and DEFLATE blocks with the "BFINAL" bit set to 1. When any DEFLATE block with the
                // "BFINAL" bit set to 1 doesn't end at a byte boundary, an endpoint MUST add minimal
                // padding bits of 0 [...]. The next DEFLATE block follows the padded data if any."
                End::Final => {
                    self.restart();
                    if rest.is_empty() {
                        return Ok(input.len());
                    }
                }
                End::Open if self.drained || room == 0 => return Ok(input.len() - rest.len()),
                End::Open => {}
            }
        }
    }

    /// Whether the last octets of a message are a whole one, short, and not a BFINAL block, with room for all that can come out
    /// of them.
    fn may_sprint(&self, message: &[u8], room: usize) -> bool {
        let is_final = message.first().is_none_or(|first| first & 1 == 1);
        !is_final && message.len() <= SHORT && self.consumed == 0 && room > (message.len() + TAIL.len() + SLOW) * MOST
    }

    /// Decompresses a message with its tail, and with octets behind it: zlib is slow in the last ones of its input. Whether
    /// it has ended; where not, a BFINAL block has.
    fn sprint(&mut self, message: &[u8], output: &mut Written, room: usize) -> Result<bool, Corrupt> {
        let mut input = [0; SHORT + TAIL.len() + SLOW];
        input[..message.len()].copy_from_slice(message);
        input[message.len()..][..TAIL.len()].copy_from_slice(&TAIL);
        let end = message.len() + TAIL.len() - 1;
        let before = output.len();
        let mut consumed = 0;
        loop {
            let space = output.space(MIN_STEP, room);
            // zlib stops at the end of each block. A valid message is over with an empty one, of which the tail is the end.
            let piece = self.decompress(&input[consumed..end + SLOW], space, InflateFlush::Block);
            let open = matches!(piece.end, End::Open);
            if open && piece.produced == 0 && consumed + piece.consumed == end {
                return Ok(true);
            }
            self.history.push(&space[..piece.produced]);
            output.add(piece.produced);
            consumed += piece.consumed;
            self.consumed = consumed.min(message.len()) as u64;
            if consumed > message.len() {
                // No block of a valid message but the empty one reaches into its tail. What came of that is no part of it.
                output.truncate(before + output_of(message));
                return Err(Corrupt { at: self.consumed });
            }
            if matches!(piece.end, End::Corrupt) {
                return Err(Corrupt { at: self.consumed });
            }
            if !open {
                self.restart();
                return Ok(false);
            }
        }
    }

    /// Section 7.2.2: "Append 4 octets of 0x00 0x00 0xff 0xff to the tail end of the payload of the
    /// message."
    ///
    /// In a valid message they end the empty block that the last octet began, and give no output. In a
    /// message that was cut off they are taken for something else, and this is how it shows. Where no
    /// block has begun (an empty payload, or one that ends with a BFINAL block) they are left out,
    /// since they would begin a block that never ends.
    fn run_tail(&mut self, output: &mut Written, room: usize) -> Result<bool, Corrupt> {
        if self.begun && !self.drained {
            self.run(&[], output, room)?;
        }
        if !self.begun {
            return Ok(true);
        }
        // zlib stops at the end of a block, and leaves the octet that follows the tail. Where it may owe output there is no
        // room for it here, and elsewhere an octet that comes is wrong.
        let mut wrong = [0];
        let space = if self.drained { &mut wrong[..] } else { &mut [] };
        let piece = self.decompress(&TAIL[self.tail..], space, InflateFlush::Block);
        self.tail += piece.consumed;
        let open = matches!(piece.end, End::Open) && piece.produced == 0;
        if open && self.tail == TAIL.len() - 1 && (self.drained || !self.owes_output()) {
            Ok(true)
        } else if open && self.tail < TAIL.len() - 1 && !self.drained {
            Ok(false)
        } else {
            Err(Corrupt { at: self.consumed })
        }
    }

    /// Whether an octet of output can be had without more input.
    fn owes_output(&mut self) -> bool {
        self.decompress(&[], &mut [0], InflateFlush::SyncFlush).produced > 0
    }

    /// Begins a stream that may refer to what came before.
    ///
    /// This copies the window. A peer can ask for it every two octets, which costs a few times as much
    /// as the densest data does: work that is linear in what came.
    fn restart(&mut self) {
        if let Some(context) = &mut self.context {
            context.reset(false);
            self.history.restore(context);
        }
        self.begun = false;
        self.drained = true;
    }

    fn decompress(&mut self, input: &[u8], output: &mut [u8], flush: InflateFlush) -> Piece {
        let context = self.context.get_or_insert_with(|| {
            let mut context = Box::new(Inflate::new(false, ZLIB_WINDOW_BITS));
            self.history.restore(&mut context);
            context
        });
        let (read, written) = (context.total_in(), context.total_out());
        let status = context.decompress(input, output, flush);
        Piece {
            // Both are at most the lengths of the slices.
            consumed: (context.total_in() - read) as usize,
            produced: (context.total_out() - written) as usize,
            end: match status {
                Ok(Status::Ok | Status::BufError) => End::Open,
                Ok(Status::StreamEnd) => End::Final,
                Err(_) => End::Corrupt,
            },
        }
    }
}

/// How many octets come out of a message that is cut off, whatever it refers to: with all of the largest window there is
/// nothing that it cannot reach.
fn output_of(message: &[u8]) -> usize {
    let mut context = Inflate::new(false, ZLIB_WINDOW_BITS);
    let _ = context.set_dictionary(&vec![0; 1 << ZLIB_WINDOW_BITS]);
    let mut output = [0; MIN_STEP];
    loop {
        let (read, written) = (context.total_in() as usize, context.total_out());
        let _ = context.decompress(&message[read..], &mut output, InflateFlush::SyncFlush);
        if context.total_out() == written {
            return written as usize;
        }
    }
}

/// What one call of zlib did.
struct Piece {
    consumed: usize,
    produced: usize,
    end: End,
}

enum End {
    Open,
    Final,
    Corrupt,
}

/// The last octets of output, as many as the window has: a ring that grows as it fills.
struct History {
    octets: Vec<u8>,
    /// Where the oldest octet is, and the next one goes, once the ring is full.
    next: usize,
    window: usize,
}

impl History {
    const fn new(window: usize) -> Self {
        Self { octets: Vec::new(), next: 0, window }
    }

    #[inline]
    fn push(&mut self, output: &[u8]) {
        let end = self.next + output.len();
        if self.octets.len() == self.window && end < self.window {
            self.octets[self.next..end].copy_from_slice(output);
            self.next = end;
        } else {
            self.grow_or_wrap(output);
        }
    }

    fn grow_or_wrap(&mut self, output: &[u8]) {
        let recent = &output[output.len().saturating_sub(self.window)..];
        let (growth, wrapped) = recent.split_at(recent.len().min(self.window - self.octets.len()));
        let needed = self.octets.len() + growth.len();
        if needed > self.octets.capacity() {
            let capacity = needed.next_power_of_two().min(self.window);
            self.octets.reserve_exact(capacity - self.octets.len());
        }
        self.octets.extend_from_slice(growth);
        if !wrapped.is_empty() {
            let (end, start) = wrapped.split_at(wrapped.len().min(self.window - self.next));
            self.octets[self.next..self.next + end.len()].copy_from_slice(end);
            self.octets[..start.len()].copy_from_slice(start);
            self.next = (self.next + wrapped.len()) % self.window;
        }
    }

    /// Gives a fresh context the window.
    fn restore(&self, context: &mut Inflate) {
        let (newer, older) = self.octets.split_at(self.next);
        for part in [older, newer] {
            // zlib refuses a dictionary for the zlib and gzip formats alone.
            let refused = context.set_dictionary(part).is_err();
            debug_assert!(!refused);
        }
    }

    fn clear(&mut self) {
        self.octets.clear();
        self.next = 0;
    }

    fn shrink(&mut self) {
        self.octets.shrink_to_fit();
    }
}

/// What every message lacks at its end, and the first octet of what could follow.
const TAIL: [u8; 5] = [0x00, 0x00, 0xff, 0xff, 0x00];

/// zlib-rs has room for this window whatever it is told.
const ZLIB_WINDOW_BITS: u8 = 15;

/// A message of at most so many octets is worth a copy.
const SHORT: usize = 256;
/// zlib is slow in the last octets of its input, as many as these.
const SLOW: usize = 15;
/// The most octets that one of the input stands for: 258 for a length and a distance of a bit each.
const MOST: usize = 1032;

/// The room that is made at least is this much of the input, within the bounds. zlib is slow in the last 260 octets of it.
const RATIO: usize = 4;
const MIN_STEP: usize = 1024;
const MAX_STEP: usize = 16 * 1024;
