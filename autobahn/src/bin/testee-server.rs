//! A server that echoes every message, for the suite's client:
//! `testee-server [--adapter tokio|blocking] [ADDR]`.

use std::error::Error;
use std::sync::Arc;
use std::{env, io, net, thread};

use sockeye::Server;
use sockeye::deflate::Options;
use sockeye::handshake::OriginPolicy;

fn main() -> Result<(), Box<dyn Error>> {
    let (mut adapter, mut address) = (String::from("tokio"), String::from("127.0.0.1:0"));
    let mut arguments = env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--adapter" => adapter = arguments.next().unwrap_or_default(),
            _ => address = argument,
        }
    }
    let listener = net::TcpListener::bind(address)?;
    println!("listening on ws://{}", listener.local_addr()?);
    let server = Arc::new(Server::new(OriginPolicy::Any).deflate(Options::new()));
    match adapter.as_str() {
        "tokio" => ::tokio::runtime::Runtime::new()?.block_on(tokio(server, listener))?,
        "blocking" => blocking(&server, &listener)?,
        other => return Err(format!("no adapter `{other}`: choose tokio or blocking").into()),
    }
    Ok(())
}

async fn tokio(server: Arc<Server>, listener: net::TcpListener) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = ::tokio::net::TcpListener::from_std(listener)?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let server = Arc::clone(&server);
        // An error is what the suite provokes, and its client judges what came of it.
        ::tokio::spawn(async move {
            let mut peer = sockeye::tokio::accept_with(&server, stream).await?;
            while let Some(message) = peer.receive().await? {
                if message.is_data() {
                    peer.send(message).await?;
                }
            }
            Ok::<_, sockeye::IoError>(())
        });
    }
}

fn blocking(server: &Arc<Server>, listener: &net::TcpListener) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        stream.set_nodelay(true)?;
        let server = Arc::clone(server);
        // An error is what the suite provokes, and its client judges what came of it.
        thread::spawn(move || {
            let mut peer = sockeye::blocking::accept_with(&server, stream)?;
            while let Some(message) = peer.receive()? {
                if message.is_data() {
                    peer.send(message)?;
                }
            }
            Ok::<_, sockeye::IoError>(())
        });
    }
}
