//! Compressed messages that arrive.

use zlib_rs::{Deflate, DeflateConfig, DeflateFlush};

use crate::{Takeover, Wire};

/// zlib's own middle between speed and size.
pub const LEVEL: u8 = 6;

/// The largest window.
pub const WINDOW_BITS: u8 = 15;

/// zlib's default.
pub const MEMORY_LEVEL: u8 = 8;

/// A compressor with these settings, of raw DEFLATE.
pub fn deflater() -> Deflate {
    Deflate::new_with_config(DeflateConfig {
        level: i32::from(LEVEL),
        window_bits: -i32::from(WINDOW_BITS),
        mem_level: i32::from(MEMORY_LEVEL),
        ..DeflateConfig::default()
    })
}

/// Compresses a message as RFC 7692 section 7.2.1 has it, into `output`, which has to be large enough. How many bytes it is.
pub fn compress(deflater: &mut Deflate, message: &[u8], output: &mut [u8]) -> usize {
    let before = deflater.total_out();
    deflater.compress(message, output, DeflateFlush::SyncFlush).expect("a good state");
    (deflater.total_out() - before) as usize - 4
}

/// A transport on which a client has sent these messages compressed.
pub(crate) fn wire(messages: &[&[u8]], takeover: Takeover) -> Wire {
    let mut deflater = deflater();
    let mut frames = Vec::new();
    for message in messages {
        let mut compressed = vec![0; message.len() * 2 + 64];
        let size = compress(&mut deflater, message, &mut compressed);
        if takeover == Takeover::Off {
            deflater.reset();
        }
        let mut frame = crate::frame(true, &compressed[..size], Some([0x12, 0x34, 0x56, 0x78]));
        frame[0] |= 0x40;
        frames.extend(frame);
    }
    Wire::of_bytes(frames, 65_536)
}
