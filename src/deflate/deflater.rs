//! Compression.

use alloc::boxed::Box;

use bytes::BytesMut;
use zlib_rs::{Deflate, DeflateConfig, DeflateFlush, Strategy};

use super::options::Options;
use super::parameters::Direction;

/// The compressor of one connection (RFC 7692 section 7.2.1).
///
/// The context of zlib is made when the first octet comes.
pub(super) struct Deflater {
    context: Option<Box<Deflate>>,
    direction: Direction,
    level: u8,
    memory_level: u8,
    /// Whether the window is to be emptied before the next octet.
    stale: bool,
}

impl Deflater {
    pub(super) const fn new(direction: Direction, options: &Options) -> Self {
        Self { context: None, direction, level: options.level, memory_level: options.memory_level, stale: false }
    }

    /// Appends to `output` what stands for the next octets of a message, up to the last one: a peer can
    /// decompress all of them when it has the output.
    pub(super) fn deflate(&mut self, input: &[u8], last: bool, output: &mut BytesMut) {
        // "the client MUST start compressing each new message with an empty LZ77 sliding window."
        let forget = last && !self.direction.context_takeover();
        if !input.is_empty() {
            // To forget while flushing costs less than a reset.
            self.run(input, if forget { DeflateFlush::FullFlush } else { DeflateFlush::SyncFlush }, output);
        }
        if last {
            // Section 7.2.1: "Remove 4 octets (that are 0x00 0x00 0xff 0xff) from the tail end." They
            // are there where something was compressed. Where not, section 7.2.3.6: "an empty
            // uncompressed DEFLATE block can be built and used for this purpose".
            if input.is_empty() {
                output.extend_from_slice(&[EMPTY_BLOCK]);
                self.stale = forget;
            } else {
                debug_assert!(output.ends_with(&TAIL));
                output.truncate(output.len() - TAIL.len());
            }
        }
    }

    /// Gives the context back; the window is empty then, as it always may be. Between messages only.
    pub(super) fn release(&mut self) {
        self.context = None;
    }

    fn run(&mut self, input: &[u8], flush: DeflateFlush, output: &mut BytesMut) {
        let context =
            self.context.get_or_insert_with(|| Box::new(context(self.direction, self.level, self.memory_level)));
        if core::mem::take(&mut self.stale) {
            context.reset();
        }
        let mut rest = input;
        loop {
            let start = output.len();
            let step = (rest.len() + MARGIN).min(MAX_STEP);
            output.resize(start + step, 0);
            let (read, written) = (context.total_in(), context.total_out());
            let status = context.compress(rest, &mut output[start..], flush);
            // zlib refuses a call for a state that is broken or has been finished, and this one is not.
            assert!(status.is_ok(), "zlib refused to compress");
            // Both are at most the lengths of the slices.
            let produced = (context.total_out() - written) as usize;
            rest = &rest[(context.total_in() - read) as usize..];
            output.truncate(start + produced);
            // zlib is done when it leaves some of the space.
            if produced < step {
                return;
            }
        }
    }
}

/// Section 7.2.1: "the client MUST NOT use an LZ77 sliding window longer than the w-th power of 2 bytes
/// to compress messages to send."
fn context(direction: Direction, level: u8, memory_level: u8) -> Deflate {
    // zlib's raw DEFLATE cannot do 8 bits. With run-length encoding it reaches back by one octet,
    // whatever the window.
    let (bits, strategy) = match direction.window_bits() {
        8 => (9, Strategy::Rle),
        bits => (bits, Strategy::Default),
    };
    Deflate::new_with_config(DeflateConfig {
        level: i32::from(level),
        // Negative for raw DEFLATE, without header and checksum.
        window_bits: -i32::from(bits),
        mem_level: i32::from(memory_level),
        strategy,
        ..DeflateConfig::default()
    })
}

/// What a flush leaves at the end.
const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];

/// The header of an empty block without compression, padded; the tail follows it.
const EMPTY_BLOCK: u8 = 0x00;

/// The most by which a short input grows, its flush included.
const MARGIN: usize = 64;
const MAX_STEP: usize = 64 * 1024;
