//! Compression of messages: permessage-deflate
//! ([RFC 7692](https://www.rfc-editor.org/rfc/rfc7692)).
//!
//! 1. [`Options`] says what this end wants, and negotiates: [`Options::offers`] and
//!    [`Options::verify`] for a client, [`Options::answer`] for a server.
//! 2. [`Parameters`] is what came of it.
//! 3. [`Deflate`] compresses and decompresses the messages of one connection.
//!
//! ```
//! use bytes::BytesMut;
//! use sockeye::deflate::{Deflate, Options};
//!
//! // 1. Negotiate.
//! let options = Options::new().threshold(0);
//! let (response, server) = options.answer(&options.offers()).expect("both ends are the same");
//! let client = options.verify(&[response])?.expect("the server accepted");
//!
//! // 2. Compress a message.
//! let mut frame = BytesMut::new();
//! let mut client = Deflate::new(client, &options);
//! assert!(client.compress(b"Hello, hello, hello", true, &mut frame));
//!
//! // 3. Decompress it, to a limit.
//! let mut message = BytesMut::new();
//! let mut server = Deflate::new(server, &options);
//! let limit = 100;
//! let progress = server.inflate(&frame, &mut message, limit)?;
//! assert_eq!(progress.consumed, frame.len());
//! let room = limit - message.len();
//! assert!(server.finish(&mut message, room)?);
//! assert_eq!(&message[..], b"Hello, hello, hello");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Memory
//!
//! A connection holds nothing until its first compressed message in a direction, and then, for a window
//! of 2<sup>w</sup> octets and a memory level m, at most
//!
//! * 132 KiB + 4 · 2<sup>w</sup> + 448 · 2<sup>m</sup> octets to compress,
//! * 47 KiB + 2<sup>w</sup> octets to decompress,
//! * after [`Deflate::release_idle`] nothing, or 2<sup>w</sup> octets where the peer uses context takeover.
//!
//! | window bits | compressor, memory level 1 | 5 (the default) | 8 | decompressor | idle |
//! | --- | --- | --- | --- | --- | --- |
//! |  8, 9 | 135 KiB | 148 KiB | 246 KiB | 47.5 KiB | 0.5 KiB |
//! | 10 | 137 KiB | 150 KiB | 248 KiB | 48 KiB |  1 KiB |
//! | 11 | 141 KiB | 154 KiB | 252 KiB | 49 KiB |  2 KiB |
//! | 12 | 149 KiB | 162 KiB | 260 KiB | 51 KiB |  4 KiB |
//! | 13 | 165 KiB | 178 KiB | 276 KiB | 55 KiB |  8 KiB |
//! | 14 | 197 KiB | 210 KiB | 308 KiB | 63 KiB | 16 KiB |
//! | 15 | 261 KiB | 274 KiB | 372 KiB | 79 KiB | 32 KiB |
//!
//! Of this 128 KiB are the hash table of zlib-rs, whose size is fixed, and 32 KiB the window that it
//! decompresses into, which is fixed too. All this comes from Rust's global allocator with the feature `std`, and without it
//! from C's `posix_memalign` (`malloc` where the target is no Unix), which the program then has to link.

mod deflater;
mod inflater;
mod negotiation;
mod options;
mod parameters;
mod terms;
#[cfg(test)]
mod tests;

use core::fmt;

use bytes::BytesMut;

use deflater::Deflater;
use inflater::Inflater;

use crate::written::Written;

pub use inflater::{Corrupt, Progress};
pub use negotiation::NegotiationError;
pub use options::Options;
pub use parameters::{Direction, Parameters};
pub use terms::ParameterName;

/// The compression of one connection, both ways (RFC 7692 sections 6 and 7.2).
///
/// A connection that negotiated nothing has none of it: hold it as an `Option<Box<Deflate>>`.
///
/// It knows payloads, not frames. The bit RSV1 is the caller's: it is set on the first frame of a message
/// that [`compress`](Self::compress) compressed, and only what came in a message with that bit goes
/// through [`inflate`](Self::inflate).
pub struct Deflate {
    parameters: Parameters,
    threshold: usize,
    release_when_idle: bool,
    /// Whether the message that is being sent is compressed, while one is.
    sending: Option<bool>,
    deflater: Deflater,
    inflater: Inflater,
}

impl Deflate {
    /// The compression of a connection whose ends agreed on `parameters`. Nothing is allocated yet.
    pub const fn new(parameters: Parameters, options: &Options) -> Self {
        Self {
            parameters,
            threshold: options.threshold,
            release_when_idle: options.release_when_idle,
            sending: None,
            deflater: Deflater::new(parameters.local, options),
            inflater: Inflater::new(parameters.remote),
        }
    }

    /// What the ends agreed on.
    pub const fn parameters(&self) -> Parameters {
        self.parameters
    }

    /// Compresses the next piece of a message, the last one if `fin`, into the payload of one frame,
    /// which is appended to `output`.
    ///
    /// `false` says that the message is to travel as it is; `output` is as it was. What is said of the
    /// first piece holds for the whole message.
    ///
    /// Every frame can be decompressed to its end when it arrives (RFC 7692 section 7.2.1: "Even when
    /// only part of the payload is available, a fragment can be built"). The payload of a frame that is
    /// not the last may be empty, if the piece was.
    pub fn compress(&mut self, payload: &[u8], fin: bool, output: &mut BytesMut) -> bool {
        let first = self.sending.is_none();
        let compressed = self.will_compress(payload.len(), fin);
        self.sending = (!fin).then_some(compressed);
        if !compressed {
            return false;
        }
        let start = output.len();
        self.deflater.deflate(payload, fin, output);
        // RFC 7692 section 7.3: "If a side disallows context takeover, its endpoint can easily figure
        // out whether or not a certain message will be shorter if compressed." With it, the window has
        // moved on and the peer's has to follow.
        let futile = output.len() - start >= payload.len();
        if futile && first && fin && !self.parameters.local.context_takeover() {
            output.truncate(start);
            return false;
        }
        true
    }

    /// Whether [`compress`](Self::compress) will compress the next piece, of so many octets: what is said of the first
    /// piece of a message holds for all of it.
    pub fn will_compress(&self, payload: usize, fin: bool) -> bool {
        let long = payload >= self.threshold || (!fin && self.threshold < usize::MAX);
        self.sending.unwrap_or(long)
    }

    /// Decompresses the next octets of a message, wherever its frames and the reads split it, and adds
    /// at most `room` octets to `output`.
    ///
    /// `output` grows with what comes out. So a limit on messages that is passed as the room is kept to
    /// the octet, and the most malicious input costs no more memory than that. When the room is used up
    /// there may be more: call again with the rest of the input, even if that is empty.
    ///
    /// # Errors
    ///
    /// The data is not DEFLATE. This is final, later calls return the same.
    pub fn inflate(&mut self, input: &[u8], output: &mut BytesMut, room: usize) -> Result<Progress, Corrupt> {
        written(output, |output| self.inflate_to(input, output, room))
    }

    /// What [`inflate`](Self::inflate) does, into memory that is used time and again.
    pub(crate) fn inflate_to(&mut self, input: &[u8], output: &mut Written, room: usize) -> Result<Progress, Corrupt> {
        self.inflater.inflate(input, output, room)
    }

    /// What [`inflate`](Self::inflate) and [`finish`](Self::finish) do for the last octets of a message. Whether it is whole.
    pub(crate) fn inflate_last_to(
        &mut self,
        input: &[u8],
        output: &mut Written,
        room: usize,
    ) -> Result<(Progress, bool), Corrupt> {
        self.inflater.inflate_last(input, output, room)
    }

    /// Ends a message that came through [`inflate`](Self::inflate), and adds at most `room` octets, its
    /// last ones, to `output`.
    ///
    /// `true` says that the message is whole. `false` says that the room is used up, and that more
    /// comes of another call with more room; if `room` was what a limit left, the message is longer
    /// than the limit.
    ///
    /// # Errors
    ///
    /// The data is not DEFLATE, or it ends inside a block. This is final, later calls return the same.
    pub fn finish(&mut self, output: &mut BytesMut, room: usize) -> Result<bool, Corrupt> {
        written(output, |output| self.finish_to(output, room))
    }

    /// What [`finish`](Self::finish) does, into memory that is used time and again.
    pub(crate) fn finish_to(&mut self, output: &mut Written, room: usize) -> Result<bool, Corrupt> {
        self.inflater.finish(output, room)
    }

    /// Gives memory back, for a connection on which nothing has happened for a while. A direction in
    /// which a message is under way keeps its context.
    ///
    /// What stays is the window of the peer, if it uses context takeover. The options can forbid this
    /// ([`Options::release_when_idle`]).
    pub fn release_idle(&mut self) {
        if self.release_when_idle {
            self.inflater.release();
            if self.sending.is_none() {
                self.deflater.release();
            }
        }
    }
}

/// Has more written behind what `output` has.
fn written<T>(output: &mut BytesMut, write: impl FnOnce(&mut Written) -> T) -> T {
    let mut written = Written::from(core::mem::take(output));
    let result = write(&mut written);
    *output = written.into();
    result
}

impl fmt::Debug for Deflate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deflate").field("parameters", &self.parameters).finish_non_exhaustive()
    }
}
