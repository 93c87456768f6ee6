//! An echo client through hyper: `cargo run --release -p embed --bin hyper_client -- URL [--max-message BYTES] [--roots FILE]`.
//!
//! hyper sends the request and reads the response; the WebSocket takes over its stream, and echoes every message that the
//! server sends, until either end closes.

#[path = "../../../examples/shared/client_arguments.rs"]
mod arguments;

use std::pin::pin;
use std::process::ExitCode;

use arguments::Arguments;
use embed::http1::{BoxError, chain, interruption};
use http_body_util::Empty;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use sockeye::deflate::Options;
use sockeye::handshake::{Response, Url};
use sockeye::tokio::{Stream, WebSocket};
use sockeye::{Client, CloseCode, CloseFrame, Config, Due, IoError, Timeouts};
use tokio::time::timeout;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(&arguments::parse("hyper_client")).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}", chain(&*error));
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> Result<(), BoxError> {
    let config = Config::default().message_limit(arguments.max_message).frame_limit(arguments.max_message);
    let client = Client::new().config(config).deflate(Options::new()).roots(arguments.roots.clone());
    let patience = Timeouts::default().handshake.unwrap_or_default();
    let mut interrupted = pin!(interruption()?);
    let mut socket = tokio::select! {
        connected = timeout(patience, connect(&client, &arguments.url)) => {
            connected.map_err(|_| IoError::TimedOut(Due::Handshake))??
        }
        () = &mut interrupted => return Ok(()),
    };
    println!("connected to {}", arguments.url);
    eprintln!("every message that the server sends goes back to it   (Ctrl-C closes the connection)");
    tokio::select! {
        echoed = echo(&mut socket) => echoed?,
        () = &mut interrupted => {
            let farewell = CloseFrame::new(CloseCode::GOING_AWAY, "the client stops");
            // A server that does not answer in time is told apart by the ending.
            let _ = socket.close(Some(farewell)).await;
        }
    }
    if let Some(ending) = socket.ending() {
        println!("{}", arguments::ended(&ending));
    }
    Ok(())
}

async fn connect(client: &Client, url: &str) -> Result<WebSocket<Stream>, BoxError> {
    let url = Url::parse(url)?;
    // TCP, and TLS for wss://.
    let stream = Stream::connect(client, &url).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection.with_upgrades());

    let (request, upgrading) = client.begin(&url)?;
    let request = hyper::Request::try_from(&request)?.map(|()| Empty::<Bytes>::new());
    let response = sender.send_request(request).await?;
    let upgrade = upgrading.finish(&Response::try_from(&response)?)?;

    // The stream itself, and not hyper's wrapping of it; what hyper has read beyond the response comes with it.
    let stream = hyper::upgrade::on(response).await?.downcast::<TokioIo<Stream>>();
    let parts = stream.map_err(|_| "the upgraded stream is not the one that was connected")?;
    Ok(WebSocket::upgraded(parts.io.into_inner(), upgrade, &parts.read_buf))
}

async fn echo(socket: &mut WebSocket<Stream>) -> Result<(), IoError> {
    while let Some(message) = socket.receive().await? {
        if message.is_data() {
            socket.feed(message).await?;
        }
    }
    Ok(())
}
