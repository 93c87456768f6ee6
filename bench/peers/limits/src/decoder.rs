//! A bare decoder: frames with FIN in a fixed buffer, unmasked and validated as they arrive, while the bytes are in the first
//! cache.

use std::io::Read;

use peer::{Job, Kind, Wire, job, look};

use crate::kernels;

/// Reads so many frames.
pub(crate) fn decode(mut wire: Wire, kind: Kind) -> Option<Job> {
    let most = wire.payload() + 14;
    let mut buffer = vec![0; 2 * most + READ];
    let (mut next, mut filled) = (0, 0);
    job(move |units| {
        let (mut sum, mut left) = (0, units);
        while left > 0 {
            if let Some((header, length, key)) = header(&buffer[next..filled]) {
                let (start, end) = (next + header, next + header + length);
                if end + 14 > buffer.len() {
                    to_front(&mut buffer, &mut next, &mut filled);
                    continue;
                }
                if end <= filled {
                    kernels::xor(&mut buffer[start..end], key);
                    if kind.is_text() {
                        kernels::validate(&buffer[start..end], true);
                    }
                } else {
                    filled = arrive(&mut wire, &mut buffer, start, end, filled, (key, kind));
                }
                sum += look(&buffer[start..end]);
                next = end;
                left -= 1;
                continue;
            }
            if next == filled || buffer.len() - filled < 14 {
                to_front(&mut buffer, &mut next, &mut filled);
            }
            let most = (filled + READ).min(buffer.len());
            filled += wire.read(&mut buffer[filled..most]).expect("the wire does not fail");
        }
        sum
    })
}

fn to_front(buffer: &mut [u8], next: &mut usize, filled: &mut usize) {
    buffer.copy_within(*next..*filled, 0);
    *filled -= *next;
    *next = 0;
}

/// Reads the rest of a frame, unmasks and validates it while it arrives. Where what has arrived ends then.
fn arrive(
    wire: &mut Wire,
    buffer: &mut [u8],
    start: usize,
    end: usize,
    mut filled: usize,
    (key, kind): ([u8; 4], Kind),
) -> usize {
    let (mut done, mut valid) = (start, start);
    loop {
        // Whole keys, so that the next part begins with the key's first byte.
        let until = if filled >= end { end } else { start + (filled - start) / 4 * 4 };
        kernels::xor(&mut buffer[done..until], key);
        done = until;
        if kind.is_text() {
            valid += kernels::validate(&buffer[valid..done], done == end);
        }
        if done == end {
            return filled;
        }
        let most = (filled + READ).min(buffer.len());
        filled += wire.read(&mut buffer[filled..most]).expect("the wire does not fail");
    }
}

/// The bytes of the header, the bytes of the payload, and the key. One that is split by the end is waited for.
#[inline]
pub(crate) fn header(bytes: &[u8]) -> Option<(usize, usize, [u8; 4])> {
    let second = *bytes.get(1)?;
    let (at, length) = match second & 0x7f {
        126 => (4, usize::from(u16::from_be_bytes(*bytes.get(2..)?.first_chunk()?))),
        127 => (10, u64::from_be_bytes(*bytes.get(2..)?.first_chunk()?) as usize),
        length => (2, usize::from(length)),
    };
    Some((at + 4, length, *bytes.get(at..)?.first_chunk()?))
}

/// Writes a header without its key. How many bytes it has.
#[inline]
pub(crate) fn write_header(frame: &mut [u8], length: usize, masked: bool) -> usize {
    let masked = u8::from(masked) << 7;
    frame[0] = 0x82;
    match length {
        0..=125 => {
            frame[1] = masked | length as u8;
            2
        }
        126..=0xffff => {
            frame[1] = masked | 126;
            frame[2..4].copy_from_slice(&(length as u16).to_be_bytes());
            4
        }
        _ => {
            frame[1] = masked | 127;
            frame[2..10].copy_from_slice(&(length as u64).to_be_bytes());
            10
        }
    }
}

const READ: usize = 16 << 10;
