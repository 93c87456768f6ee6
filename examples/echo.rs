//! An echo server on tokio: `cargo run --release --example echo -- [ADDR] [--max-message BYTES]`.

#[path = "shared/arguments.rs"]
mod arguments;

use std::error::Error;
use std::io;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use arguments::Arguments;
use sockeye::deflate::Options;
use sockeye::handshake::OriginPolicy;
use sockeye::tokio::WebSocket;
use sockeye::{CloseCode, CloseFrame, Config, IoError, Server};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

#[tokio::main]
async fn main() -> ExitCode {
    match run(&arguments::parse("echo")).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind(&arguments.address).await.map_err(|error| {
        format!("cannot listen on {}: {error}; choose another address, or port 0", arguments.address)
    })?;
    let mut interrupted = std::pin::pin!(interruption()?);
    println!("listening on ws://{}", listener.local_addr()?);
    eprintln!("{}", arguments::next_step(listener.local_addr()?));

    // An echo serves every page: it has nothing that a page of another site could steal.
    let config = Config::default().message_limit(arguments.max_message).frame_limit(arguments.max_message);
    let server = Arc::new(Server::new(OriginPolicy::Any).config(config).deflate(Options::new()));
    let (stop, stopped) = watch::channel(());
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    let (server, mut stopped) = (Arc::clone(&server), stopped.clone());
                    // The memory of an idle connection is what its task holds. An `async fn` would hold its arguments twice.
                    tokio::spawn(async move {
                        let served = async {
                            stream.set_nodelay(true)?;
                            let mut connection = tokio::select! {
                                accepted = sockeye::tokio::accept_with(&server, stream) => accepted?,
                                _ = stopped.changed() => return Ok(()),
                            };
                            echo(&mut connection, &mut stopped).await
                        };
                        if let Err(error) = served.await {
                            eprintln!("connection from {peer}: {error}");
                        }
                    });
                }
                Err(error) => {
                    eprintln!("cannot accept a connection: {error}; raise the limit of open files if it is reached");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
            () = &mut interrupted => break,
        }
    }
    drop(stopped);
    stop.send_replace(());
    if tokio::time::timeout(Duration::from_secs(6), stop.closed()).await.is_err() {
        eprintln!("some peers did not answer the close frame in time; their connections were dropped");
    }
    Ok(())
}

async fn echo(connection: &mut WebSocket<TcpStream>, stopped: &mut watch::Receiver<()>) -> Result<(), IoError> {
    loop {
        let received = tokio::select! {
            received = connection.receive() => received?,
            _ = stopped.changed() => break,
        };
        let Some(message) = received else { return Ok(()) };
        if message.is_data() {
            connection.feed(message).await?;
        }
    }
    connection.close(Some(CloseFrame::new(CloseCode::GOING_AWAY, "the server stops"))).await?;
    Ok(())
}

/// Ctrl-C or, on Unix, the signal that asks to terminate: caught from here on.
#[cfg(unix)]
fn interruption() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Ctrl-C: caught from here on.
#[cfg(windows)]
fn interruption() -> io::Result<impl Future<Output = ()>> {
    let mut interrupt = tokio::signal::windows::ctrl_c()?;
    Ok(async move {
        let _ = interrupt.recv().await;
    })
}
