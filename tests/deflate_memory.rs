//! What the contexts of permessage-deflate cost, as the documentation of `sockeye::deflate` states it.
#![cfg(feature = "deflate")]
// A global allocator cannot be written without it.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use bytes::BytesMut;
use sockeye::deflate::{Deflate, Direction, Options, Parameters};

/// Counts the octets that this thread has allocated: that of the test harness does so meanwhile.
struct Counting;

thread_local! {
    static LIVE: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call goes to the allocator of the system with the arguments that came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.set(LIVE.get().wrapping_add(layout.size()));
        // SAFETY: the caller's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        LIVE.set(LIVE.get().wrapping_sub(layout.size()));
        // SAFETY: the caller's.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn live() -> usize {
    LIVE.get()
}

/// What `Deflate` holds after a message of 64 KiB in both directions: the compressor, the decompressor,
/// and all of it when idle.
fn measure(window_bits: u8, memory_level: u8, context_takeover: bool) -> [usize; 3] {
    let direction = Direction::new(window_bits, context_takeover);
    let parameters = Parameters { local: direction, remote: direction };
    let message: Vec<u8> = (0..65_536u32).map(|i| (i >> 4) as u8).collect();
    let mut payload = BytesMut::with_capacity(1 << 18);
    let mut output = BytesMut::with_capacity(1 << 18);
    let before = live();
    let options = Options::new().memory_level(memory_level);
    let mut deflate = Deflate::new(parameters, &options);
    assert_eq!(live(), before, "nothing is made before it is needed");

    assert!(deflate.compress(&message, true, &mut payload));
    let compressor = live() - before;
    let progress = deflate.inflate(&payload, &mut output, usize::MAX);
    assert_eq!(progress.map(|p| p.consumed), Ok(payload.len()));
    assert_eq!(deflate.finish(&mut output, usize::MAX), Ok(true));
    assert_eq!(output, message[..]);
    let decompressor = live() - before - compressor;
    deflate.release_idle();
    [compressor, decompressor, live() - before]
}

#[test]
fn contexts_cost_what_the_documentation_says() {
    for window_bits in 8..=15 {
        for memory_level in 1..=9 {
            for context_takeover in [false, true] {
                let [compressor, decompressor, idle] = measure(window_bits, memory_level, context_takeover);
                let window = 1 << window_bits;
                // The compressor for 8 bits has the window of 9.
                let said = 132 * 1024 + 4 * window.max(512) + (448 << memory_level);
                assert_said(compressor, said);
                assert_said(decompressor, 47 * 1024 + window);
                assert_eq!(idle, if context_takeover { window } else { 0 });
            }
        }
    }
}

/// At most what was said, and not so much less that it is worth saying.
fn assert_said(measured: usize, said: usize) {
    assert!(measured <= said, "{measured} octets, not {said}");
    assert!(measured + 2048 > said, "{measured} octets, {said} is out of date");
}
