//! The program that the README shows is an example of this crate, and does what the README says of it.

#[allow(dead_code, reason = "the test calls `serve` in place of `main`")]
#[path = "../examples/sans_io.rs"]
mod sans_io;

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread::{JoinHandle, spawn};

use sockeye::deflate::Options;
use sockeye::{Client, CloseCode, CloseFrame, Message, blocking};

#[test]
fn the_readme_shows_the_example() {
    let readme = include_str!("../README.md");
    let (_, program) = include_str!("../examples/sans_io.rs").split_once("\n\n").expect("a headline, then the program");
    assert!(readme.contains(program), "README.md and examples/sans_io.rs differ: copy the one into the other");
}

#[test]
fn messages_come_back_and_the_connection_ends_cleanly() {
    let (address, server) = serve();
    let mut client = blocking::connect(&format!("ws://{address}/")).unwrap();
    for message in [Message::text("연어가 돌아왔다"), Message::text(""), Message::binary(vec![7; 1 << 20])] {
        client.send(message.clone()).unwrap();
        assert_eq!(client.receive().unwrap(), Some(message));
    }
    let ending = client.close(Some(CloseFrame::new(CloseCode::NORMAL, "done"))).unwrap();
    assert!(ending.clean);
    assert_eq!(ending.code(), CloseCode::NORMAL);
    assert_eq!(server.join().unwrap(), Ok(()));
}

#[test]
fn a_client_that_offers_compression_gets_it() {
    let (address, server) = serve();
    let offer = Client::new().deflate(Options::new());
    let mut client = blocking::connect_with(&offer, &format!("ws://{address}/")).unwrap();
    let message = Message::text("연어가 돌아왔다. ".repeat(100));
    client.send(message.clone()).unwrap();
    assert_eq!(client.receive().unwrap(), Some(message));
    assert!(client.close(None).unwrap().clean);
    assert_eq!(server.join().unwrap(), Ok(()));

    let (address, server) = serve();
    let mut stream = TcpStream::connect(address).unwrap();
    let (start, rest) = REQUEST.split_at(b"GET / HTTP/1.1\r\n".len());
    stream.write_all(&[start, b"Sec-WebSocket-Extensions: permessage-deflate\r\n", rest].concat()).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("\r\nSec-WebSocket-Extensions: permessage-deflate"), "{answer}");
    assert_eq!(server.join().unwrap(), Ok(()));
}

#[test]
fn a_broken_rule_is_answered_with_its_close_code() {
    let (address, server) = serve();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(REQUEST).unwrap();
    // RFC 6455 section 5.1: a server closes on a frame that is not masked.
    stream.write_all(b"\x81\x00").unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 101 Switching Protocols\r\n"));
    assert!(answer.ends_with(b"\r\n\r\n\x88\x02\x03\xea"), "a close frame with 1002 comes last");
    assert!(server.join().unwrap().is_err_and(|error| error.contains("masked")));
}

#[test]
fn a_page_of_another_site_is_refused() {
    let (address, server) = serve();
    let mut stream = TcpStream::connect(address).unwrap();
    let (start, rest) = REQUEST.split_at(b"GET / HTTP/1.1\r\n".len());
    stream.write_all(&[start, b"Origin: https://elsewhere.example\r\n", rest].concat()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 403 Forbidden\r\n"));
    assert_eq!(server.join().unwrap(), Ok(()));
}

/// The example, on a free port, for one connection.
fn serve() -> (SocketAddr, JoinHandle<Result<(), String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serve = move || sans_io::serve(listener.accept().unwrap().0).map_err(|error| error.to_string());
    (address, spawn(serve))
}

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
