//! sockeye without an operating system's library: a client and a server over two pipes of 256 bytes, in a program that has
//! no `std`, and an array for its heap. `cargo run --release` runs it, and prints what went through the pipes, in how many
//! reads, and the most of the heap that was in use after one of them; `./check` also looks at what was linked.
//!
//! Of the machine's C library it uses what begins a program, what prints, and for compression `posix_memalign` and `free`:
//! without `std` that is where zlib-rs gets its memory, and not from Rust's allocator.
#![no_std]
#![no_main]

extern crate alloc;

mod conversation;
mod end;
mod heap;
mod host;
mod pipe;
mod rooms;

use alloc::boxed::Box;
use alloc::format;
use alloc::vec::Vec;
use core::error::Error;

use libc_print::{libc_eprintln, libc_println};
use sockeye::deflate::Options;
use sockeye::{Message, Role};

use conversation::{Conversation, Cost};

/// What went wrong.
type Failure = Box<dyn Error>;

/// Whether all went as it should.
fn run() -> bool {
    let result = everything();
    if let Err(failure) = &result {
        libc_eprintln!("{failure}");
    }
    result.is_ok()
}

fn everything() -> Result<(), Failure> {
    let frames = rooms::check().map_err(|wrong| format!("the rooms without an allocator: {wrong:?}"))?;
    libc_println!("{frames} frames decoded, unmasked, validated and answered without the allocator\n");

    libc_println!("{:24} {:>10} {:>10} {:>10}", "both ways, both ends", "bytes", "in pieces", "memory");
    plain()?;
    compressed()?;

    // The allocator's own headers are what may be left.
    let left = heap::used();
    if left > 256 {
        return Err(format!("expected all memory to be given back, got {left} bytes that were not").into());
    }
    libc_println!("\nall of it right, and all memory given back, in a heap of {} KiB", heap::SIZE / 1024);
    Ok(())
}

/// A conversation that the client closes.
fn plain() -> Result<(), Failure> {
    let mut conversation = Conversation::begin(None)?;
    report("opening handshake", &conversation.cost());
    conversation.echo(&"연어, 연어, 연어".into())?;
    report("text", &conversation.cost());
    conversation.echo(&Message::binary((0..=255).collect::<Vec<u8>>()))?;
    report("binary", &conversation.cost());
    conversation.echo_fragments(&["강을 ", "거슬러 ", "오른다"])?;
    report("fragments, ping between", &conversation.cost());
    conversation.ping()?;
    report("ping and pong, both ways", &conversation.cost());
    let noise: Vec<u8> = (0..100_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    conversation.echo(&Message::binary(noise))?;
    report("100,000 bytes", &conversation.cost());
    report("close by the client", &conversation.close(Role::Client)?);
    Ok(())
}

/// A conversation with permessage-deflate, which the server closes.
fn compressed() -> Result<(), Failure> {
    let mut conversation = Conversation::begin(Some(Options::new()))?;
    report("handshake with deflate", &conversation.cost());
    conversation.echo(&Message::text("연어는 강을 거슬러 오른다. ".repeat(2_000)))?;
    let cost = conversation.cost();
    if cost.bytes > 7_600 {
        return Err(format!("expected 76,000 bytes to be compressed, got {} on the wire", cost.bytes).into());
    }
    report("76,000 bytes, deflated", &cost);
    report("close by the server", &conversation.close(Role::Server)?);
    Ok(())
}

fn report(what: &str, cost: &Cost) {
    libc_println!("{what:24} {:>10} {:>10} {:>10}", cost.bytes, cost.pieces, cost.most);
}
