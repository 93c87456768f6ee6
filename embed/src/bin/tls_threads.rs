//! An echo server with TLS and a thread for each connection:
//! `cargo run --release -p embed --bin tls_threads -- [ADDR] [--max-message BYTES] [--certificate FILE]`.

#[path = "../shared/certificate.rs"]
mod certificate;

use std::collections::HashMap;
use std::net::{TcpListener, TcpStream};
use std::process::ExitCode;
use std::sync::mpsc::channel;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use certificate::Arguments;
use sockeye::blocking::{Sender, Stream, accept_with, secure};
use sockeye::deflate::Options;
use sockeye::handshake::OriginPolicy;
use sockeye::{CloseCode, CloseFrame, Config, Error, Identity, IoError, Misuse, Server};

fn main() -> ExitCode {
    match run(&certificate::parse("tls_threads")) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let (chain, key) = certificate::certify(arguments)?;
    let identity = Identity::pem(chain.as_bytes(), key.as_bytes())?;
    let listener = TcpListener::bind(&arguments.address).map_err(|error| {
        format!("cannot listen on {}: {error}; choose another address, or port 0", arguments.address)
    })?;
    let (stop, stopped) = channel();
    ctrlc::set_handler(move || {
        let _ = stop.send(());
    })?;
    println!("listening on wss://{}", listener.local_addr()?);
    eprintln!("{}", certificate::next_step(listener.local_addr()?, arguments));

    let config = Config::default().message_limit(arguments.max_message).frame_limit(arguments.max_message);
    // An echo serves every page: it has nothing that a page of another site could steal.
    let server = Server::new(OriginPolicy::Any).config(config).deflate(Options::new());
    let house = Arc::new(House { server, identity, open: Mutex::default(), removed: Condvar::new() });
    let accepting = Arc::clone(&house);
    thread::spawn(move || accept(&listener, &accepting));
    stopped.recv()?;
    if !house.close(Duration::from_secs(6)) {
        eprintln!("some peers did not answer the close frame in time; their connections were dropped");
    }
    Ok(())
}

/// Accepts connections for ever.
fn accept(listener: &TcpListener, house: &Arc<House>) {
    // The address of a peer is no name for a connection: the next from the same port may come before the last is removed.
    for number in 0.. {
        let (stream, peer) = match listener.accept() {
            Ok(accepted) => accepted,
            Err(error) => {
                eprintln!("cannot accept a connection: {error}; raise the limit of open files if it is reached");
                thread::sleep(Duration::from_millis(100));
                continue;
            }
        };
        let house = Arc::clone(house);
        let serve = move || {
            if let Err(error) = house.serve(stream, number) {
                eprintln!("connection from {peer}: {error}");
            }
            house.remove(number);
        };
        if let Err(error) = thread::Builder::new().spawn(serve) {
            eprintln!("cannot start a thread for a connection: {error}; raise the limit of threads");
        }
    }
}

/// What the connections share.
struct House {
    server: Server,
    identity: Identity,
    open: Mutex<Open>,
    removed: Condvar,
}

/// The connections that are open, to be closed together.
#[derive(Default)]
struct Open {
    senders: HashMap<u64, Sender<Stream>>,
    closed: bool,
}

impl House {
    fn serve(&self, stream: TcpStream, number: u64) -> Result<(), IoError> {
        stream.set_nodelay(true)?;
        let stream = secure(&self.server, &self.identity, stream)?;
        let (sender, mut receiver) = accept_with(&self.server, stream)?.split()?;
        if self.insert(number, sender.clone()) {
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

    /// Whether the server stops: the connection is waited for, and is to be closed.
    fn insert(&self, number: u64, sender: Sender<Stream>) -> bool {
        let mut open = self.open();
        open.senders.insert(number, sender);
        open.closed
    }

    fn remove(&self, number: u64) {
        self.open().senders.remove(&number);
        self.removed.notify_all();
    }

    /// Closes all connections. Whether they ended in time.
    fn close(&self, patience: Duration) -> bool {
        let mut open = self.open();
        open.closed = true;
        // One thread each, so that a peer that reads nothing does not keep the others waiting.
        for sender in open.senders.values() {
            let sender = sender.clone();
            thread::spawn(move || sender.close(Some(farewell())));
        }
        let waited = self.removed.wait_timeout_while(open, patience, |open| !open.senders.is_empty());
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn farewell() -> CloseFrame<'static> {
    CloseFrame::new(CloseCode::GOING_AWAY, "the server stops")
}
