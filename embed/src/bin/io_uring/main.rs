//! An echo server on io_uring, with compio: `cargo run --release -p embed --bin io_uring -- [ADDR] [--max-message BYTES]`.
//! It needs Linux.

#[path = "../../../../examples/shared/arguments.rs"]
mod arguments;
#[cfg(target_os = "linux")]
mod connection;
#[cfg(target_os = "linux")]
mod server;

use std::process::ExitCode;

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    match server::run(&arguments::parse("io_uring")) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    let _ = (arguments::parse("io_uring"), arguments::next_step);
    eprintln!("io_uring is a part of Linux: run another of the echo servers here");
    ExitCode::FAILURE
}
