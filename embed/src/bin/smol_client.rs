//! An echo client on smol: `cargo run --release -p embed --bin smol_client -- URL [--max-message BYTES] [--roots FILE]`.
//!
//! It echoes every message that the server sends, until either end closes.

#[path = "../../../examples/shared/client_arguments.rs"]
mod arguments;

use std::error::Error;
use std::process::ExitCode;

use arguments::Arguments;
use smol::channel::{Receiver, bounded};
use smol::future::or;
use sockeye::deflate::Options;
use sockeye::futures::{Stream, WebSocket, connect_with};
use sockeye::{Client, CloseCode, CloseFrame, Config, IoError};

fn main() -> ExitCode {
    match smol::block_on(run(&arguments::parse("smol_client"))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let config = Config::default().message_limit(arguments.max_message).frame_limit(arguments.max_message);
    let client = Client::new().config(config).deflate(Options::new()).roots(arguments.roots.clone());
    let (stop, stopped) = bounded(1);
    ctrlc::set_handler(move || _ = stop.close())?;
    let Some(connected) = unless(&stopped, connect_with(&client, &arguments.url)).await else { return Ok(()) };
    let mut connection = connected?;
    println!("connected to {}", arguments.url);
    eprintln!("every message that the server sends goes back to it   (Ctrl-C closes the connection)");
    match unless(&stopped, echo(&mut connection)).await {
        Some(echoed) => echoed?,
        None => {
            let farewell = CloseFrame::new(CloseCode::GOING_AWAY, "the client stops");
            // A server that does not answer in time is told apart by the ending.
            let _ = connection.close(Some(farewell)).await;
        }
    }
    if let Some(ending) = connection.ending() {
        println!("{}", arguments::ended(&ending));
    }
    Ok(())
}

async fn echo(connection: &mut WebSocket<Stream>) -> Result<(), IoError> {
    while let Some(message) = connection.receive().await? {
        if message.is_data() {
            connection.feed(message).await?;
        }
    }
    Ok(())
}

/// What comes of the work; `None` where Ctrl-C is pressed first, which closes the channel.
async fn unless<T>(stopped: &Receiver<()>, work: impl Future<Output = T>) -> Option<T> {
    let stopping = async {
        let _ = stopped.recv().await;
        None
    };
    or(stopping, async { Some(work.await) }).await
}
