//! The arguments of the echo clients, `URL [--max-message BYTES] [--roots FILE]`, and what they say in the end.

#[path = "roots.rs"]
mod roots;

use std::process::exit;

use sockeye::{Ending, Roots, Side};

/// What was asked for.
pub(crate) struct Arguments {
    /// The server.
    pub(crate) url: String,
    /// The most bytes in a message.
    pub(crate) max_message: u64,
    /// Who may certify a server: by default whom the system trusts.
    pub(crate) roots: Roots,
}

/// Reads the arguments, or says how they go and exits.
pub(crate) fn parse(name: &str) -> Arguments {
    read().unwrap_or_else(|wrong| {
        let usage = format!(
            "usage: {name} URL [--max-message BYTES] [--roots FILE]\n\n  URL                  the server, such as ws://127.0.0.1:9001/\n  --max-message BYTES  the most bytes in a message, by default 16777216\n  --roots FILE         for wss://, the certificates in PEM that are trusted, by default those of the system"
        );
        if wrong.is_empty() {
            println!("{usage}");
            exit(0);
        }
        eprintln!("{wrong}\n\n{usage}");
        exit(2);
    })
}

/// How the connection ended, for a user.
pub(crate) fn ended(ending: &Ending) -> String {
    let by = match ending.by {
        Side::Local => "this end",
        Side::Peer => "the peer",
        Side::Transport => "the transport",
    };
    let unclean = if ending.clean { "" } else { ", without a closing handshake" };
    format!("closed: {} by {by}{unclean}", ending.code())
}

/// The arguments; an empty error asks for help.
fn read() -> Result<Arguments, String> {
    use lexopt::prelude::*;

    let (mut url, mut max_message, mut roots) = (None, 16 << 20, Roots::system());
    let mut given = lexopt::Parser::from_env();
    while let Some(argument) = given.next().map_err(|error| error.to_string())? {
        match argument {
            Long("max-message") => {
                let bytes = given.value().map_err(|error| error.to_string())?;
                max_message = bytes.parse().map_err(|_| format!("expected a number of bytes, got {bytes:?}"))?;
            }
            Long("roots") => roots = roots::read(given.value().map_err(|error| error.to_string())?)?,
            Value(value) if url.is_none() => url = Some(value.to_string_lossy().into_owned()),
            Short('h') | Long("help") => return Err(String::new()),
            other => return Err(other.unexpected().to_string()),
        }
    }
    Ok(Arguments { url: url.ok_or("expected a URL such as ws://127.0.0.1:9001/")?, max_message, roots })
}
