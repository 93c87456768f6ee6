//! The rooms `frame`, `mask`, `utf8` and `close` in a program that has no allocator at all:
//! `cargo run --release --no-default-features --example rooms`.
#![no_std]
#![no_main]

#[path = "../src/host.rs"]
mod host;
#[path = "../src/rooms.rs"]
mod rooms;

use libc_print::{libc_eprintln, libc_println};

/// Whether all went as it should.
fn run() -> bool {
    let result = rooms::check();
    match &result {
        Ok(frames) => libc_println!("{frames} frames decoded, unmasked, validated and answered without an allocator"),
        Err(wrong) => libc_eprintln!("the rooms without an allocator: {wrong:?}"),
    }
    result.is_ok()
}
