//! Both ends of a connection in a program without the standard library.
//!
//! The panic handler below is the proof: where any crate of the program brings `std`, there are two of them and it does
//! not compile. The program then shows that the engine works so: it exits with 0 if a message came back.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::boxed::Box;
use core::alloc::{GlobalAlloc, Layout};
use core::panic::PanicInfo;

use sockeye::bytes::Buf;
use sockeye::handshake::{Acceptance, Limits, Offer, OriginPolicy, RequestReader, Url};
use sockeye::{Config, Connection, Entropy, Event, Inbox, Outbox};

#[unsafe(no_mangle)]
extern "C" fn main() -> i32 {
    match converse() {
        Some(()) => 0,
        None => 1,
    }
}

fn converse() -> Option<()> {
    let url = Url::parse("ws://localhost/").ok()?;
    let (request, mut handshake) = Offer::new().begin(&url, [7; 16]);
    let (request, _) = RequestReader::new(Limits::default()).read(&request.write()).ok()??;
    OriginPolicy::SameOrigin.check(&request).ok()?;
    let (response, _) = request.accept(&Acceptance::new()).ok()?;
    handshake.read(&response.write()).ok()??;

    let mut client = Connection::client_with_entropy(&Config::default(), Box::new(Counter(1)));
    let mut server = Connection::server(&Config::default());
    let (mut up, mut down) = (Outbox::new(), Outbox::new());
    let (mut arrived, mut returned) = (Inbox::new(), Inbox::new());
    client.send_text("연어, 연어, 연어", &mut up).ok()?;
    carry(&mut up, &mut arrived);
    let Event::Text(text) = server.receive(&mut arrived, &mut down).ok()?? else { return None };
    server.send_text(&text, &mut down).ok()?;
    carry(&mut down, &mut returned);
    let Event::Text(text) = client.receive(&mut returned, &mut up).ok()?? else { return None };
    (&*text == "연어, 연어, 연어").then_some(())
}

fn carry(outbox: &mut Outbox, inbox: &mut Inbox) {
    while outbox.has_remaining() {
        let chunk = outbox.chunk();
        inbox.extend(chunk);
        outbox.advance(chunk.len());
    }
}

/// Good enough for both ends in one memory, and for nothing else.
struct Counter(u8);

impl Entropy for Counter {
    fn fill(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            self.0 = self.0.wrapping_mul(5).wrapping_add(1);
            *byte = self.0;
        }
    }
}

struct CAllocator;

// SAFETY: `aligned_alloc` returns memory of the layout that was asked for, or null; `free` takes it back.
unsafe impl GlobalAlloc for CAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: C wants a size that is a multiple of the alignment.
        unsafe { aligned_alloc(layout.align().max(16), layout.size().next_multiple_of(layout.align().max(16))) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, _: Layout) {
        // SAFETY: it came from `aligned_alloc`.
        unsafe { free(memory) }
    }
}

#[global_allocator]
static ALLOCATOR: CAllocator = CAllocator;

#[link(name = "c")]
unsafe extern "C" {
    fn aligned_alloc(alignment: usize, size: usize) -> *mut u8;
    fn free(memory: *mut u8);
    fn abort() -> !;
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    // SAFETY: it has no conditions.
    unsafe { abort() }
}

/// `alloc` comes compiled for unwinding, and names what unwinding needs. Nothing here unwinds.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}

/// See [`rust_eh_personality`].
#[unsafe(no_mangle)]
extern "C" fn _Unwind_Resume() -> ! {
    // SAFETY: it has no conditions.
    unsafe { abort() }
}
