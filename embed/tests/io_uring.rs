//! What is special to the connection on io_uring: operations that are under way when a deadline passes, when the peer
//! does not read, and when the server stops.
#![cfg(target_os = "linux")]

#[path = "../../tests/common/mod.rs"]
mod common;
#[path = "../src/bin/io_uring/peer.rs"]
mod peer;
#[path = "../src/bin/io_uring/ring.rs"]
mod ring;
#[path = "../src/bin/io_uring/server.rs"]
mod server;

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use common::*;
use embed::session::Terms;
use peer::Pool;
use server::Stopper;
use sockeye::{Config, Connection, Due, Event, Inbox, IoError, Message, Outbox, Role, Timeouts};

/// A server of the connections that a test makes.
struct Server {
    address: SocketAddr,
    stopper: Stopper,
    /// What it complains of.
    complaints: Receiver<String>,
    thread: JoinHandle<io::Result<()>>,
}

impl Server {
    /// `None` where the kernel has no io_uring for us, or none that is recent enough.
    fn start(timeouts: Timeouts) -> Option<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (complain, complaints) = channel();
        let (ready, stopper) = channel();
        let thread = thread::spawn(move || {
            let complain = Box::new(move |line: &str| {
                let _ = complain.send(line.into());
            });
            let terms = Terms { timeouts, complain, ..Terms::new(16 << 20) };
            let (mut server, stopper) = match server::Server::new(listener, terms) {
                Ok(server) => server,
                Err(error) => {
                    eprintln!("skipped: cannot set io_uring up: {error}");
                    return Err(error);
                }
            };
            ready.send(stopper).unwrap();
            server.run()
        });
        let stopper = stopper.recv().ok()?;
        Some(Self { address, stopper, complaints, thread })
    }

    /// A connection whose opening handshake is done.
    fn connect(&self) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).unwrap();
        // Bytes that are lost are waited for in vain.
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream.write_all(REQUEST).unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.extend(byte);
        }
        assert!(head.starts_with(b"HTTP/1.1 101 "), "{}", String::from_utf8_lossy(&head));
        stream
    }

    /// Whether the server still has its end of this connection: a socket that a program has closed has no number any more.
    fn holds(&self, stream: &TcpStream) -> bool {
        let (local, peer) = (self.address.port(), stream.local_addr().unwrap().port());
        let sockets = std::fs::read_to_string("/proc/net/tcp").unwrap();
        sockets.lines().skip(1).any(|line| {
            let fields: Vec<_> = line.split_whitespace().collect();
            fields[1].ends_with(&format!(":{local:04X}"))
                && fields[2].ends_with(&format!(":{peer:04X}"))
                && fields[9] != "0"
        })
    }
}

/// Reads a frame of the server: its opcode and its payload.
fn frame(stream: &mut impl Read) -> (u8, Vec<u8>) {
    let mut head = [0; 2];
    stream.read_exact(&mut head).unwrap();
    let extended = match head[1] {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    let mut length = [0; 8];
    stream.read_exact(&mut length[8 - extended..]).unwrap();
    let length = if extended == 0 { u64::from(head[1]) } else { u64::from_be_bytes(length) };
    let mut payload = vec![0; length as usize];
    stream.read_exact(&mut payload).unwrap();
    (head[0] & 0x0f, payload)
}

/// Reads up to the next message, over pings.
fn message(stream: &mut impl Read) -> Vec<u8> {
    loop {
        match frame(stream) {
            (PING, _) => {}
            (BINARY, payload) => return payload,
            other => panic!("expected a binary message, got {other:?}"),
        }
    }
}

/// Sends numbered pings, whose pongs are more than sockets hold.
fn flood(stream: &mut TcpStream) {
    for thousand in 0..PINGS / 1000 {
        let pings = (0..1000).map(|i| {
            let mut payload = [0; 125];
            payload[..4].copy_from_slice(&(1000 * thousand + i).to_be_bytes());
            whole(Role::Client, PING, payload)
        });
        stream.write_all(&pings.collect::<Vec<_>>().concat()).unwrap();
    }
}

fn ended(stream: &mut TcpStream) -> bool {
    stream.read(&mut [0]).unwrap() == 0
}

#[test]
fn a_deadline_that_passes_while_a_read_is_under_way_loses_nothing() {
    let timeouts = Timeouts {
        ping_interval: Some(Duration::from_millis(2)),
        idle: Some(Duration::from_millis(1)),
        ..Timeouts::default()
    };
    let Some(server) = Server::start(timeouts) else { return };
    let mut stream = server.connect();
    for i in 0..50 {
        let payload = vec![i as u8; 100 + 300 * i];
        let bytes = whole(Role::Client, BINARY, &payload);
        let (first, second) = bytes.split_at(1 + i * bytes.len() / 60);
        stream.write_all(first).unwrap();
        // The ping says that both deadlines have passed, with the read of the rest under way.
        assert_eq!(frame(&mut stream).0, PING);
        stream.write_all(second).unwrap();
        assert_eq!(message(&mut stream), payload);
    }
}

/// Whenever the alarms ring, the reads of all connections are called back, amid what arrives.
#[test]
fn bytes_that_come_as_a_read_is_called_back_are_not_lost() {
    let Some(server) = Server::start(Timeouts { idle: Some(Duration::from_micros(30)), ..Timeouts::default() }) else {
        return;
    };
    let mut streams: Vec<_> = (0..100).map(|_| server.connect()).collect();
    for round in 0..400 {
        let payload = |at: usize| vec![at as u8; 500 + 7 * at + round];
        for (at, stream) in streams.iter_mut().enumerate() {
            stream.write_all(&whole(Role::Client, BINARY, payload(at))).unwrap();
        }
        for (at, stream) in streams.iter_mut().enumerate() {
            assert_eq!(message(stream), payload(at));
        }
    }
}

#[test]
fn a_peer_that_does_not_read_is_not_read_from() {
    let Some(server) = Server::start(Timeouts::default()) else { return };
    let mut stream = server.connect();
    let bytes = whole(Role::Client, BINARY, vec![7; 60_000]);
    stream.set_write_timeout(Some(Duration::from_secs(1))).unwrap();
    let (mut count, mut written) = (0, 0);
    loop {
        match stream.write(&bytes[written..]) {
            Ok(part) => written += part,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::WouldBlock);
                break;
            }
        }
        if written == bytes.len() {
            (count, written) = (count + 1, 0);
        }
        assert!(count < 4000, "the server takes whatever comes");
    }
    // Once the peer reads, everything is there.
    let mut reader = stream.try_clone().unwrap();
    let reading = thread::spawn(move || {
        (0..=count).for_each(|_| assert_eq!(message(&mut reader), [7; 60_000]));
        reader
    });
    stream.set_write_timeout(None).unwrap();
    stream.write_all(&bytes[written..]).unwrap();
    reading.join().unwrap();
}

#[test]
fn a_peer_that_pings_and_does_not_read_is_read_from() {
    let Some(server) = Server::start(Timeouts::default()) else { return };
    let mut stream = server.connect();
    flood(&mut stream);
    let mut pongs = 0;
    loop {
        let (opcode, payload) = frame(&mut stream);
        assert_eq!(opcode, PONG);
        pongs += 1;
        if payload[..4] == (PINGS - 1).to_be_bytes() {
            break;
        }
    }
    assert!(pongs < PINGS, "every pong waited for the peer");
}

#[test]
fn a_peer_that_ends_and_does_not_read_is_not_waited_for_any_longer_than_allowed() {
    let timeouts = Timeouts { close_wait: Some(Duration::from_millis(100)), ..Timeouts::default() };
    let Some(server) = Server::start(timeouts) else { return };
    let mut stream = server.connect();
    flood(&mut stream);
    stream.shutdown(Shutdown::Write).unwrap();
    let mut waited = Duration::ZERO;
    while server.holds(&stream) {
        assert!(waited < Duration::from_secs(30), "the server waits for who has ended");
        thread::sleep(STEP);
        waited += STEP;
    }
    assert_eq!(server.complaints.try_iter().count(), 0);
}

/// Memory that large messages have left behind is the next ones', of whatever connection: none of them is in another.
#[test]
fn large_messages_come_back_as_they_were() {
    let Some(server) = Server::start(Timeouts::default()) else { return };
    let mut streams: Vec<_> = (0..4).map(|_| server.connect()).collect();
    let sizes = [1 << 20, 63 << 10, 64 << 10, 100_000, (1 << 20) + 1, 3 << 20, 300_000];
    for (round, size) in (1..).zip(sizes.into_iter().cycle().take(21)) {
        let payload = |seed: usize| (0..size).map(move |at| (at * seed + (at >> 8)) as u8).collect::<Vec<u8>>();
        thread::scope(|scope| {
            for (seed, stream) in (round..).step_by(2).zip(&streams) {
                let mut stream: &TcpStream = stream;
                // Both pieces are under way at once, so that the connections' reads take turns.
                scope.spawn(move || {
                    let bytes = whole(Role::Client, BINARY, payload(seed));
                    let (begin, end) = bytes.split_at(size / 2);
                    stream.write_all(begin).unwrap();
                    stream.write_all(end).unwrap();
                });
            }
        });
        for (seed, stream) in (round..).step_by(2).zip(&mut streams) {
            assert!(message(stream) == payload(seed), "round {round}, {size} bytes");
        }
    }
}

/// What was written is memory for the next large message as soon as nobody else has a part of it.
#[test]
fn memory_that_was_written_is_lent_to_the_next_message() {
    for is_held in [true, false] {
        let mut pool = Pool::default();
        let (mut inbox, mut outbox) = (Inbox::new(), Outbox::new());
        inbox.extend(&whole(Role::Client, BINARY, vec![7; 1 << 20]));
        let event = Connection::server(&Config::default()).receive(&mut inbox, &mut outbox);
        let message = event.unwrap().map(Event::into_message).unwrap();
        let Message::Binary(data) = &message else { panic!("expected bytes, got {message:?}") };
        let place = data.as_ptr();
        let held = is_held.then_some(message);

        pool.take_back(&mut inbox);
        drop(held);
        let mut next = Inbox::new();
        next.extend(b"begun");
        pool.lend(&mut next);
        assert_eq!(next.capacity() < 1 << 20, is_held);
        assert_eq!(next.unread(), b"begun");
        // The message stood behind a header of 14 bytes.
        assert_eq!(next.unread().as_ptr().wrapping_add(14) != place, is_held);
    }
}

#[test]
fn a_server_that_stops_ends_what_is_under_way() {
    let timeouts = Timeouts { close_wait: Some(Duration::from_millis(500)), ..Timeouts::default() };
    let Some(server) = Server::start(timeouts) else { return };
    let going_away = (CLOSE, [&1001_u16.to_be_bytes()[..], b"the server stops"].concat());

    let mut shaking = TcpStream::connect(server.address).unwrap();
    shaking.write_all(&REQUEST[..20]).unwrap();
    let mut reading = server.connect();
    let mut inside = server.connect();
    inside.write_all(&whole(Role::Client, BINARY, [7; 5000])[..2500]).unwrap();
    let mut stuck = server.connect();
    stuck.set_write_timeout(Some(Duration::from_secs(1))).unwrap();
    let bytes = whole(Role::Client, BINARY, vec![7; 1 << 20]);
    while stuck.write(&bytes).is_ok_and(|count| count == bytes.len()) {}

    server.stopper.stop();
    for stream in [&mut reading, &mut inside] {
        assert_eq!(frame(stream), going_away);
    }
    reading.write_all(&close(Role::Client, 1001, "")).unwrap();
    assert!(ended(&mut reading));
    drop(reading);
    assert!(ended(&mut shaking));
    assert!(ended(&mut inside));
    server.thread.join().unwrap().unwrap();
    let timed_out = IoError::TimedOut(Due::Close).to_string();
    let complaints: Vec<String> = server.complaints.iter().collect();
    assert_eq!(complaints.len(), 2, "{complaints:?}");
    assert!(complaints.iter().all(|line| line.ends_with(&timed_out)), "{complaints:?}");
}

const PINGS: u32 = 400_000;

/// Between two looks at what tells of no event.
const STEP: Duration = Duration::from_millis(10);

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
