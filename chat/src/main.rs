//! A chat with rooms: one small server, one port for its page and its WebSocket. `PROTOCOL.md` says how they speak.

mod guest;
mod hall;
mod page;
mod protocol;
mod room;

use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use guest::House;

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("chat: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), String> {
    let Some(command) = command().map_err(|error| format!("{error}: `chat --help` says how to start it"))? else {
        print!("{HELP}");
        return Ok(());
    };
    let stop = stop_signal().map_err(|error| format!("cannot wait for Ctrl-C: {error}"))?;
    let listener = listen(command.address).await?;
    let address = listener.local_addr().map_err(|error| format!("cannot tell where it listens: {error}"))?;
    println!("chat: open http://{}/ in a browser; Ctrl-C ends it", reachable(address));
    serve(listener, stop).await;
    Ok(())
}

/// Serves until `stop` ends; then every guest is told, and given a moment.
async fn serve(listener: TcpListener, stop: impl Future<Output = ()>) {
    let house = Arc::new(House::new());
    let mut connections = JoinSet::new();
    tokio::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept(), if connections.len() < CONNECTIONS => match accepted {
                Ok((stream, _)) => {
                    let house = Arc::clone(&house);
                    connections.spawn(async move { house.serve(stream).await });
                }
                Err(error) => {
                    eprintln!("chat: cannot accept a connection: {error}; raise `ulimit -n` if this goes on");
                    // Trying again at once would fail again at once.
                    sleep(ACCEPT_AGAIN).await;
                }
            },
        }
    }
    drop(listener);
    house.close();
    // Whoever has not answered by then is cut off.
    let _ = timeout(MOMENT, async { while connections.join_next().await.is_some() {} }).await;
}

struct Command {
    /// Where to listen, if it matters.
    address: Option<String>,
}

/// The command line; `None` where it asks for help.
fn command() -> Result<Option<Command>, lexopt::Error> {
    use lexopt::prelude::*;

    let mut address = None;
    let mut words = lexopt::Parser::from_env();
    while let Some(word) = words.next()? {
        match word {
            Short('h') | Long("help") => return Ok(None),
            Value(value) if address.is_none() => address = Some(value.string()?),
            word => return Err(word.unexpected()),
        }
    }
    Ok(Some(Command { address }))
}

/// Listens. tokio lets a port be listened on again at once after a restart (`SO_REUSEADDR`).
async fn listen(address: Option<String>) -> Result<TcpListener, String> {
    let wanted = address.as_deref().unwrap_or(ADDRESS);
    match TcpListener::bind(wanted).await {
        Err(error) if address.is_none() && error.kind() == io::ErrorKind::AddrInUse => {
            println!("chat: {wanted} is taken by another program, so it listens on a free port");
            TcpListener::bind(ANY_PORT).await.map_err(|error| format!("cannot listen on {ANY_PORT}: {error}"))
        }
        result => result.map_err(|error| {
            format!("cannot listen on {wanted}: {error}; give another HOST:PORT, or port 0 for a free one")
        }),
    }
}

/// An address for this machine's browser: 0.0.0.0 is none.
fn reachable(address: SocketAddr) -> String {
    match address.ip().is_unspecified() {
        true => format!("localhost:{}", address.port()),
        false => address.to_string(),
    }
}

#[cfg(unix)]
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}

const ADDRESS: &str = "127.0.0.1:8080";
const ANY_PORT: &str = "127.0.0.1:0";

/// Connections at a time. Those that come then wait in the system's queue.
const CONNECTIONS: usize = 1_000;

/// How long the guests have at the end, and how long a lack of files or memory is waited for.
const MOMENT: Duration = Duration::from_secs(3);
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

const HELP: &str = "\
A chat with rooms, for the browsers of this machine or of a whole network.

    cargo run --release -p chat [-- HOST:PORT]

Without HOST:PORT it listens on 127.0.0.1:8080, or on a free port if that is taken.
Port 0 is a free port. 0.0.0.0:8080 lets in who is in the same network, phones too.

Open the link that it prints, give a name and a room, and send the link to others.
Ctrl-C ends it; nothing is kept.

    -h, --help    says this
";
