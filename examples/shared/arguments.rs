//! The arguments of the echo servers: `[ADDR] [--max-message BYTES]`.

use std::net::SocketAddr;
use std::process::exit;

/// What was asked for.
pub(crate) struct Arguments {
    /// Where to listen; port 0 takes a free one.
    pub(crate) address: String,
    /// The most bytes in a message.
    pub(crate) max_message: u64,
}

/// Reads the arguments, or says how they go and exits.
pub(crate) fn parse(name: &str) -> Arguments {
    read().unwrap_or_else(|wrong| {
        let help = wrong.is_empty();
        let usage = format!(
            "usage: {name} [ADDR] [--max-message BYTES]\n\n  ADDR                 where to listen, by default 127.0.0.1:9001; port 0 takes a free one\n  --max-message BYTES  the most bytes in a message, by default 16777216"
        );
        if help {
            println!("{usage}");
            exit(0);
        }
        eprintln!("{wrong}\n\n{usage}");
        exit(2);
    })
}

/// What to do with a server that listens.
pub(crate) fn next_step(address: SocketAddr) -> String {
    format!("talk to it with: cargo run --release --example client -- ws://{address}/   (Ctrl-C ends the server)")
}

/// The arguments; an empty error asks for help.
fn read() -> Result<Arguments, String> {
    use lexopt::prelude::*;

    let (mut address, mut max_message) = (None, 16 << 20);
    let mut given = lexopt::Parser::from_env();
    while let Some(argument) = given.next().map_err(|error| error.to_string())? {
        match argument {
            Long("max-message") => {
                let bytes = given.value().map_err(|error| error.to_string())?;
                max_message = bytes.parse().map_err(|_| format!("expected a number of bytes, got {bytes:?}"))?;
            }
            Value(value) if address.is_none() => address = Some(value.to_string_lossy().into_owned()),
            Short('h') | Long("help") => return Err(String::new()),
            other => return Err(other.unexpected().to_string()),
        }
    }
    Ok(Arguments { address: address.unwrap_or_else(|| String::from("127.0.0.1:9001")), max_message })
}
