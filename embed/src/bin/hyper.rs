//! A page and an echo server on one port, with hyper: `cargo run --release -p embed --bin hyper -- [ADDR] [--max-message BYTES]`.
//!
//! A plain GET of `/` is the page; a request for an upgrade, of whatever path, is a WebSocket.

#[path = "../../../examples/shared/arguments.rs"]
mod arguments;

use std::error::Error;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use arguments::Arguments;
use embed::http1::{BoxError, chain, interruption, serve};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use sockeye::deflate::Options;
use sockeye::handshake::{HandshakeError, Misuse, OriginPolicy, Request, Response};
use sockeye::tokio::WebSocket;
use sockeye::{CloseCode, CloseFrame, Config, IoError, Server, Upgrade};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

#[tokio::main]
async fn main() -> ExitCode {
    match run(&arguments::parse("hyper")).await {
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
    let address = listener.local_addr()?;
    let interrupted = interruption()?;
    println!("listening on ws://{address}");
    eprintln!("open http://{address}/ in a browser, or {}", arguments::next_step(address));

    // An echo serves every page: it has nothing that a page of another site could steal.
    let config = Config::default().message_limit(arguments.max_message).frame_limit(arguments.max_message);
    let server = Arc::new(Server::new(OriginPolicy::Any).config(config).deflate(Options::new()));
    let (stop, stopped) = watch::channel(());
    let service = service_fn(move |request| {
        let response = answer(&server, request, &stopped);
        async { response }
    });
    serve(listener, service, stop, interrupted).await;
    Ok(())
}

/// The response to any request. Where it is a yes to an upgrade, the WebSocket has a task of its own.
fn answer(
    server: &Server,
    request: hyper::Request<Incoming>,
    stopped: &watch::Receiver<()>,
) -> Result<hyper::Response<Full<Bytes>>, BoxError> {
    let peer = request.extensions().get::<SocketAddr>().copied().ok_or("a request without a peer")?;
    let response = match judge(server, &request) {
        Ok((response, None)) => response,
        Ok((response, Some(upgrade))) => {
            let stopped = stopped.clone();
            tokio::spawn(async move {
                let served = async { Ok::<(), BoxError>(echo(open(request, upgrade).await?, stopped).await?) };
                if let Err(error) = served.await {
                    eprintln!("connection from {peer}: {}", chain(&*error));
                }
            });
            response
        }
        Err(error) => {
            eprintln!("connection from {peer}: {error}");
            error.response()
        }
    };
    Ok(hyper::Response::try_from(response)?.map(Full::new))
}

/// A page, or the acceptance of an upgrade.
fn judge(server: &Server, request: &hyper::Request<Incoming>) -> Result<(Response, Option<Upgrade>), HandshakeError> {
    let request = Request::try_from(request)?;
    if request.is_upgrade() {
        let (response, upgrade) = server.answer(&request)?;
        return Ok((response, Some(upgrade)));
    }
    Ok((page(&request)?, None))
}

fn page(request: &Request) -> Result<Response, Misuse> {
    match (request.method(), request.path()) {
        ("GET" | "HEAD", "/") => Ok(Response::new(200)?
            .with_header("Content-Type", "text/html; charset=utf-8")?
            .with_body(include_str!("../page.html"))),
        (_, "/") => Response::new(405)?.with_header("Allow", "GET, HEAD"),
        _ => Response::new(404),
    }
}

/// The connection, once hyper has sent the response: over the socket itself, and not over hyper's wrapping of it. What hyper
/// has read beyond the request comes with it.
async fn open(request: hyper::Request<Incoming>, upgrade: Upgrade) -> Result<WebSocket<TcpStream>, BoxError> {
    let stream = hyper::upgrade::on(request).await?.downcast::<TokioIo<TcpStream>>();
    let parts = stream.map_err(|_| "the upgraded stream is not the socket that was accepted")?;
    Ok(WebSocket::upgraded(parts.io.into_inner(), upgrade, &parts.read_buf))
}

async fn echo(mut socket: WebSocket<TcpStream>, mut stopped: watch::Receiver<()>) -> Result<(), IoError> {
    loop {
        tokio::select! {
            received = socket.receive() => match received? {
                Some(message) if message.is_data() => socket.feed(message).await?,
                Some(_) => {}
                None => return Ok(()),
            },
            _ = stopped.changed() => {
                socket.close(Some(CloseFrame::new(CloseCode::GOING_AWAY, "the server stops"))).await?;
                return Ok(());
            }
        }
    }
}
