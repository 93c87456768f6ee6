//! The server: one thread, a task for each connection.

use std::error::Error;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use compio::driver::ProactorBuilder;
use compio::net::TcpListener;
use compio::runtime::{CancelToken, Runtime, spawn};
use compio::signal::{ctrl_c, unix};
use compio::time::{sleep, timeout};
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt, poll, select, select_biased};
use sockeye::deflate::Options;
use sockeye::{Config, Timeouts};

use crate::arguments::{self, Arguments};
use crate::connection::{Pool, Terms, serve};

pub(crate) fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let mut proactor = ProactorBuilder::new();
    // One thread submits and waits: the kernel need not interrupt it.
    proactor.single_issuer(true).defer_taskrun(true);
    let runtime = Runtime::builder().with_proactor(proactor).build().map_err(|error| {
        format!("cannot set io_uring up: {error}; it needs Linux 6.1, and `kernel.io_uring_disabled` to be 0")
    })?;
    runtime.block_on(listen(arguments))
}

async fn listen(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind(&arguments.address).await.map_err(|error| {
        format!("cannot listen on {}: {error}; choose another address, or port 0", arguments.address)
    })?;
    let mut interrupted = pin!(interruption());
    // Signals are caught from here on.
    let _ = poll!(&mut interrupted);
    println!("listening on ws://{}", listener.local_addr()?);
    eprintln!("{}", arguments::next_step(listener.local_addr()?));

    let config = Config::default().message_limit(arguments.max_message).frame_limit(arguments.max_message);
    let terms = Terms { config, deflate: Options::new(), timeouts: Timeouts::default(), pool: Pool::default() };
    let stop = CancelToken::new();
    let accepting = spawn(accept(listener, terms, stop.clone()));
    interrupted.await;
    stop.cancel();
    if timeout(Duration::from_secs(6), accepting).await.is_err() {
        eprintln!("some peers did not answer the close frame in time; their connections were dropped");
    }
    Ok(())
}

/// Accepts connections until the server stops, and waits until the last has ended.
async fn accept(listener: TcpListener, terms: Terms, stop: CancelToken) {
    let terms = Rc::new(terms);
    let mut connections = FuturesUnordered::new();
    let mut stopped = pin!(stop.clone().wait().fuse());
    let mut accepted = pin!(listener.accept().fuse());
    loop {
        select_biased! {
            () = stopped => break,
            result = accepted => {
                match result {
                    Ok((stream, peer)) => {
                        let (terms, stop) = (Rc::clone(&terms), stop.clone());
                        connections.push(spawn(async move {
                            if let Err(error) = serve(stream, &terms, stop).await {
                                eprintln!("connection from {peer}: {error}");
                            }
                        }));
                    }
                    Err(error) => {
                        eprintln!("cannot accept a connection: {error}; raise the limit of open files if it is reached");
                        sleep(Duration::from_millis(100)).await;
                    }
                }
                accepted.set(listener.accept().fuse());
            }
            _ = connections.select_next_some() => {}
        }
    }
    while connections.next().await.is_some() {}
}

/// Waits for Ctrl-C, or for the signal that asks to terminate.
async fn interruption() {
    select! {
        _ = pin!(ctrl_c().fuse()) => {}
        _ = pin!(unix::signal(TERMINATE).fuse()) => {}
    }
}

/// SIGTERM.
const TERMINATE: i32 = 15;
