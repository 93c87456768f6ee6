//! What is special to the connection on io_uring: operations that are under way when a deadline passes, when the peer
//! does not read, and when the server stops.
#![cfg(target_os = "linux")]

#[path = "../../tests/common/mod.rs"]
mod common;
#[path = "../src/bin/io_uring/connection.rs"]
mod connection;

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::rc::Rc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use common::*;
use compio::io::AsyncRead;
use compio::net::TcpListener;
use compio::runtime::{CancelToken, Runtime, spawn};
use connection::{Pool, Terms, serve};
use sockeye::bytes::BytesMut;
use sockeye::{Due, Inbox, IoError, Role, Timeouts};

/// A server of the connections that a test makes.
struct Server {
    address: SocketAddr,
    /// The server stops when this ends.
    control: TcpStream,
    /// How each connection ended.
    ended: Receiver<Result<(), IoError>>,
}

impl Server {
    /// `None` where the kernel has no io_uring for us, or none that is recent enough.
    fn start(timeouts: Timeouts) -> Option<Self> {
        let (ready, address) = channel();
        let (ended, endings) = channel();
        thread::spawn(move || match Runtime::new() {
            Ok(runtime) => runtime.block_on(listen(timeouts, ready, ended)),
            Err(error) => eprintln!("skipped: cannot set io_uring up: {error}"),
        });
        let address = address.recv().ok()?;
        Some(Self { address, control: TcpStream::connect(address).unwrap(), ended: endings })
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

    fn stop(&self) {
        self.control.shutdown(Shutdown::Both).unwrap();
    }
}

/// Serves every connection but the first, which stops the server.
async fn listen(timeouts: Timeouts, ready: Sender<SocketAddr>, ended: Sender<Result<(), IoError>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    ready.send(listener.local_addr().unwrap()).unwrap();
    let (config, deflate) = (sockeye::Config::default(), sockeye::deflate::Options::new());
    let terms = Rc::new(Terms { config, deflate, timeouts, pool: Pool::default() });
    let stop = CancelToken::new();
    let (mut control, _) = listener.accept().await.unwrap();
    let stopping = stop.clone();
    spawn(async move {
        let _ = control.read([0; 1]).await;
        stopping.cancel();
    })
    .detach();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let (terms, stop, ended) = (Rc::clone(&terms), stop.clone(), ended.clone());
        spawn(async move {
            let _ = ended.send(serve(stream, &terms, stop).await);
        })
        .detach();
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

#[test]
fn bytes_that_come_as_a_read_is_called_back_are_not_lost() {
    let Some(server) = Server::start(Timeouts { idle: Some(Duration::from_micros(30)), ..Timeouts::default() }) else {
        return;
    };
    let mut stream = server.connect();
    for i in 0..3000 {
        let payload = vec![i as u8; 500 + i];
        stream.write_all(&whole(Role::Client, BINARY, &payload)).unwrap();
        assert_eq!(message(&mut stream), payload);
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
    assert!(server.ended.recv_timeout(Duration::from_secs(30)).is_ok_and(|ending| ending.is_ok()));
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
    let pool = Pool::default();
    let mut memory = BytesMut::zeroed(1 << 20);
    let place = memory.as_ptr();
    let written = memory.split_to(1000).freeze();
    let mut inbox = Inbox::new();
    inbox.extend(b"begun");

    pool.take_back(written.clone());
    pool.lend(&mut inbox);
    assert!(inbox.capacity() < 1 << 20, "a part of it is still held");

    drop(memory);
    pool.take_back(written);
    pool.lend(&mut inbox);
    assert!(inbox.capacity() >= 1 << 20);
    assert_eq!(inbox.unread(), b"begun");
    assert_eq!(inbox.unread().as_ptr(), place);
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

    server.stop();
    for stream in [&mut reading, &mut inside] {
        assert_eq!(frame(stream), going_away);
    }
    reading.write_all(&close(Role::Client, 1001, "")).unwrap();
    assert!(ended(&mut reading));
    drop(reading);
    assert!(ended(&mut shaking));
    let mut endings: Vec<_> = (0..4).map(|_| server.ended.recv().unwrap()).collect();
    endings.retain(Result::is_err);
    assert_eq!(endings.len(), 2, "{endings:?}");
    for ending in endings {
        assert!(matches!(ending, Err(IoError::TimedOut(Due::Close))), "{ending:?}");
    }
    assert!(ended(&mut inside));
}

const PINGS: u32 = 400_000;

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
