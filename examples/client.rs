//! A terminal client: `cargo run --release --example client -- URL [--protocol P] [--header 'K: V'] [--roots FILE] [--binary] [--no-deflate]`.
//!
//! Each line of stdin is a message, each text message received a line on stdout, a binary one a line of hexadecimal
//! digits. Everything else is on stderr.

#[path = "shared/roots.rs"]
mod roots;

use std::error::Error;
use std::io::{BufRead, Write};
use std::process::ExitCode;
use std::thread;

use sockeye::deflate::Options;
use sockeye::handshake::{HandshakeError, Offer};
use sockeye::tokio::{Receiver, Sender, Stream, connect_with};
use sockeye::{Client, CloseCode, CloseFrame, Ending, IoError, Message, Roots, Side, Text, TlsError};
use tokio::sync::mpsc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = match arguments() {
        Ok(arguments) => arguments,
        Err(wrong) if wrong.is_empty() => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(wrong) => {
            eprintln!("{wrong}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let code = match talk(&arguments).await {
        Ok(()) => 0,
        Err(error) => {
            eprintln!("{error}");
            1
        }
    };
    // A thread may still wait for stdin, and no runtime can end it.
    std::process::exit(code);
}

async fn talk(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let mut client = Client::new().offer(arguments.offer.clone()).roots(arguments.roots.clone());
    if arguments.deflate {
        client = client.deflate(Options::new());
    }
    let connection = connect_with(&client, &arguments.url).await.map_err(|error| explain(&arguments.url, error))?;
    match connection.subprotocol() {
        Some(subprotocol) => eprintln!("connected to {} with subprotocol {subprotocol}", arguments.url),
        None => eprintln!("connected to {}", arguments.url),
    }
    eprintln!("type lines to send them; end with Ctrl-D, or leave with Ctrl-C");
    let (sender, receiver) = connection.split();
    let lines = read_stdin(arguments.binary);
    tokio::select! {
        ended = converse(lines, &sender, receiver) => ended,
        _ = tokio::signal::ctrl_c() => {
            sender.close(Some(CloseFrame::new(CloseCode::GOING_AWAY, "interrupted"))).await?;
            Err("interrupted: the connection was closed with 1001".into())
        }
    }
}

/// Sends and receives at the same time: a peer that waits for us to read would otherwise wait for ever.
async fn converse(lines: Lines, sender: &Sender<Stream>, receiver: Receiver<Stream>) -> Result<(), Box<dyn Error>> {
    let mut printing = std::pin::pin!(print(receiver));
    let sent = tokio::select! {
        ended = &mut printing => return judge(&ended?),
        sent = send(lines, sender) => sent,
    };
    let code = if sent.is_ok() { CloseCode::NORMAL } else { CloseCode::GOING_AWAY };
    // Whether this close frame leaves shows on the receiving side, and so does the answer.
    let (_, ended) = tokio::join!(sender.close(Some(CloseFrame::new(code, ""))), printing);
    let ending = ended?;
    match sent {
        Err(wrong) if ending.by == Side::Local => Err(wrong.into()),
        _ => judge(&ending),
    }
}

/// Sends the lines, until there are no more or one of them cannot be sent.
async fn send(mut lines: Lines, sender: &Sender<Stream>) -> Result<(), String> {
    while let Some(line) = lines.recv().await {
        sender.send(line?).await.map_err(|error| format!("cannot send a line of stdin: {error}"))?;
    }
    Ok(())
}

/// Prints messages until the connection ends.
async fn print(mut receiver: Receiver<Stream>) -> Result<Ending, Box<dyn Error>> {
    while let Some(message) = receiver.receive().await? {
        let mut line = match message {
            Message::Text(text) => text.as_bytes().to_vec(),
            Message::Binary(data) => data.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect(),
            Message::Close(Some(frame)) => {
                eprintln!("the peer closes with {frame}");
                continue;
            }
            Message::Ping(_) | Message::Pong(_) | Message::Close(None) => continue,
        };
        line.push(b'\n');
        let mut stdout = std::io::stdout().lock();
        stdout.write_all(&line).and_then(|()| stdout.flush()).map_err(|error| format!("cannot print: {error}"))?;
    }
    receiver.ending().ok_or_else(|| "the connection has no ending".into())
}

/// Whether the connection ended well.
fn judge(ending: &Ending) -> Result<(), Box<dyn Error>> {
    if !ending.clean {
        return Err("the connection ended without a closing handshake (1006): see whether the server is alive".into());
    }
    match ending.code() {
        CloseCode::NORMAL | CloseCode::NO_STATUS => Ok(()),
        code => Err(format!("the peer closed with {code} and not with 1000").into()),
    }
}

/// What went wrong with the connection, and what to do.
fn explain(url: &str, error: IoError) -> String {
    match error {
        IoError::Io(error) => {
            format!("cannot connect to {url}: {error}; see whether the server runs and the port is right")
        }
        IoError::Handshake(HandshakeError::Refused(response)) => {
            let status = response.status();
            match response.header("Location") {
                Some(location) if (300..400).contains(&status) => {
                    format!("the server answered {status} and points to {location}: connect there")
                }
                _ => format!(
                    "expected the status 101, the server answered {status}: see whether {url} serves a WebSocket"
                ),
            }
        }
        IoError::Tls(TlsError::UnknownIssuer) => format!(
            "cannot connect to {url}: its certificate was issued by nobody who is trusted; where it is the right one, name \
             a file with it in --roots"
        ),
        error => format!("cannot connect to {url}: {error}"),
    }
}

/// The lines of stdin as messages, or why one is none.
type Lines = mpsc::Receiver<Result<Message, String>>;

/// Reads lines in a thread of their own, as stdin cannot be awaited.
fn read_stdin(binary: bool) -> Lines {
    let (lines, read) = mpsc::channel(16);
    thread::spawn(move || {
        for (number, line) in std::io::stdin().lock().split(b'\n').enumerate() {
            let message = line.map_err(|error| format!("cannot read stdin: {error}")).and_then(|mut line| {
                if line.last() == Some(&b'\r') {
                    line.pop();
                }
                if binary {
                    return Ok(Message::binary(line));
                }
                let text = Text::new(line.into());
                let wrong = |_| format!("line {} of stdin is not UTF-8: send it with --binary", number + 1);
                text.map(Message::Text).map_err(wrong)
            });
            if lines.blocking_send(message).is_err() {
                return;
            }
        }
    });
    read
}

struct Arguments {
    url: String,
    offer: Offer,
    roots: Roots,
    binary: bool,
    deflate: bool,
}

/// The arguments; an empty error asks for help.
fn arguments() -> Result<Arguments, String> {
    use lexopt::prelude::*;

    let said = |error: lexopt::Error| error.to_string();
    let (mut url, mut offer, mut roots, mut binary, mut deflate) = (None, Offer::new(), Roots::system(), false, true);
    let mut given = lexopt::Parser::from_env();
    while let Some(argument) = given.next().map_err(said)? {
        match argument {
            Long("protocol") => {
                let name = given.value().map_err(said)?.to_string_lossy().into_owned();
                offer = offer.with_subprotocol(&name).map_err(|error| error.to_string())?;
            }
            Long("header") => {
                let header = given.value().map_err(said)?.to_string_lossy().into_owned();
                let (name, value) =
                    header.split_once(':').ok_or(format!("expected a header as 'Name: value', got '{header}'"))?;
                offer = offer.with_header(name.trim(), value.trim()).map_err(|error| error.to_string())?;
            }
            Long("roots") => roots = roots::read(given.value().map_err(said)?)?,
            Long("binary") => binary = true,
            Long("no-deflate") => deflate = false,
            Short('h') | Long("help") => return Err(String::new()),
            Value(value) if url.is_none() => url = Some(value.to_string_lossy().into_owned()),
            other => return Err(other.unexpected().to_string()),
        }
    }
    let url = url.ok_or("expected a URL such as ws://127.0.0.1:9001/")?;
    Ok(Arguments { url, offer, roots, binary, deflate })
}

const USAGE: &str = "usage: client URL [--protocol P]... [--header 'K: V']... [--roots FILE] [--binary] [--no-deflate]

  URL              a ws:// or wss:// URL
  --protocol P     offers a subprotocol
  --header 'K: V'  adds a header to the request
  --roots FILE     for wss://, the certificates in PEM that are trusted, by default those of the system
  --binary         sends each line as a binary message
  --no-deflate     does not offer compression";
