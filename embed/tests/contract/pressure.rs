//! A peer that does not read.

use std::io::{self, ErrorKind, Read};
use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::program::Program;
use crate::stage::{Guest, Stage};
use crate::traffic::bytes;
use crate::wire::{BINARY, Ear, FIN, Mouth};

/// The program stops reading too, keeps no more than a bound, and goes on when the peer does; nothing is lost.
pub(crate) fn waits_for_a_peer_that_does_not_read(program: Program) {
    let mut stage = Stage::new(program);
    let guest = stage.open();
    let before = stage.running.peak();
    let message = bytes(LENGTH);
    let (talker, socket, mut ear) = talk(guest, message.clone());
    assert_eq!(talker.news.recv(), Ok(News::Stuck), "the program read {TOTAL} bytes of echoes that nobody took");
    // From now on the peer reads, slower than it writes: the program goes by the slower of the two.
    ear.stream = Box::new(Sips(ear.stream));
    for number in 0..COUNT {
        let frame = ear.frame();
        assert!(frame.first == FIN | BINARY && frame.payload == message, "echo {number} of {COUNT}");
    }
    let mouth = talker.thread.join().expect("all was said");
    if let (Some(before), Some(after)) = (before, stage.running.peak()) {
        let more = after.saturating_sub(before);
        assert!(more < BOUND, "the program held {more} bytes for one peer that did not read");
    }
    stage.finish(Guest { ear, mouth, socket });
}

/// Gives little at once.
struct Sips(Box<dyn Read + Send>);

impl Read for Sips {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        let least = space.len().min(SIP);
        self.0.read(&mut space[..least])
    }
}

/// A thread that says messages without end in sight.
pub(crate) struct Talker {
    pub(crate) news: Receiver<News>,
    pub(crate) thread: JoinHandle<Mouth>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// The program takes no more for now.
    Stuck,
    /// All was said, or the program is gone.
    Done,
}

/// Says `COUNT` messages in a thread of its own, and tells when it gets stuck first.
pub(crate) fn talk(guest: Guest, message: Vec<u8>) -> (Talker, std::net::TcpStream, Ear) {
    let Guest { ear, mut mouth, socket } = guest;
    socket.set_write_timeout(Some(PAUSE)).expect("a socket");
    let (tell, news) = channel();
    let frame = crate::wire::frame(FIN | BINARY, &message, mouth.masks());
    let thread = thread::spawn(move || {
        for _ in 0..COUNT {
            let mut rest = &frame[..];
            while !rest.is_empty() {
                match mouth.stream.write(rest) {
                    Ok(count) => rest = &rest[count..],
                    Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                        let _ = tell.send(News::Stuck);
                    }
                    Err(_) => {
                        let _ = tell.send(News::Done);
                        return mouth;
                    }
                }
            }
        }
        let _ = tell.send(News::Done);
        mouth
    });
    (Talker { news, thread }, socket, ear)
}

/// Much more than what the adapters and the operating system keep.
const TOTAL: usize = LENGTH * COUNT;
const LENGTH: usize = 64 << 10;
const COUNT: usize = 2048;
const SIP: usize = 1024;

/// The outbox's limit, and some for what surrounds it.
const BOUND: u64 = 48 << 20;

/// How long nothing is taken until the talker calls that stuck. On a slow machine that comes too soon, and the test shows
/// less; it does not fail.
const PAUSE: Duration = Duration::from_millis(500);
