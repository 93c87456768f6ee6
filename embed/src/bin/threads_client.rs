//! An echo client on blocking sockets: `cargo run --release -p embed --bin threads_client -- URL [--max-message BYTES] [--roots FILE]`.
//!
//! It echoes every message that the server sends, until either end closes.

#[path = "../../../examples/shared/client_arguments.rs"]
mod arguments;

use std::process::{ExitCode, exit};
use std::sync::{Arc, OnceLock};

use arguments::Arguments;
use sockeye::blocking::{Receiver, Sender, Stream, connect_with};
use sockeye::deflate::Options;
use sockeye::{Client, CloseCode, CloseFrame, Config, Error, IoError, Misuse};

fn main() -> ExitCode {
    match run(&arguments::parse("threads_client")) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let config = Config::default().message_limit(arguments.max_message).frame_limit(arguments.max_message);
    let client = Client::new().config(config).deflate(Options::new()).roots(arguments.roots.clone());
    let open = Arc::new(OnceLock::<Sender<Stream>>::new());
    let closing = Arc::clone(&open);
    ctrlc::set_handler(move || match closing.get() {
        // How that goes shows on the receiving side.
        Some(sender) => drop(sender.close(Some(CloseFrame::new(CloseCode::GOING_AWAY, "the client stops")))),
        None => exit(0),
    })?;
    let (sender, mut receiver) = connect_with(&client, &arguments.url)?.split()?;
    let sender = open.get_or_init(|| sender);
    println!("connected to {}", arguments.url);
    eprintln!("every message that the server sends goes back to it   (Ctrl-C closes the connection)");
    let echoed = echo(sender, &mut receiver);
    let Some(ending) = receiver.ending() else { return Ok(echoed?) };
    // A server that does not answer the farewell in time is no reason to complain.
    if ending.sent != Some(CloseCode::GOING_AWAY) {
        echoed?;
    }
    println!("{}", arguments::ended(&ending));
    Ok(())
}

fn echo(sender: &Sender<Stream>, receiver: &mut Receiver<Stream>) -> Result<(), IoError> {
    while let Some(message) = receiver.receive()? {
        if message.is_data() {
            match sender.feed(message) {
                // This end closes already: what still comes is not echoed.
                Err(IoError::Connection(Error::Misuse(Misuse::Closed))) => {}
                fed => fed?,
            }
        }
    }
    Ok(())
}
