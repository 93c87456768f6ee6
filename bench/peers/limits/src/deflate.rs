//! zlib-rs with a frame around it.

use std::io::{Read, Write};

use peer::deflated::{WINDOW_BITS, compress as deflate, deflater};
use peer::{Job, Takeover, Wire, job, look};
use zlib_rs::{Inflate, InflateFlush};

use crate::{decoder, kernels};

pub(crate) fn compress(messages: &'static [&'static [u8]], takeover: Takeover, mut wire: Wire) -> Option<Job> {
    let mut messages = messages.iter().cycle();
    let mut deflater = deflater();
    let mut space = vec![0; messages.clone().next()?.len() * 2 + 64];
    let sent = wire.sent();
    job(move |units| {
        let before = sent.bytes();
        for message in messages.by_ref().take(units as usize) {
            // The header once its length is known, in front of the payload.
            let size = deflate(&mut deflater, message, &mut space[HEADER..]);
            if takeover == Takeover::Off {
                deflater.reset();
            }
            let mut header = [0; HEADER];
            let length = decoder::write_header(&mut header, size, false);
            space[HEADER - length..HEADER].copy_from_slice(&header[..length]);
            wire.write_all(&space[HEADER - length..HEADER + size]).expect("the wire does not fail");
        }
        sent.bytes() - before
    })
}

pub(crate) fn decompress(mut wire: Wire, takeover: Takeover) -> Option<Job> {
    let mut inflater = Inflate::new(false, WINDOW_BITS);
    let mut buffer = vec![0; 2 * READ];
    let mut output = vec![0; READ];
    let (mut next, mut filled) = (0, 0);
    job(move |units| {
        let (mut sum, mut left) = (0, units);
        while left > 0 {
            let frame = decoder::header(&buffer[next..filled]);
            if let Some((header, length, key)) = frame.filter(|(header, length, _)| next + header + length <= filled) {
                let payload = &mut buffer[next + header..next + header + length];
                kernels::xor(payload, key);
                let mut size = 0;
                for mut input in [&*payload, TAIL] {
                    loop {
                        let (read, before) = (inflater.total_in(), inflater.total_out());
                        inflater.decompress(input, &mut output[size..], InflateFlush::SyncFlush).expect("good frames");
                        input = &input[(inflater.total_in() - read) as usize..];
                        size += (inflater.total_out() - before) as usize;
                        if size < output.len() {
                            break;
                        }
                        output.resize(2 * size, 0);
                    }
                }
                if takeover == Takeover::Off {
                    inflater.reset(false);
                }
                simdutf8::basic::from_utf8(&output[..size]).expect("text");
                sum += look(&output[..size]);
                next += header + length;
                left -= 1;
            } else {
                buffer.copy_within(next..filled, 0);
                filled -= next;
                next = 0;
                if filled == buffer.len() {
                    buffer.resize(2 * filled, 0);
                }
                let most = buffer.len().min(filled + READ);
                filled += wire.read(&mut buffer[filled..most]).expect("the wire does not fail");
            }
        }
        sum
    })
}

const TAIL: &[u8] = &[0x00, 0x00, 0xff, 0xff];
const HEADER: usize = 14;
const READ: usize = 16 << 10;
