//! An echo client on tokio: `cargo run --release -p embed --bin tokio_client -- URL [--max-message BYTES] [--roots FILE]`.
//!
//! It echoes every message that the server sends, until either end closes.

#[path = "../../../examples/shared/client_arguments.rs"]
mod arguments;

use std::pin::pin;
use std::process::ExitCode;

use arguments::Arguments;
use sockeye::deflate::Options;
use sockeye::tokio::{Stream, WebSocket, connect_with};
use sockeye::{Client, CloseCode, CloseFrame, Config, IoError};
use tokio::signal::ctrl_c;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(&arguments::parse("tokio_client")).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> Result<(), IoError> {
    let config = Config::default().message_limit(arguments.max_message).frame_limit(arguments.max_message);
    let client = Client::new().config(config).deflate(Options::new()).roots(arguments.roots.clone());
    let mut interrupted = pin!(ctrl_c());
    let mut connection = tokio::select! {
        connected = connect_with(&client, &arguments.url) => connected?,
        _ = &mut interrupted => return Ok(()),
    };
    println!("connected to {}", arguments.url);
    eprintln!("every message that the server sends goes back to it   (Ctrl-C closes the connection)");
    tokio::select! {
        echoed = echo(&mut connection) => echoed?,
        _ = &mut interrupted => {
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
