//! What is special to the epoll server, run as a process: one thread for all, and memory that they share.

#![cfg(target_os = "linux")]

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// A server that listens; it is ended when this is dropped.
struct Program {
    child: Child,
    address: String,
    stderr: Option<thread::JoinHandle<String>>,
}

impl Program {
    /// The server, with at most so many files open.
    fn start(files: u32) -> Self {
        let program = env!("CARGO_BIN_EXE_epoll");
        let mut child = Command::new("sh")
            .args(["-c", &format!("ulimit -n {files} && exec \"$0\" 127.0.0.1:0"), program])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim_end().strip_prefix("listening on ws://").expect(&line).to_owned();
        let mut errors = child.stderr.take().unwrap();
        let stderr = thread::spawn(move || {
            let mut text = String::new();
            errors.read_to_string(&mut text).unwrap();
            text
        });
        Self { child, address, stderr: Some(stderr) }
    }

    /// A connection without an opening handshake.
    fn reach(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// A connection.
    fn connect(&self) -> TcpStream {
        let mut stream = self.reach();
        stream.write_all(REQUEST).unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        assert!(head.starts_with(b"HTTP/1.1 101 "), "{}", String::from_utf8_lossy(&head));
        stream
    }

    /// Memory of the process, in KiB.
    fn resident(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    fn open_files(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.child.id())).unwrap().count()
    }

    fn terminate(&self) {
        let killed = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(killed.success());
    }

    /// Waits for the end: how it ended, and what it said.
    fn end(mut self) -> (ExitStatus, String) {
        let status = self.child.wait().unwrap();
        (status, self.stderr.take().unwrap().join().unwrap())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A connection that sends without an end, and reads the echo, takes nothing from another one.
#[test]
fn a_flooding_connection_starves_no_other() {
    let server = Program::start(64);
    let mut flood = server.connect();
    let mut echo = flood.try_clone().unwrap();
    let mut other = server.connect();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            // Nothing costs the server more time for each byte.
            let frames = frame(b"").repeat(10_000);
            while !done.load(Ordering::Relaxed) {
                flood.write_all(&frames).unwrap();
            }
            flood.shutdown(Shutdown::Write).unwrap();
        });
        scope.spawn(|| io::copy(&mut echo, &mut io::sink()).unwrap());
        let echoed = (0..200).try_for_each(|_| try_round_trip(&mut other, b"me too"));
        done.store(true, Ordering::Relaxed);
        echoed.unwrap();
    });
}

/// What a peer that does not read is sent stays with the peer: the server takes no more of it, and nothing is lost.
#[test]
fn a_peer_that_does_not_read_is_not_read_from() {
    let server = Program::start(64);
    let mut other = server.connect();
    for payload in [vec![1; 1_000], vec![2; 300_000]] {
        let mut deaf = server.connect();
        round_trip(&mut deaf, &payload);
        let before = server.resident();
        deaf.set_nonblocking(true).unwrap();
        let message = frame(&payload);
        let (mut sent, mut refused) = (0, 0);
        // Each round trip of the other is a turn for this one, if there is anything that it could do.
        while refused < 100 {
            match deaf.write(&message[sent % message.len()..]) {
                Ok(count) => (sent, refused) = (sent + count, 0),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    refused += 1;
                    round_trip(&mut other, b"I live");
                }
                Err(error) => panic!("{error}"),
            }
            assert!(sent < 64 << 20, "the server takes all that it is sent");
        }
        let grown = server.resident().saturating_sub(before);
        assert!(grown < 2_048, "{grown} KiB for {sent} bytes sent");

        deaf.set_nonblocking(false).unwrap();
        let mut rest = deaf.try_clone().unwrap();
        thread::scope(|scope| {
            scope.spawn(|| rest.write_all(&message[sent % message.len()..]).unwrap());
            for _ in 0..sent.div_ceil(message.len()) {
                assert!(read_frame(&mut deaf).unwrap() == (0x82, payload.clone()));
            }
        });
        round_trip(&mut deaf, &payload);
    }
}

/// Connections of every fate, wave after wave: in the end nothing is left of them.
#[test]
fn thousands_of_connections_come_and_go() {
    let server = Program::start(1_024);
    let mut witness = server.connect();
    round_trip(&mut witness, b"first");
    let files = server.open_files();
    let mut early = 0;
    for wave in 0..20 {
        let mut peers: Vec<TcpStream> = (0..200).map(|_| server.connect()).collect();
        for (number, peer) in peers.iter_mut().enumerate() {
            let payload = vec![number as u8; (number * number) % 5_000];
            round_trip(peer, &payload);
            match number % 4 {
                0 => {
                    peer.write_all(&[0x88, 0x82, 0, 0, 0, 0, 3, 232]).unwrap();
                    assert_eq!(read_frame(peer).unwrap(), (0x88, vec![3, 232]));
                    assert_eq!(peer.read(&mut [0]).unwrap(), 0, "the server ends its half");
                }
                1 => peer.shutdown(Shutdown::Write).unwrap(),
                // A message that is cut, and an echo that nobody reads.
                2 => peer.write_all(&frame(&payload)[..5]).unwrap(),
                _ => peer.write_all(&frame(&payload)).unwrap(),
            }
        }
        drop(peers);
        if wave == 4 {
            early = server.resident();
        }
    }
    // Each round trip is a turn for those that have something to end.
    let mut rounds = 0;
    while server.open_files() > files {
        round_trip(&mut witness, b"and I remain");
        rounds += 1;
        assert!(rounds < 10_000, "{} files are open, {files} were at first", server.open_files());
    }
    let grown = server.resident().saturating_sub(early);
    assert!(grown < 256, "{grown} KiB more after 20 waves than after 5");
}

/// A peer that begins a handshake and does not go on with it is dropped when its time is over, with a line of log.
#[test]
fn a_handshake_that_takes_too_long_is_dropped() {
    let server = Program::start(64);
    let mut silent = server.reach();
    let mut slow = server.reach();
    slow.write_all(&REQUEST[..20]).unwrap();
    let mut open = server.connect();
    assert_eq!(silent.read(&mut [0]).unwrap_or(0), 0);
    assert_eq!(slow.read(&mut [0]).unwrap_or(0), 0);
    round_trip(&mut open, b"I am not concerned");
    server.terminate();
    assert_eq!(read_frame(&mut open).unwrap().0, 0x88);
    drop(open);
    let (status, said) = server.end();
    assert!(status.success());
    let complaints: Vec<&str> = said.lines().filter(|line| line.starts_with("connection from ")).collect();
    assert_eq!(complaints.len(), 2, "{said}");
    assert!(complaints.iter().all(|line| line.contains("waited for the opening handshake to end")), "{said}");
}

/// Every one of many connections hears that the server stops, also one whose message is under way.
#[test]
fn a_server_that_stops_says_so_to_all() {
    let server = Program::start(1_024);
    let mut silent = server.reach();
    let mut peers: Vec<TcpStream> = (0..500).map(|_| server.connect()).collect();
    for peer in &mut peers {
        round_trip(peer, b"here");
        peer.write_all(&frame(b"half of")[..8]).unwrap();
    }
    server.terminate();
    for mut peer in peers {
        let farewell = [&[3, 233][..], b"the server stops"].concat();
        assert_eq!(read_frame(&mut peer).unwrap(), (0x88, farewell));
        // The rest of the message, which is not answered any more, and the answer to the close frame.
        peer.write_all(&frame(b"half of")[8..]).unwrap();
        peer.write_all(&[0x88, 0x82, 0, 0, 0, 0, 3, 233]).unwrap();
        assert_eq!(peer.read(&mut [0]).unwrap(), 0);
    }
    assert_eq!(silent.read(&mut [0]).unwrap_or(0), 0, "a handshake is not waited for");
    let (status, said) = server.end();
    assert!(status.success(), "{said}");
    assert!(!said.contains("did not answer") && !said.contains("connection from"), "{said}");
}

/// A server that cannot open more files serves those that it has, says so now and then, and goes on once it can.
#[test]
fn a_server_out_of_files_lives() {
    let started = Instant::now();
    let server = Program::start(24);
    let mut peers: Vec<TcpStream> = (0..8).map(|_| server.connect()).collect();
    // The first of these fill the limit, the others wait to be accepted.
    let mut waiting: Vec<TcpStream> = (0..24).map(|_| server.reach()).collect();
    while server.open_files() < 24 {
        round_trip(&mut peers[0], b"I live");
    }
    for peer in &mut peers {
        round_trip(peer, b"we live");
    }
    let mut last = waiting.pop().unwrap();
    drop(waiting);
    last.write_all(REQUEST).unwrap();
    let mut head = [0; 12];
    last.read_exact(&mut head).unwrap();
    assert_eq!(&head, b"HTTP/1.1 101");
    drop((peers, last));
    server.terminate();
    let (status, said) = server.end();
    assert!(status.success(), "{said}");
    let complaints = said.lines().filter(|line| line.contains("cannot accept a connection")).count() as u128;
    assert!((1..=2 + started.elapsed().as_millis() / 100).contains(&complaints), "{said}");
}

/// Sends a message and reads its echo.
#[track_caller]
fn round_trip(stream: &mut TcpStream, payload: &[u8]) {
    try_round_trip(stream, payload).unwrap();
}

fn try_round_trip(stream: &mut TcpStream, payload: &[u8]) -> io::Result<()> {
    let mut sending = stream.try_clone()?;
    thread::scope(|scope| {
        // What is longer than the sockets hold comes back before all of it was sent.
        if payload.len() > 10_000 {
            scope.spawn(|| sending.write_all(&frame(payload)));
        } else {
            sending.write_all(&frame(payload))?;
        }
        let (first, echo) = read_frame(stream)?;
        assert!(first == 0x82 && echo == payload, "expected the echo of {} bytes", payload.len());
        Ok(())
    })
}

/// The frame of a binary message, with a mask of zeros.
fn frame(payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x82];
    match payload.len() {
        length @ 0..126 => frame.push(0x80 | length as u8),
        length @ 126..0x1_0000 => {
            frame.push(0x80 | 126);
            frame.extend((length as u16).to_be_bytes());
        }
        length => {
            frame.push(0x80 | 127);
            frame.extend((length as u64).to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}

/// The first byte of the next frame, and its payload.
fn read_frame(stream: &mut TcpStream) -> io::Result<(u8, Vec<u8>)> {
    let mut start = [0; 2];
    stream.read_exact(&mut start)?;
    let length = match start[1] {
        126 => {
            let mut length = [0; 2];
            stream.read_exact(&mut length)?;
            usize::from(u16::from_be_bytes(length))
        }
        127 => {
            let mut length = [0; 8];
            stream.read_exact(&mut length)?;
            u64::from_be_bytes(length) as usize
        }
        length => usize::from(length),
    };
    let mut payload = vec![0; length];
    stream.read_exact(&mut payload)?;
    Ok((start[0], payload))
}

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

/// How long a test waits for something that has to come.
const PATIENCE: Duration = Duration::from_secs(60);
