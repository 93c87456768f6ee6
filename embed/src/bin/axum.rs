//! Pages and WebSockets beside each other, with axum: `cargo run --release -p embed --bin axum -- [ADDR] [--max-message BYTES]`.
//!
//! | route | what it is |
//! | --- | --- |
//! | `/` | a page, and for who asks for an upgrade an echo server |
//! | `/counter` | a WebSocket for pages of this origin alone, which knows a visitor by a cookie and counts all messages |
//! | `/stats` | what all connections have in common |

#[path = "../../../examples/shared/arguments.rs"]
mod arguments;

use std::error::Error;
use std::fmt::Display;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arguments::Arguments;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use embed::axum_upgrade::{Rejection, Socket, WebSocketUpgrade};
use embed::http1::{interruption, serve};
use hyper_util::service::TowerToHyperService;
use sockeye::deflate::Options;
use sockeye::handshake::{OriginPolicy, Request};
use sockeye::{CloseCode, CloseFrame, Config, IoError, Message, Server};
use tokio::net::TcpListener;
use tokio::sync::watch;

/// What all handlers share.
#[derive(Clone)]
struct App {
    echo: Arc<Server>,
    counter: Arc<Server>,
    stats: Arc<Stats>,
    stopped: watch::Receiver<()>,
}

#[derive(Default)]
struct Stats {
    open: AtomicU64,
    echoed: AtomicU64,
    counted: AtomicU64,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(&arguments::parse("axum")).await {
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

    let config = Config::default().message_limit(arguments.max_message).frame_limit(arguments.max_message);
    let server = |origins| Arc::new(Server::new(origins).config(config).deflate(Options::new()));
    let (stop, stopped) = watch::channel(());
    let app = App {
        // An echo serves every page: it has nothing that a page of another site could steal.
        echo: server(OriginPolicy::Any),
        // The counter knows its visitors by a cookie, which a browser sends along whatever page connects.
        counter: server(OriginPolicy::SameOrigin),
        stats: Arc::default(),
        stopped,
    };
    let routes = Router::new().route("/", get(index)).route("/counter", get(counter)).route("/stats", get(stats));
    // `axum::serve` would do, but for a peer that connects and says nothing: it sets no deadline.
    serve(listener, TowerToHyperService::new(routes.with_state(app)), stop, interrupted).await;
    Ok(())
}

async fn index(
    upgrade: Result<Option<WebSocketUpgrade>, Rejection>,
    State(app): State<App>,
    Extension(peer): Extension<SocketAddr>,
) -> Result<Response, Rejection> {
    let Some(upgrade) = upgrade.inspect_err(|rejection| report(peer, rejection))? else {
        return Ok(Html(include_str!("../page.html")).into_response());
    };
    let upgrade = upgrade.server(Arc::clone(&app.echo)).on_failure(move |error| report(peer, error));
    Ok(upgrade.on_upgrade(async move |socket| {
        let echoed = |message| {
            app.stats.echoed.fetch_add(1, Ordering::Relaxed);
            message
        };
        converse(socket, peer, &app, echoed).await;
    }))
}

async fn counter(
    upgrade: Result<WebSocketUpgrade, Rejection>,
    State(app): State<App>,
    Extension(peer): Extension<SocketAddr>,
) -> Result<Response, Rejection> {
    let upgrade = upgrade.inspect_err(|rejection| report(peer, rejection))?;
    let visit =
        cookie(upgrade.request(), "visits").and_then(|visits| visits.parse().ok()).unwrap_or(0_u32).saturating_add(1);
    let upgrade = upgrade
        .server(Arc::clone(&app.counter))
        .subprotocols(["counter.v1"])
        .header("Set-Cookie", format!("visits={visit}; Path=/counter; HttpOnly; SameSite=Strict"))
        .on_failure(move |error| report(peer, error));
    Ok(upgrade.on_upgrade(async move |socket| {
        let counted = |_| {
            let total = app.stats.counted.fetch_add(1, Ordering::Relaxed) + 1;
            Message::from(format!("visit {visit}, message {total}"))
        };
        converse(socket, peer, &app, counted).await;
    }))
}

async fn stats(State(app): State<App>) -> String {
    let Stats { open, echoed, counted } = &*app.stats;
    let [open, echoed, counted] = [open, echoed, counted].map(|number| number.load(Ordering::Relaxed));
    format!("open {open}\nechoed {echoed}\ncounted {counted}\n")
}

/// Answers every message, until either end closes.
async fn converse(mut socket: Socket, peer: SocketAddr, app: &App, answer: impl Fn(Message) -> Message) {
    app.stats.open.fetch_add(1, Ordering::Relaxed);
    if let Err(error) = exchange(&mut socket, app.stopped.clone(), answer).await {
        report(peer, error);
    }
    app.stats.open.fetch_sub(1, Ordering::Relaxed);
}

async fn exchange(
    socket: &mut Socket,
    mut stopped: watch::Receiver<()>,
    answer: impl Fn(Message) -> Message,
) -> Result<(), IoError> {
    loop {
        tokio::select! {
            received = socket.receive() => match received? {
                Some(message) if message.is_data() => socket.feed(answer(message)).await?,
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

/// The value of a cookie that the client sends (RFC 6265 section 5.4).
fn cookie<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    let mut cookies = request.header("Cookie")?.split(';').filter_map(|cookie| cookie.trim().split_once('='));
    cookies.find_map(|(there, value)| (there == name).then_some(value))
}

fn report(peer: SocketAddr, error: impl Display) {
    eprintln!("connection from {peer}: {error}");
}
