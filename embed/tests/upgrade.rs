//! What is special to the programs that leave HTTP to a library: hyper, its client, and axum.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use sockeye::blocking::WebSocket;
use sockeye::deflate::Options;
use sockeye::handshake::{Offer, OriginPolicy, RequestReader, Response, Url};
use sockeye::{Client, CloseCode, CloseFrame, Message, Server, Side};

/// The programs that serve.
const SERVERS: [&str; 2] = [env!("CARGO_BIN_EXE_hyper"), env!("CARGO_BIN_EXE_axum")];

const AXUM: &str = env!("CARGO_BIN_EXE_axum");

/// A program that runs; it is ended when this is dropped.
struct Program {
    child: Child,
    stdout: BufReader<ChildStdout>,
    stderr: Option<JoinHandle<String>>,
}

/// What a program came to: its exit code, the rest of its stdout, all of its stderr.
type Outcome = (Option<i32>, String, String);

impl Program {
    fn start(path: &str, argument: &str) -> Self {
        let mut command = Command::new(path);
        command.arg(argument).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let mut errors = child.stderr.take().unwrap();
        let stderr = thread::spawn(move || {
            let mut text = String::new();
            errors.read_to_string(&mut text).unwrap();
            text
        });
        Self { child, stdout, stderr: Some(stderr) }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line.trim_end_matches('\n').into()
    }

    #[cfg(unix)]
    fn interrupt(&self) {
        assert!(Command::new("kill").args(["-INT", &self.child.id().to_string()]).status().unwrap().success());
    }

    fn outcome(mut self) -> Outcome {
        let mut stdout = String::new();
        self.stdout.read_to_string(&mut stdout).unwrap();
        let status = self.child.wait().unwrap();
        (status.code(), stdout, self.stderr.take().unwrap().join().unwrap())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A server that listens, and where.
fn serve(path: &str) -> (Program, SocketAddr) {
    let mut server = Program::start(path, "127.0.0.1:0");
    let line = server.line();
    let address = line.strip_prefix("listening on ws://").expect(&line).parse().unwrap();
    (server, address)
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream
}

/// Says this, and hears a response with its body.
fn ask(stream: &mut TcpStream, request: &str) -> Response {
    stream.write_all(request.as_bytes()).unwrap();
    let response = hear(stream);
    let length = response.header("Content-Length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    response.with_body(body)
}

/// The head of a response.
fn hear(stream: &mut TcpStream) -> Response {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let mut lines = head.trim_end().lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    Response::received(status, lines.map(|line| line.split_once(": ").unwrap())).unwrap()
}

fn body(response: &Response) -> &str {
    std::str::from_utf8(response.body()).unwrap()
}

/// Asks for a WebSocket over a stream that may have carried pages before.
fn upgrade(mut stream: TcpStream, path: &str, offer: Offer) -> (Response, Option<WebSocket<TcpStream>>) {
    let url = Url::parse(&format!("ws://{}{path}", stream.peer_addr().unwrap())).unwrap();
    let (request, upgrading) = Client::new().offer(offer).deflate(Options::new()).begin(&url).unwrap();
    let response = ask(&mut stream, std::str::from_utf8(&request.write()).unwrap());
    let upgrade = upgrading.finish(&response);
    (response, upgrade.ok().map(|upgrade| WebSocket::upgraded(stream, upgrade, b"")))
}

fn echoes(socket: &mut WebSocket<TcpStream>, text: &str) {
    socket.send(text).unwrap();
    assert_eq!(socket.receive().unwrap(), Some(text.into()));
}

/// A page, a page again, and then a WebSocket, over one TCP connection.
#[test]
fn a_connection_is_kept_for_pages_and_then_upgraded() {
    for path in SERVERS {
        let (_server, address) = serve(path);
        let mut stream = connect(address);
        for _ in 0..2 {
            let page = ask(&mut stream, &format!("GET / HTTP/1.1\r\nHost: {address}\r\n\r\n"));
            assert_eq!((page.status(), page.header("Content-Type")), (200, Some("text/html; charset=utf-8")));
            assert!(body(&page).contains("new WebSocket(") && body(&page).ends_with("</html>\n"), "{}", body(&page));
        }
        let missing = ask(&mut stream, &format!("GET /nowhere HTTP/1.1\r\nHost: {address}\r\n\r\n"));
        assert_eq!(missing.status(), 404);
        let (response, socket) = upgrade(stream, "/", Offer::new().with_origin("https://other.example").unwrap());
        assert!(response.header("Sec-WebSocket-Extensions").unwrap().starts_with("permessage-deflate"), "{response:?}");
        let mut socket = socket.unwrap();
        echoes(&mut socket, "연어가 강을 거슬러 오른다");
        echoes(&mut socket, &"🐟".repeat(100_000));
        let ending = socket.close(Some(CloseFrame::new(CloseCode::NORMAL, ""))).unwrap();
        assert!(ending.clean && ending.by == Side::Local, "{ending:?}");
    }
}

/// What the library has read beyond the request is not lost.
#[test]
fn a_frame_in_the_same_packet_as_the_request_is_echoed() {
    for path in SERVERS {
        let (_server, address) = serve(path);
        let mut stream = connect(address);
        stream.write_all(&[request(address, "").as_bytes(), b"\x81\x82\0\0\0\0hi"].concat()).unwrap();
        assert_eq!(hear(&mut stream).status(), 101);
        let mut echo = [0; 4];
        stream.read_exact(&mut echo).unwrap();
        assert_eq!(echo, *b"\x81\x02hi");
    }
}

fn request(address: SocketAddr, more: &str) -> String {
    format!(
        "GET / HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{more}\r\n"
    )
}

/// Each with the status that fits and a body that says why, and the connection goes on.
#[test]
fn bad_upgrades_are_told_why() {
    let cases = [
        ("Sec-WebSocket-Version: 13\r\n", "", 400, "the header Sec-WebSocket-Version is missing"),
        ("Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 8", 426, "expected \"Sec-WebSocket-Version: 13\""),
        ("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", "", 400, "the header Sec-WebSocket-Key is missing"),
        ("dGhlIHNhbXBsZSBub25jZQ==", "short", 400, "the header Sec-WebSocket-Key has a wrong value"),
        ("Connection: keep-alive, Upgrade", "Connection: keep-alive", 400, "the header Connection has a wrong value"),
        ("Upgrade: websocket\r\n", "Upgrade: h2c\r\n", 426, "expected the header \"Upgrade: websocket\""),
        ("\r\n\r\n", "\r\nContent-Length: 4\r\n\r\nbody", 400, "a WebSocket handshake has no body"),
        (
            "\r\n\r\n",
            "\r\nSec-WebSocket-Protocol: a b\r\n\r\n",
            400,
            "the header Sec-WebSocket-Protocol has a wrong value",
        ),
        (
            "\r\n\r\n",
            "\r\nSec-WebSocket-Extensions: ;\r\n\r\n",
            400,
            "Sec-WebSocket-Extensions departs from its grammar",
        ),
    ];
    for path in SERVERS {
        let (_server, address) = serve(path);
        let mut stream = connect(address);
        for (from, to, status, why) in cases {
            let response = ask(&mut stream, &request(address, "").replacen(from, to, 1));
            assert_eq!(response.status(), status, "{to}");
            assert!(body(&response).starts_with(why), "{why:?} in {:?}", body(&response));
            let upgrade = (status == 426).then_some("websocket");
            assert_eq!(response.header("Upgrade"), upgrade, "{to}");
            assert_eq!(response.header("Connection").map(str::to_lowercase), upgrade.map(|_| "upgrade".into()), "{to}");
        }
        let post = ask(&mut stream, &request(address, "").replacen("GET", "POST", 1));
        assert_eq!(post.status(), 405);
        assert!(post.header("Allow").unwrap().contains("GET"), "{post:?}");
        let old = ask(&mut connect(address), &request(address, "").replacen("HTTP/1.1", "HTTP/1.0", 1));
        assert_eq!(
            (old.status(), body(&old)),
            (505, "a WebSocket handshake takes HTTP/1.1 (RFC 6455 section 4.2.1)\n")
        );
        echoes(&mut upgrade(stream, "/", Offer::new()).1.unwrap(), "all is well");
    }
}

/// A socket on a path without a page, for pages of its own origin alone, with a cookie in both directions and shared counts.
#[test]
fn a_counter_knows_its_visitors_and_keeps_strangers_out() {
    let (_server, address) = serve(AXUM);
    let offer = |origin: &str, cookie: &str| {
        let offer = Offer::new().with_subprotocol("other").unwrap().with_subprotocol("counter.v1").unwrap();
        let offer = offer.with_origin(origin).unwrap();
        if cookie.is_empty() { offer } else { offer.with_header("Cookie", cookie).unwrap() }
    };
    for stranger in ["https://evil.example", "null", "http://127.0.0.1", &format!("http://{address}.evil.example")] {
        let (response, socket) = upgrade(connect(address), "/counter", offer(stranger, "visits=7"));
        assert!(socket.is_none());
        assert_eq!((response.status(), response.header("Set-Cookie")), (403, None), "{stranger}");
        assert_eq!(body(&response), "connections from this origin are not admitted (RFC 6455 section 10.2)\n");
    }
    let here = format!("http://{address}");
    let visits =
        [("", 1), ("a=b; visits=41 ; c", 42), ("visits=-1", 1), ("visits=4294967295", u32::MAX), ("xvisits=5", 1)];
    for (message, (cookie, visit)) in (1..).zip(visits) {
        let (response, socket) = upgrade(connect(address), "/counter", offer(&here, cookie));
        let expected = format!("visits={visit}; Path=/counter; HttpOnly; SameSite=Strict");
        assert_eq!((response.status(), response.header("Set-Cookie")), (101, Some(&*expected)), "{cookie}");
        let mut socket = socket.unwrap();
        assert_eq!(socket.subprotocol(), Some("counter.v1"));
        socket.send("count").unwrap();
        assert_eq!(socket.receive().unwrap(), Some(format!("visit {visit}, message {message}").as_str().into()));
        let mut stream = connect(address);
        let stats = ask(&mut stream, &format!("GET /stats HTTP/1.1\r\nHost: {address}\r\n\r\n"));
        assert!(body(&stats).ends_with(&format!("\nechoed 0\ncounted {message}\n")), "{}", body(&stats));
        let bare = ask(&mut stream, &format!("GET /counter HTTP/1.1\r\nHost: {address}\r\n\r\n"));
        assert_eq!((bare.status(), bare.header("Upgrade")), (426, Some("websocket")));
        assert!(socket.close(None).unwrap().clean);
    }
}

/// The peers of a server that stops: a WebSocket, a connection kept for the next page, one that has said nothing.
#[cfg(unix)]
#[test]
fn an_interrupted_server_takes_leave() {
    for path in SERVERS {
        let (server, address) = serve(path);
        let silent = connect(address);
        let mut kept = connect(address);
        ask(&mut kept, &format!("GET / HTTP/1.1\r\nHost: {address}\r\n\r\n"));
        let mut socket = upgrade(connect(address), "/", Offer::new()).1.unwrap();
        echoes(&mut socket, "here");
        server.interrupt();
        let goodbye = CloseFrame::new(CloseCode::GOING_AWAY, "the server stops");
        assert_eq!(socket.receive().unwrap(), Some(Message::Close(Some(goodbye))));
        assert_eq!(socket.receive().unwrap(), None);
        let (code, stdout, stderr) = server.outcome();
        assert_eq!((code, &*stdout), (Some(0), ""));
        assert_eq!(stderr.lines().count(), 1, "nothing but what to do next: {stderr}");
        for mut stream in [silent, kept] {
            assert_eq!(stream.read(&mut [0]).unwrap(), 0);
        }
    }
}

/// A server that answers a client like this, and what comes of the client.
fn client(serve: impl FnOnce(TcpStream) + Send + 'static) -> (Program, JoinHandle<()>, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/there?x=1", listener.local_addr().unwrap());
    let serving = thread::spawn(move || {
        let stream = listener.accept().unwrap().0;
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        serve(stream);
    });
    (Program::start(env!("CARGO_BIN_EXE_hyper_client"), &url), serving, url)
}

/// Accepts, and says `more` in the same packet.
fn accept(mut stream: TcpStream, more: &[u8]) -> WebSocket<TcpStream> {
    let (mut reader, mut received) = (RequestReader::default(), Vec::new());
    let request = loop {
        let mut bytes = [0; 4096];
        let count = stream.read(&mut bytes).unwrap();
        assert_ne!(count, 0);
        received.extend_from_slice(&bytes[..count]);
        if let Some((request, length)) = reader.read(&received).unwrap() {
            assert_eq!(length, received.len());
            break request;
        }
    };
    assert_eq!((request.path(), request.query()), ("/there", Some("x=1")));
    let (response, upgrade) = Server::new(OriginPolicy::Any).deflate(Options::new()).answer(&request).unwrap();
    assert!(response.header("Sec-WebSocket-Extensions").is_some(), "the client offers compression");
    stream.write_all(&[&response.write(), more].concat()).unwrap();
    WebSocket::upgraded(stream, upgrade, b"")
}

#[test]
fn a_client_echoes_also_what_came_with_the_response() {
    let (mut program, serving, url) = client(|stream| {
        let mut socket = accept(stream, b"\x81\x05first");
        let second = "둘".repeat(100_000);
        socket.send(&*second).unwrap();
        assert_eq!(socket.receive().unwrap(), Some("first".into()));
        assert_eq!(socket.receive().unwrap(), Some((&*second).into()));
        let ending = socket.close(Some(CloseFrame::new(CloseCode::NORMAL, "enough"))).unwrap();
        assert!(ending.clean, "{ending:?}");
    });
    assert_eq!(program.line(), format!("connected to {url}"));
    serving.join().unwrap();
    let (code, stdout, stderr) = program.outcome();
    assert_eq!((code, &*stdout), (Some(0), "closed: 1000 by the peer\n"), "{stderr}");
}

#[cfg(unix)]
#[test]
fn an_interrupted_client_says_goodbye() {
    let (mut program, serving, url) = client(|stream| {
        let mut socket = accept(stream, b"");
        let goodbye = CloseFrame::new(CloseCode::GOING_AWAY, "the client stops");
        assert_eq!(socket.receive().unwrap(), Some(Message::Close(Some(goodbye))));
        assert_eq!(socket.receive().unwrap(), None);
    });
    assert_eq!(program.line(), format!("connected to {url}"));
    program.interrupt();
    serving.join().unwrap();
    let (code, stdout, _) = program.outcome();
    assert_eq!((code, &*stdout), (Some(0), "closed: 1001 by this end\n"));
}

#[track_caller]
fn fails((program, serving, url): (Program, JoinHandle<()>, String), expected: &str) {
    let (code, stdout, stderr) = program.outcome();
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stdout.is_empty() || stdout == format!("connected to {url}\n"), "{stdout}");
    let complaints: Vec<&str> = stderr.lines().filter(|line| !line.starts_with("every message")).collect();
    assert!(complaints.len() == 1 && complaints[0].contains(expected), "{complaints:?}");
    serving.join().unwrap();
}

fn protocol_error() -> Message {
    Message::Close(Some(CloseFrame::new(CloseCode::PROTOCOL_ERROR, "")))
}

/// Whatever goes wrong is one line on stderr and exit code 1.
#[test]
fn a_client_says_why_it_ends() {
    let refuse = |text: &'static str| {
        move |mut stream: TcpStream| {
            let mut head = BufReader::new(&stream).lines();
            while head.next().is_some_and(|line| !line.unwrap().is_empty()) {}
            stream.write_all(text.as_bytes()).unwrap();
            stream.shutdown(std::net::Shutdown::Write).unwrap();
            let _ = stream.read_to_end(&mut Vec::new());
        }
    };
    fails(client(refuse("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")), "answered 403");
    fails(
        client(refuse(
            "HTTP/1.1 101 Sure\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: bm8=\r\n\r\n",
        )),
        "Sec-WebSocket-Accept",
    );
    fails(client(refuse("연어\r\n\r\n")), "HTTP");
    fails(client(refuse("")), "connection closed before message completed");
    // A masked frame of a server is against RFC 6455 section 5.1.
    fails(
        client(|stream| assert_eq!(accept(stream, b"\x81\x80\0\0\0\0").receive().unwrap(), Some(protocol_error()))),
        "5.1",
    );

    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for (url, expected) in
        [(&*format!("ws://{nobody}/"), "refused"), ("wss://a!b/", "a certificate can be for"), ("http://x/", "ws://")]
    {
        let (code, stdout, stderr) = Program::start(env!("CARGO_BIN_EXE_hyper_client"), url).outcome();
        assert_eq!((code, &*stdout, stderr.lines().count()), (Some(1), "", 1), "{stderr}");
        assert!(stderr.contains(expected), "{stderr}");
    }
}
