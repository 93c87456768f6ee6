//! The example programs, run as a user runs them.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::thread;

/// A program that runs; it is ended when this is dropped.
struct Program {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    stderr: Option<thread::JoinHandle<String>>,
}

/// What a program came to.
struct Outcome {
    status: ExitStatus,
    /// What it printed since it was last read.
    stdout: String,
    stderr: String,
}

/// Where the examples are, once they are built: beside the tests.
fn built() -> &'static PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        // <target>/<profile>/deps/<this test>
        let test = std::env::current_exe().unwrap();
        let profile = test.ancestors().nth(2).unwrap();
        let release = if cfg!(debug_assertions) { None } else { Some("--release") };
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--examples", "--quiet", "--target-dir"]).arg(profile.parent().unwrap()).args(release);
        assert!(cargo.status().unwrap().success());
        profile.join("examples")
    })
}

fn run(name: &str, arguments: &[&str]) -> Program {
    let mut child = Command::new(built().join(name))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let stdin = child.stdin.take();
    let stdout = BufReader::new(child.stdout.take().unwrap());
    let mut errors = child.stderr.take().unwrap();
    let stderr = thread::spawn(move || {
        let mut text = String::new();
        errors.read_to_string(&mut text).unwrap();
        text
    });
    Program { child, stdin, stdout, stderr: Some(stderr) }
}

impl Program {
    /// The next line of stdout.
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line.trim_end_matches('\n').into()
    }

    fn say(&mut self, text: &str) {
        self.stdin.as_mut().unwrap().write_all(text.as_bytes()).unwrap();
    }

    /// Ends stdin, and waits for the program to end.
    fn end(mut self) -> Outcome {
        self.stdin = None;
        self.outcome()
    }

    /// Waits for the program to end by itself: stdin stays open.
    fn outcome(mut self) -> Outcome {
        let mut stdout = String::new();
        self.stdout.read_to_string(&mut stdout).unwrap();
        let status = self.child.wait().unwrap();
        Outcome { status, stdout, stderr: self.stderr.take().unwrap().join().unwrap() }
    }

    #[cfg(unix)]
    fn interrupt(&self) {
        let killed = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status().unwrap();
        assert!(killed.success());
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An echo server that listens, and its URL.
fn serve(name: &str, arguments: &[&str]) -> (Program, String) {
    let mut server = run(name, &[&["127.0.0.1:0"], arguments].concat());
    let line = server.line();
    let url = line.strip_prefix("listening on ").expect(&line).to_owned();
    assert!(url.starts_with("ws://127.0.0.1:") && !url.ends_with(":0"), "{url}");
    (server, url)
}

/// A server that answers one connection like this, and the URL of it.
fn serve_once(answer: impl FnOnce(&mut TcpStream, &str) + Send + 'static) -> (thread::JoinHandle<String>, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let serving = thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap();
        answer(&mut stream, &head);
        // Whatever the client has to say to that, until it goes.
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let _ = stream.read_to_end(&mut Vec::new());
        head
    });
    (serving, url)
}

/// The acceptance of a request, with these headers more and these frames behind.
fn accepted(head: &str, headers: &str, frames: &[u8]) -> Vec<u8> {
    use base64::Engine;
    use sha1::Digest;
    let key = head.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ")).unwrap();
    let digest = sha1::Sha1::digest(format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11"));
    let accept = base64::engine::general_purpose::STANDARD.encode(digest);
    let head = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n{headers}\r\n"
    );
    [head.as_bytes(), frames].concat()
}

/// A client that is answered like this fails with one sentence about it, though stdin is still open, and prints no
/// message.
#[track_caller]
fn fails(answer: impl FnOnce(&mut TcpStream, &str) + Send + 'static, expected: &str) {
    let (serving, url) = serve_once(answer);
    let outcome = run("client", &[&url]).outcome();
    serving.join().unwrap();
    fails_with(&outcome, expected);
}

#[track_caller]
fn fails_with(outcome: &Outcome, expected: &str) {
    let said = &outcome.stderr;
    assert_eq!(outcome.status.code(), Some(1), "{said}");
    assert_eq!(outcome.stdout, "");
    let last = said.lines().last().unwrap_or_default();
    assert!(last.contains(expected), "expected {expected:?} in the last line of {said:?}");
    let complaints = said.lines().filter(|line| !is_progress(line)).count();
    assert_eq!(complaints, 1, "{said}");
}

/// What the client says where all is well.
fn is_progress(line: &str) -> bool {
    ["connected to ", "type lines ", "the peer closes with "].iter().any(|start| line.starts_with(start))
}

/// Lines in are lines out, messages come while stdin is open, and its end closes with 1000.
fn echoes(name: &str) {
    let (server, url) = serve(name, &[]);
    let mut client = run("client", &[&url]);
    for line in ["연어가 강을 거슬러 오른다", "", "🐟", "plain"] {
        client.say(&format!("{line}\n"));
        assert_eq!(client.line(), line);
    }
    let many: String = (0..500).map(|number| format!("{number} 번째 줄\n")).collect();
    client.say(&many);
    client.say("the last one has no end of line");
    let outcome = client.end();
    assert!(outcome.status.success(), "{}", outcome.stderr);
    assert_eq!(outcome.stdout, many + "the last one has no end of line\n");

    let mut client = run("client", &[&url, "--binary"]);
    client.say("가\n");
    assert_eq!(client.line(), "eab080");
    client.say("\n");
    assert_eq!(client.line(), "");
    assert!(client.end().status.success());
    drop(server);
}

#[test]
fn echo_echoes() {
    echoes("echo");
}

#[test]
fn echo_blocking_echoes() {
    echoes("echo_blocking");
}

/// One byte more than `--max-message` allows is refused with 1009.
#[test]
fn messages_past_the_limit_are_refused() {
    for name in ["echo", "echo_blocking"] {
        let (_server, url) = serve(name, &["--max-message", "10"]);
        let mut client = run("client", &[&url]);
        client.say("0123456789\n");
        assert_eq!(client.line(), "0123456789");
        client.say("0123456789x\n");
        fails_with(&client.outcome(), "1009");
    }
}

/// Ctrl-C closes the connections with 1001, the server ends well, and a client whose stdin is open says why it ends.
#[cfg(unix)]
#[test]
fn an_interrupted_server_says_goodbye() {
    for name in ["echo", "echo_blocking"] {
        let (server, url) = serve(name, &[]);
        let mut clients = [run("client", &[&url]), run("client", &[&url])];
        for client in &mut clients {
            client.say("here\n");
            assert_eq!(client.line(), "here");
        }
        server.interrupt();
        let outcome = server.outcome();
        assert_eq!(outcome.status.code(), Some(0), "{}", outcome.stderr);
        assert!(!outcome.stderr.contains("did not answer"), "{}", outcome.stderr);
        for client in clients {
            fails_with(&client.outcome(), "1001");
        }
    }
}

/// A connection that never says anything does not keep a server that is to stop.
#[cfg(unix)]
#[test]
fn an_interrupted_server_does_not_wait_for_handshakes() {
    for name in ["echo", "echo_blocking"] {
        let (server, url) = serve(name, &[]);
        let silent = TcpStream::connect(url.trim_start_matches("ws://")).unwrap();
        // The next connection is served, so the silent one was accepted before.
        let mut client = run("client", &[&url]);
        client.say("here\n");
        assert_eq!(client.line(), "here");
        drop(client);
        server.interrupt();
        let outcome = server.outcome();
        assert_eq!(outcome.status.code(), Some(0), "{}", outcome.stderr);
        assert!(!outcome.stderr.contains("did not answer"), "{}", outcome.stderr);
        drop(silent);
    }
}

/// A connection whose handshake ends after Ctrl-C is told goodbye as well.
#[cfg(unix)]
#[test]
fn an_interrupted_server_says_goodbye_to_latecomers() {
    let (server, url) = serve("echo_blocking", &[]);
    let connect = || TcpStream::connect(url.trim_start_matches("ws://")).unwrap();
    let request = b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    let read_goodbye = |stream: &mut TcpStream| {
        let goodbye = b"\x88\x12\x03\xe9the server stops";
        let mut answer = Vec::new();
        while !answer.ends_with(goodbye) {
            let mut byte = [0];
            stream.read_exact(&mut byte).expect("a close frame with 1001 comes last");
            answer.push(byte[0]);
        }
        assert!(answer.starts_with(b"HTTP/1.1 101 "));
    };
    // It does not answer the close frame, so the server waits.
    let mut early = connect();
    early.write_all(request).unwrap();
    let mut client = run("client", &[&url]);
    client.say("here\n");
    assert_eq!(client.line(), "here");
    server.interrupt();
    read_goodbye(&mut early);
    let mut late = connect();
    late.write_all(request).unwrap();
    read_goodbye(&mut late);
    drop((early, late));
    let outcome = server.outcome();
    assert_eq!(outcome.status.code(), Some(0), "{}", outcome.stderr);
    assert!(!outcome.stderr.contains("did not answer"), "{}", outcome.stderr);
}

#[test]
fn a_client_offers_what_it_is_told_to() {
    let (serving, url) = serve_once(|stream, head| {
        let headers = "Sec-WebSocket-Protocol: chat.v1\r\n";
        stream.write_all(&accepted(head, headers, b"\x81\x02hi\x88\x02\x03\xe8")).unwrap();
    });
    let outcome = run(
        "client",
        &[
            &url,
            "--protocol",
            "chat.v2",
            "--protocol",
            "chat.v1",
            "--header",
            "X-Token: 열쇠",
            "--header",
            "Cookie: a=b",
        ],
    )
    .outcome();
    let head = serving.join().unwrap();
    for line in ["Sec-WebSocket-Protocol: chat.v2, chat.v1", "X-Token: 열쇠", "Cookie: a=b"] {
        assert!(head.lines().any(|there| there == line), "{line} in {head}");
    }
    assert!(outcome.status.success(), "{}", outcome.stderr);
    assert_eq!(outcome.stdout, "hi\n");
    assert!(outcome.stderr.contains("chat.v1"), "{}", outcome.stderr);
    assert!(outcome.stderr.lines().all(is_progress), "{}", outcome.stderr);
}

#[test]
fn a_client_says_why_it_cannot_connect() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    fails_with(&run("client", &[&format!("ws://{nobody}/")]).outcome(), "refused");
    let say = |text: &'static str| move |stream: &mut TcpStream, _: &str| stream.write_all(text.as_bytes()).unwrap();
    fails(say("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"), "404");
    fails(
        say("HTTP/1.1 302 Found\r\nLocation: ws://elsewhere.example/chat\r\nContent-Length: 0\r\n\r\n"),
        "ws://elsewhere.example/chat",
    );
    fails(
        say("HTTP/1.1 101 Sure\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: bm8=\r\n\r\n"),
        "Sec-WebSocket-Accept",
    );
    fails(say(""), "handshake");
}

#[test]
fn a_client_says_why_it_cannot_speak_tls() {
    let roots = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("roots.pem");
    std::fs::write(&roots, rcgen::generate_simple_self_signed(["localhost".into()]).unwrap().cert.pem()).unwrap();
    let roots = roots.to_str().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("wss://{}/", listener.local_addr().unwrap());
    let serving = thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
        let _ = stream.read_to_end(&mut Vec::new());
    });
    fails_with(&run("client", &[&url, "--roots", roots]).outcome(), "expected TLS");
    serving.join().unwrap();
}

#[test]
fn a_client_says_why_a_connection_ended() {
    let frames = |frames: &'static [u8]| {
        move |stream: &mut TcpStream, head: &str| stream.write_all(&accepted(head, "", frames)).unwrap()
    };
    // A reserved bit, a masked frame, text that is not UTF-8, the end, and close frames with and without a reason.
    fails(frames(b"\xc1\x00"), "5.2");
    fails(frames(b"\x81\x80\0\0\0\0"), "5.1");
    fails(frames(b"\x81\x01\xff"), "UTF-8");
    fails(frames(b""), "without a closing handshake");
    fails(frames(b"\x88\x02\x03\xe9"), "1001");
    fails(frames(b"\x88\x05\x0f\xa0bye"), "4000");
}

/// A line that the client cannot send closes the connection with 1001, and the client says why, though stdin is open.
#[test]
fn a_client_says_why_it_cannot_send() {
    let (_server, url) = serve("echo", &[]);
    // More than the outbox may hold.
    let mut client = run("client", &[&url]);
    client.say(&"x".repeat(40 << 20));
    client.say("\n");
    fails_with(&client.outcome(), "cannot send a line of stdin");

    let mut client = run("client", &[&url]);
    client.stdin.as_mut().unwrap().write_all(b"\xff\n").unwrap();
    fails_with(&client.outcome(), "line 1 of stdin is not UTF-8");
}

/// An address that cannot be listened on is one sentence, and not the program's insides.
#[test]
fn a_server_says_why_it_cannot_listen() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for name in ["echo", "echo_blocking"] {
        let outcome = run(name, &[&address]).outcome();
        fails_with(&outcome, &format!("cannot listen on {address}: "));
        assert!(outcome.stderr.starts_with("cannot listen on "), "{}", outcome.stderr);
    }
}

#[test]
fn wrong_arguments_are_explained() {
    for (name, arguments) in [
        ("client", &[][..]),
        ("client", &["ws://127.0.0.1/", "--header", "nothing"]),
        ("client", &["ws://127.0.0.1/", "--protocol", "no token"]),
        ("client", &["ws://127.0.0.1/", "--what"]),
        ("client", &["wss://127.0.0.1/", "--roots", "/nowhere"]),
        ("echo", &["--max-message", "many"]),
        ("echo_blocking", &["one", "two"]),
    ] {
        let outcome = run(name, arguments).end();
        assert_eq!(outcome.status.code(), Some(2), "{name} {arguments:?}: {}", outcome.stderr);
        assert!(outcome.stderr.contains("usage: "), "{}", outcome.stderr);
        assert_eq!(outcome.stdout, "");
    }
    let help = run("echo", &["--help"]).end();
    assert!(help.status.success() && help.stdout.starts_with("usage: echo"));
}
