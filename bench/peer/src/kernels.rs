//! The loops around kernels.

use std::hint::black_box;

use crate::{Job, job};

/// Runs `mask` over memory of `size` bytes, `offset` bytes behind a multiple of 64.
pub fn mask(size: usize, offset: usize, mut mask: impl FnMut(&mut [u8], [u8; 4]) + 'static) -> Option<Job> {
    let mut memory = vec![0; size + offset + 64];
    let start = memory.as_ptr().align_offset(64) + offset;
    job(move |units| {
        for _ in 0..units {
            mask(black_box(&mut memory[start..start + size]), black_box([0x12, 0x34, 0x56, 0x78]));
        }
        units
    })
}

/// Runs `validate` over the text.
pub fn utf8(text: &'static [u8], mut validate: impl FnMut(&[u8]) -> bool + 'static) -> Option<Job> {
    job(move |units| (0..units).map(|_| u64::from(validate(black_box(text)))).sum())
}
