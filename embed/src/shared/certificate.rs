//! What the echo servers with TLS share: their arguments, `[ADDR] [--max-message BYTES] [--certificate FILE]`, and a certificate
//! that they make themselves.

use std::error::Error;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{exit, id};

/// What was asked for.
pub(crate) struct Arguments {
    /// Where to listen; port 0 takes a free one.
    pub(crate) address: String,
    /// The most bytes in a message.
    pub(crate) max_message: u64,
    /// Where to leave the certificate, for clients to trust it.
    pub(crate) certificate: PathBuf,
}

/// Reads the arguments, or says how they go and exits.
pub(crate) fn parse(name: &str) -> Arguments {
    read().unwrap_or_else(|wrong| {
        let usage = format!(
            "usage: {name} [ADDR] [--max-message BYTES] [--certificate FILE]\n\n  ADDR                 where to listen, by default 127.0.0.1:9001; port 0 takes a free one\n  --max-message BYTES  the most bytes in a message, by default 16777216\n  --certificate FILE   where to leave the certificate in PEM, by default in the folder for temporary files"
        );
        if wrong.is_empty() {
            println!("{usage}");
            exit(0);
        }
        eprintln!("{wrong}\n\n{usage}");
        exit(2);
    })
}

/// A new certificate for this machine that nobody else has signed, left in the file, and its key, both in PEM.
pub(crate) fn certify(arguments: &Arguments) -> Result<(String, String), Box<dyn Error>> {
    let names = ["localhost", "127.0.0.1", "::1"].map(String::from);
    let made = rcgen::generate_simple_self_signed(names)?;
    let chain = made.cert.pem();
    let file = &arguments.certificate;
    std::fs::write(file, &chain)
        .map_err(|error| format!("cannot write the certificate to {}: {error}; name another file", file.display()))?;
    Ok((chain, made.signing_key.serialize_pem()))
}

/// What to do with a server that listens.
pub(crate) fn next_step(address: SocketAddr, arguments: &Arguments) -> String {
    let file = arguments.certificate.display();
    format!(
        "its certificate is in {file}\ntalk to it with: cargo run --release --example client -- wss://{address}/ --roots {file}   (Ctrl-C ends the server)"
    )
}

/// The arguments; an empty error asks for help.
fn read() -> Result<Arguments, String> {
    use lexopt::prelude::*;

    let (mut address, mut max_message, mut certificate) = (None, 16 << 20, None);
    let mut given = lexopt::Parser::from_env();
    while let Some(argument) = given.next().map_err(|error| error.to_string())? {
        match argument {
            Long("max-message") => {
                let bytes = given.value().map_err(|error| error.to_string())?;
                max_message = bytes.parse().map_err(|_| format!("expected a number of bytes, got {bytes:?}"))?;
            }
            Long("certificate") => {
                certificate = Some(given.value().map_err(|error| error.to_string())?.into());
            }
            Value(value) if address.is_none() => address = Some(value.to_string_lossy().into_owned()),
            Short('h') | Long("help") => return Err(String::new()),
            other => return Err(other.unexpected().to_string()),
        }
    }
    Ok(Arguments {
        address: address.unwrap_or_else(|| String::from("127.0.0.1:9001")),
        max_message,
        certificate: certificate.unwrap_or_else(|| std::env::temp_dir().join(format!("sockeye-{}.pem", id()))),
    })
}
