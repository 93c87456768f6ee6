//! What a program without the standard library owes the machine that it runs on: where it begins, and how it panics.

use core::panic::PanicInfo;

use libc_print::libc_eprintln;
use rustix::process::{Signal, getpid, kill_process};

/// Where the C library begins. Linked as `main` alone, the name needs a promise that `unsafe` stands for: nothing else in
/// the program has it.
#[expect(unsafe_code, reason = "the linker looks for this name, and there is no other way to give it")]
#[unsafe(no_mangle)]
extern "C" fn main() -> i32 {
    i32::from(!crate::run())
}

/// `std` has one too: a program with both does not compile.
#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    libc_eprintln!("{info}");
    loop {
        let _ = kill_process(getpid(), Signal::ABORT);
    }
}
