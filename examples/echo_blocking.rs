//! An echo server with a thread for each connection:
//! `cargo run --release --example echo_blocking -- [ADDR] [--max-message BYTES]`.

#[path = "shared/arguments.rs"]
mod arguments;

use std::collections::HashMap;
use std::net::{TcpListener, TcpStream};
use std::process::ExitCode;
use std::sync::mpsc::channel;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use arguments::Arguments;
use sockeye::blocking::{Sender, accept_with};
use sockeye::deflate::Options;
use sockeye::handshake::OriginPolicy;
use sockeye::{CloseCode, CloseFrame, Config, Error, IoError, Misuse, Server};

fn main() -> ExitCode {
    match run(&arguments::parse("echo_blocking")) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn std::error::Error>> {
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
    let accepted = Arc::clone(&open);
    thread::spawn(move || accept(&listener, &server, &accepted));
    stopped.recv()?;
    open.close();
    if !open.wait_until_empty(Duration::from_secs(6)) {
        eprintln!("some peers did not answer the close frame in time; their connections were dropped");
    }
    // Another thread may be in the midst of a line.
    drop(std::io::stderr().lock());
    Ok(())
}

/// Accepts connections for ever.
fn accept(listener: &TcpListener, server: &Server, open: &Arc<Open>) {
    for (number, stream) in listener.incoming().enumerate() {
        let stream = match stream {
            Ok(stream) => stream,
            Err(error) => {
                eprintln!("cannot accept a connection: {error}; raise the limit of open files if it is reached");
                thread::sleep(Duration::from_millis(100));
                continue;
            }
        };
        let (server, open) = (server.clone(), Arc::clone(open));
        let serve = move || {
            if let Err(error) = serve(&server, stream, &open, number) {
                eprintln!("connection {number}: {error}");
            }
            open.remove(number);
        };
        if let Err(error) = thread::Builder::new().spawn(serve) {
            eprintln!("cannot start a thread for a connection: {error}; raise the limit of threads");
        }
    }
}

fn serve(server: &Server, stream: TcpStream, open: &Open, number: usize) -> Result<(), IoError> {
    stream.set_nodelay(true)?;
    let (sender, mut receiver) = accept_with(server, stream)?.split()?;
    if open.insert(number, sender.clone()).is_err() {
        sender.close(Some(farewell()))?;
    }
    while let Some(message) = receiver.receive()? {
        if message.is_data() {
            match sender.feed(message) {
                // This end closes already: what still comes is not echoed.
                Err(IoError::Connection(Error::Misuse(Misuse::Closed))) => {}
                fed => fed?,
            }
        }
    }
    Ok(())
}

/// The connections that are open, to be closed together.
#[derive(Default)]
struct Open {
    state: Mutex<State>,
    removed: Condvar,
}

#[derive(Default)]
struct State {
    senders: HashMap<usize, Sender<TcpStream>>,
    closed: bool,
}

/// The server stops: the connection is waited for, and is to be closed.
struct Closed;

impl Open {
    /// # Errors
    /// [`Closed`] after [`close`](Self::close), which has not reached this connection.
    fn insert(&self, number: usize, sender: Sender<TcpStream>) -> Result<(), Closed> {
        let mut state = self.lock();
        state.senders.insert(number, sender);
        if state.closed { Err(Closed) } else { Ok(()) }
    }

    fn remove(&self, number: usize) {
        self.lock().senders.remove(&number);
        self.removed.notify_all();
    }

    /// Whether all connections ended in time.
    fn wait_until_empty(&self, patience: Duration) -> bool {
        let waited = self.removed.wait_timeout_while(self.lock(), patience, |state| !state.senders.is_empty());
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        // One thread each, so that a peer that reads nothing does not keep the others waiting.
        for sender in state.senders.values() {
            let sender = sender.clone();
            thread::spawn(move || sender.close(Some(farewell())));
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn farewell() -> CloseFrame<'static> {
    CloseFrame::new(CloseCode::GOING_AWAY, "the server stops")
}
