//! An echo server with a thread for each connection:
//! `cargo run --release --example echo_blocking -- [ADDR] [--max-message BYTES]`.

#[path = "shared/arguments.rs"]
mod arguments;

use std::collections::HashMap;
use std::error::Error;
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::channel;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use sockeye::blocking::{Sender, accept_with};
use sockeye::deflate::Options;
use sockeye::handshake::OriginPolicy;
use sockeye::{CloseCode, CloseFrame, Config, IoError, Server};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = arguments::parse("echo_blocking");
    let listener = TcpListener::bind(&arguments.address).map_err(|error| {
        format!("cannot listen on {}: {error}; choose another address, or port 0", arguments.address)
    })?;
    let (stop, stopped) = channel();
    ctrlc::set_handler(move || {
        let _ = stop.send(());
    })?;
    println!("listening on ws://{}", listener.local_addr()?);
    eprintln!("{}", arguments::next_step(listener.local_addr()?));

    let config = Config::default().message_limit(arguments.max_message).frame_limit(arguments.max_message);
    // An echo serves every page: it has nothing that a page of another site could steal.
    let server = Server::new(OriginPolicy::Any).config(config).deflate(Options::new());
    let open = Arc::new(Open::default());
    let listening = Arc::clone(&open);
    thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let (server, open) = (server.clone(), Arc::clone(&listening));
            let serve = move || {
                let served = stream.map_err(IoError::from).and_then(|stream| serve(&server, stream, &open, number));
                if let Err(error) = served {
                    eprintln!("connection {number}: {error}");
                }
                open.remove(number);
            };
            if let Err(error) = thread::Builder::new().spawn(serve) {
                eprintln!("cannot start a thread for a connection: {error}; raise the limit of threads");
            }
        }
    });
    stopped.recv()?;
    open.close();
    if !open.wait_until_empty(Duration::from_secs(6)) {
        eprintln!("some peers did not answer the close frame in time; their connections were dropped");
    }
    Ok(())
}

fn serve(server: &Server, stream: TcpStream, open: &Open, number: usize) -> Result<(), IoError> {
    stream.set_nodelay(true)?;
    let (sender, mut receiver) = accept_with(server, stream)?.split()?;
    open.insert(number, sender.clone());
    while let Some(message) = receiver.receive()? {
        if message.is_data() {
            sender.feed(message)?;
        }
    }
    Ok(())
}

/// The connections that are open, to be closed together.
#[derive(Default)]
struct Open {
    senders: Mutex<HashMap<usize, Sender<TcpStream>>>,
    removed: Condvar,
}

impl Open {
    fn insert(&self, number: usize, sender: Sender<TcpStream>) {
        self.lock().insert(number, sender);
    }

    fn remove(&self, number: usize) {
        self.lock().remove(&number);
        self.removed.notify_all();
    }

    /// Whether all connections ended in time.
    fn wait_until_empty(&self, patience: Duration) -> bool {
        let waited = self.removed.wait_timeout_while(self.lock(), patience, |senders| !senders.is_empty());
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    fn close(&self) {
        // One thread each, so that a peer that reads nothing does not keep the others waiting.
        for sender in self.lock().values() {
            let sender = sender.clone();
            thread::spawn(move || sender.close(Some(CloseFrame::new(CloseCode::GOING_AWAY, "the server stops"))));
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<usize, Sender<TcpStream>>> {
        self.senders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
