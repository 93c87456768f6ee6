//! How often a blocking stream is told to wait.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sockeye::blocking::{Duplex, Transport, accept_with};
use sockeye::{Message, Role, Timeouts};

use crate::ends::{run, server};
use crate::peer::{FIN, Peer, TEXT, request};
use crate::pipe::{Pipe, pipe};

/// A pipe that counts how often it is told to wait.
struct Counted(Pipe, Arc<AtomicUsize>);

impl Read for Counted {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        self.0.read(space)
    }
}

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Transport for Counted {
    fn set_wait(&mut self, wait: Option<Duration>) -> io::Result<()> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.set_wait(wait)
    }

    fn shut_down(&mut self) -> io::Result<()> {
        self.0.shut_down()
    }
}

impl Duplex for Counted {
    fn duplicate(&self) -> io::Result<Self> {
        Ok(Self(self.0.duplicate()?, Arc::clone(&self.1)))
    }

    fn end(&self) -> io::Result<()> {
        self.0.end()
    }
}

/// Each costs system calls: the stream is told when the wait changes, not at each read and write.
#[test]
fn a_stream_is_told_a_wait_when_it_changes() {
    run(|| {
        for ping_interval in [None, Some(Duration::from_secs(3600))] {
            for splits in [false, true] {
                let (wire, peer) = pipe();
                let mut peer = Peer::new(Role::Server, peer.clone(), peer);
                let told = Arc::new(AtomicUsize::new(0));
                peer.mouth.say(request("").as_bytes());
                let server = server().timeouts(Timeouts { ping_interval, ..Timeouts::default() });
                let socket = accept_with(&server, Counted(wire, Arc::clone(&told))).unwrap();
                peer.ear.head();
                let mut talk = |receive: &mut dyn FnMut() -> Message, send: &mut dyn FnMut(Message)| {
                    told.store(0, Ordering::Relaxed);
                    for _ in 0..100 {
                        peer.mouth.frame(FIN | TEXT, b"told");
                        send(receive());
                        peer.ear.hears(TEXT, b"told");
                    }
                };
                if splits {
                    let (sender, mut receiver) = socket.split().unwrap();
                    let mut receive = || receiver.receive().unwrap().unwrap();
                    talk(&mut receive, &mut |message| sender.send(message).unwrap());
                } else {
                    let socket = std::cell::RefCell::new(socket);
                    let mut receive = || socket.borrow_mut().receive().unwrap().unwrap();
                    talk(&mut receive, &mut |message| socket.borrow_mut().send(message).unwrap());
                }
                let told = told.load(Ordering::Relaxed);
                assert!(told <= 3, "{told} times, {ping_interval:?}, in halves: {splits}");
            }
        }
    });
}
