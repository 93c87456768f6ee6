//! An echo server on epoll, one thread for all connections:
//! `cargo run --release -p embed --bin epoll -- [ADDR] [--max-message BYTES]`.
//!
//! | file | what is in it |
//! | --- | --- |
//! | `server` | the loop: events of the poll, accepting, deadlines, turns of the connections, the end |
//! | `peer` | one connection: its handshake, its turn of reading, echoing and writing |
//! | `pool` | the memory that connections share, so that an idle one has none |

#[path = "../../../../examples/shared/arguments.rs"]
mod arguments;
mod peer;
mod pool;
mod server;

use std::error::Error;
use std::io;
use std::net::ToSocketAddrs;
use std::process::ExitCode;

use arguments::Arguments;
use embed::session::Terms;
use mio::net::TcpListener;
use server::Server;

fn main() -> ExitCode {
    match run(&arguments::parse("epoll")) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let listener = listen(&arguments.address).map_err(|error| {
        format!("cannot listen on {}: {error}; choose another address, or port 0", arguments.address)
    })?;
    let address = listener.local_addr()?;
    let (mut server, waker) = Server::new(listener, Terms::new(arguments.max_message))?;
    ctrlc::set_handler(move || {
        let _ = waker.wake();
    })?;
    println!("listening on ws://{address}");
    eprintln!("{}", arguments::next_step(address));
    Ok(server.run()?)
}

/// Listens on the first of the name's addresses that can be had.
fn listen(name: &str) -> io::Result<TcpListener> {
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in name.to_socket_addrs()? {
        match TcpListener::bind(address) {
            Ok(listener) => return Ok(listener),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}
