//! An echo server on io_uring, one thread for all connections:
//! `cargo run --release -p embed --bin io_uring -- [ADDR] [--max-message BYTES]`. It needs Linux.
//!
//! | file | what is in it |
//! | --- | --- |
//! | `server` | the loop: operations that have completed, accepting, deadlines, the end |
//! | `peer` | one connection: the read and the write that are under way, and what follows when one completes |
//! | `ring` | operations, each of which owns its memory, and the bell that rings when one has completed |

#[path = "../../../../examples/shared/arguments.rs"]
mod arguments;
#[cfg(target_os = "linux")]
mod peer;
#[cfg(target_os = "linux")]
mod ring;
#[cfg(target_os = "linux")]
mod server;

use std::process::ExitCode;

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    match run(&arguments::parse("io_uring")) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(target_os = "linux")]
fn run(arguments: &arguments::Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let listener = std::net::TcpListener::bind(&arguments.address).map_err(|error| {
        format!("cannot listen on {}: {error}; choose another address, or port 0", arguments.address)
    })?;
    let address = listener.local_addr()?;
    let (mut server, stopper) = server::Server::new(listener, embed::session::Terms::new(arguments.max_message))
        .map_err(|error| {
            format!("cannot set io_uring up: {error}; it needs Linux 6.1, and `kernel.io_uring_disabled` to be 0")
        })?;
    ctrlc::set_handler(move || stopper.stop())?;
    println!("listening on ws://{address}");
    eprintln!("{}", arguments::next_step(address));
    Ok(server.run()?)
}

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    let _ = (arguments::parse("io_uring"), arguments::next_step);
    eprintln!("io_uring is a part of Linux: run another of the echo servers here");
    ExitCode::FAILURE
}
