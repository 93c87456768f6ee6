//! An echo server on smol: `cargo run --release -p embed --bin smol -- [ADDR] [--max-message BYTES]`.

#[path = "../../../examples/shared/arguments.rs"]
mod arguments;

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use arguments::Arguments;
use smol::Timer;
use smol::channel::{Receiver, bounded};
use smol::future::or;
use smol::net::{TcpListener, TcpStream};
use sockeye::deflate::Options;
use sockeye::futures::accept_with;
use sockeye::handshake::OriginPolicy;
use sockeye::{CloseCode, CloseFrame, Config, IoError, Server};

fn main() -> ExitCode {
    match smol::block_on(run(&arguments::parse("smol"))) {
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
    // Nothing is ever sent over these channels: that they are closed is the news.
    let (stop, stopped) = bounded(1);
    let (open, all_ended) = bounded::<()>(1);
    ctrlc::set_handler(move || _ = stop.close())?;
    println!("listening on ws://{}", listener.local_addr()?);
    eprintln!("{}", arguments::next_step(listener.local_addr()?));

    // An echo serves every page: it has nothing that a page of another site could steal.
    let config = Config::default().message_limit(arguments.max_message).frame_limit(arguments.max_message);
    let server = Arc::new(Server::new(OriginPolicy::Any).config(config).deflate(Options::new()));
    while let Some(accepted) = unless(&stopped, listener.accept()).await {
        match accepted {
            Ok((stream, peer)) => {
                let (server, stopped, open) = (Arc::clone(&server), stopped.clone(), open.clone());
                smol::spawn(async move {
                    if let Err(error) = serve(&server, stream, &stopped).await {
                        eprintln!("connection from {peer}: {error}");
                    }
                    drop(open);
                })
                .detach();
            }
            Err(error) => {
                eprintln!("cannot accept a connection: {error}; raise the limit of open files if it is reached");
                Timer::after(Duration::from_millis(100)).await;
            }
        }
    }
    drop((listener, open));
    let farewell = async {
        let _ = all_ended.recv().await;
    };
    let in_time = async {
        Timer::after(Duration::from_secs(6)).await;
        eprintln!("some peers did not answer the close frame in time; their connections were dropped");
    };
    or(farewell, in_time).await;
    Ok(())
}

async fn serve(server: &Server, stream: TcpStream, stopped: &Receiver<()>) -> Result<(), IoError> {
    stream.set_nodelay(true)?;
    let Some(accepted) = unless(stopped, accept_with(server, stream)).await else { return Ok(()) };
    let mut connection = accepted?;
    while let Some(received) = unless(stopped, connection.receive()).await {
        match received? {
            Some(message) if message.is_data() => connection.feed(message).await?,
            Some(_) => {}
            None => return Ok(()),
        }
    }
    connection.close(Some(CloseFrame::new(CloseCode::GOING_AWAY, "the server stops"))).await?;
    Ok(())
}

/// What comes of the work; `None` where the server stops first.
async fn unless<T>(stopped: &Receiver<()>, work: impl Future<Output = T>) -> Option<T> {
    let stopping = async {
        let _ = stopped.recv().await;
        None
    };
    or(stopping, async { Some(work.await) }).await
}
