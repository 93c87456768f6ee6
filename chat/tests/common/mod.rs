//! A server of one test, and what its guests do.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::process::{ExitStatus, Stdio};

use serde_json::{Value, json};
use sockeye::deflate::Options;
use sockeye::tokio::{Stream, WebSocket, connect, connect_over, connect_with};
use sockeye::{Client, Message};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpSocket, TcpStream};
use tokio::process::{Child, Command};

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_chat");

pub(crate) type Guest = WebSocket<Stream>;

/// A server, which ends with the test.
pub(crate) struct House {
    pub(crate) address: String,
    process: Child,
}

impl House {
    pub(crate) async fn open() -> Self {
        Self::open_at("127.0.0.1:0").await
    }

    pub(crate) async fn open_at(address: &str) -> Self {
        let mut process = Command::new(PROGRAM);
        let mut process = process.arg(address).stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let line = lines.next_line().await.unwrap().expect("the server prints its address");
        let address = line.split_once("http://").and_then(|(_, rest)| rest.split_once('/')).unwrap().0;
        Self { address: address.to_owned(), process }
    }

    pub(crate) async fn connect(&self, query: &str) -> Guest {
        connect(&self.url(query)).await.unwrap()
    }

    fn url(&self, query: &str) -> String {
        format!("ws://{}/socket?{}", self.address, encoded(query))
    }

    /// Connects with a socket that takes in little ahead of its reader.
    pub(crate) async fn connect_small(&self, query: &str) -> Guest {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        let stream = socket.connect(self.address.parse().unwrap()).await.unwrap();
        connect_over(&Client::new(), &self.url(query), stream.into()).await.unwrap()
    }

    pub(crate) async fn connect_compressed(&self, query: &str) -> Guest {
        connect_with(&Client::new().deflate(Options::new()), &self.url(query)).await.unwrap()
    }

    /// The head of what is answered to an upgrade with this header.
    pub(crate) async fn upgrade(&self, header: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).await.unwrap();
        let request = format!(
            "GET /socket?room=y&name=Raw HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{header}\r\n\r\n",
            self.address
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut head = String::new();
        let mut lines = BufReader::new(stream).lines();
        while let Some(line) = lines.next_line().await.unwrap().filter(|line| !line.is_empty()) {
            head += &line;
            head.push('\n');
        }
        head
    }

    /// Comes into a room; the welcome.
    pub(crate) async fn enter(&self, room: &str, name: &str) -> (Guest, Value) {
        let mut guest = self.connect(&format!("room={room}&name={name}")).await;
        let welcome = message(&mut guest).await;
        assert_eq!((&welcome["type"], &welcome["room"]), (&json!("welcome"), &json!(room)));
        (guest, welcome)
    }

    /// The head and the body of what is answered to a plain request.
    pub(crate) async fn ask(&self, method: &str, path: &str) -> (String, Vec<u8>) {
        let mut stream = TcpStream::connect(&self.address).await.unwrap();
        let request = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n\r\n", self.address);
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap() + 4;
        let body = answer.split_off(end);
        (String::from_utf8(answer).unwrap(), body)
    }

    pub(crate) async fn signal(&self, signal: &str) {
        let id = self.process.id().expect("the server runs");
        let kill = format!("kill -{signal} {id}");
        assert!(Command::new("sh").args(["-c", &kill]).status().await.unwrap().success());
    }

    pub(crate) async fn end(&mut self) -> ExitStatus {
        self.process.wait().await.unwrap()
    }
}

pub(crate) fn say(text: &str) -> String {
    json!({ "type": "say", "text": text }).to_string()
}

/// The next frame, or the code that the server closed with.
pub(crate) async fn next(guest: &mut Guest) -> Result<Value, u16> {
    loop {
        match guest.receive().await.unwrap() {
            Some(Message::Text(text)) => return Ok(serde_json::from_str(&text).unwrap()),
            Some(Message::Close(frame)) => return Err(frame.map_or(1005, |frame| frame.code.number())),
            Some(_) => {}
            None => return Err(1006),
        }
    }
}

/// The next frame.
pub(crate) async fn message(guest: &mut Guest) -> Value {
    next(guest).await.expect("a frame")
}

/// The code that the server closes with, after whatever frames.
pub(crate) async fn code(guest: &mut Guest) -> u16 {
    loop {
        if let Err(code) = next(guest).await {
            return code;
        }
    }
}

/// Percent-encodes what is not ASCII, as a browser does.
fn encoded(query: &str) -> String {
    let byte = |byte: u8| match byte {
        b' ' => "+".to_owned(),
        _ if byte.is_ascii() => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    query.bytes().map(byte).collect()
}
