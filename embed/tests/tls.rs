//! The servers and clients that speak TLS, run as a user runs them.

#![cfg(unix)]

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use sockeye::{Client, CloseCode, Message, Roots, blocking};

const SERVERS: [&str; 2] = [env!("CARGO_BIN_EXE_tls"), env!("CARGO_BIN_EXE_tls_threads")];
const CLIENTS: [&str; 4] = [
    env!("CARGO_BIN_EXE_tokio_client"),
    env!("CARGO_BIN_EXE_threads_client"),
    env!("CARGO_BIN_EXE_smol_client"),
    env!("CARGO_BIN_EXE_hyper_client"),
];

/// A program that runs; it is ended when this is dropped.
struct Program {
    child: Child,
    stdout: BufReader<ChildStdout>,
}

impl Program {
    fn run(path: &str, arguments: &[&str], roots: Option<&str>) -> Self {
        let mut command = Command::new(path);
        command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
        if let Some(roots) = roots {
            command.env("SSL_CERT_FILE", roots).env_remove("SSL_CERT_DIR");
        }
        let mut child = command.spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Self { child, stdout }
    }

    /// The next line of stdout.
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line.trim_end().into()
    }

    fn interrupt(&self) {
        assert!(Command::new("kill").args(["-INT", &self.child.id().to_string()]).status().unwrap().success());
    }

    /// Waits for its end: how that came, and what it said on stderr.
    fn outcome(mut self) -> (ExitStatus, String) {
        let mut said = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        (self.child.wait().unwrap(), said)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A server, its URL, and the file that its certificate is in.
struct Server {
    program: Program,
    url: String,
    certificate: PathBuf,
}

impl Server {
    fn run(path: &str, test: &str, arguments: &[&str]) -> Self {
        let name = PathBuf::from(path).file_name().unwrap().to_string_lossy().into_owned();
        let certificate = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{test}-{name}.pem"));
        let file = certificate.to_str().unwrap();
        let mut program = Program::run(path, &[&["127.0.0.1:0", "--certificate", file], arguments].concat(), None);
        let line = program.line();
        let url = line.strip_prefix("listening on ").expect(&line).to_owned();
        assert!(url.starts_with("wss://127.0.0.1:") && !url.ends_with(":0"), "{url}");
        Self { program, url, certificate }
    }

    fn file(&self) -> &str {
        self.certificate.to_str().unwrap()
    }

    fn connect(&self) -> blocking::WebSocket<blocking::Stream> {
        let roots = Roots::pem(&std::fs::read(&self.certificate).unwrap()).unwrap();
        blocking::connect_with(&Client::new().roots(roots), &self.url).unwrap()
    }

    fn echoes(&self) {
        let mut connection = self.connect();
        for message in [Message::text("연어"), Message::binary(vec![7; 300_000])] {
            connection.send(message.clone()).unwrap();
            assert!(connection.receive().unwrap() == Some(message));
        }
        assert!(connection.close(None).unwrap().clean);
    }
}

/// An echo, a bad peer that ends alone with one line of log, and a goodbye.
#[test]
fn the_servers_serve() {
    for path in SERVERS {
        let server = Server::run(path, "serve", &["--max-message", "300000"]);
        server.echoes();
        let mut plain = TcpStream::connect(server.url.trim_start_matches("wss://")).unwrap();
        plain.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
        // The answer, if there is one, is a TLS alert.
        let mut answer = Vec::new();
        let _ = plain.read_to_end(&mut answer);
        assert!(answer.is_empty() || answer[0] == 21, "{answer:?}");
        server.echoes();
        let mut large = server.connect();
        large.send(Message::binary(vec![0; 300_001])).unwrap();
        while large.receive().unwrap().is_some() {}
        assert_eq!(large.ending().unwrap().received, Some(CloseCode::MESSAGE_TOO_BIG));
        // One that says nothing keeps nobody waiting.
        let silent = TcpStream::connect(server.url.trim_start_matches("wss://")).unwrap();
        let mut open = server.connect();
        server.program.interrupt();
        while open.receive().unwrap().is_some() {}
        assert_eq!(open.ending().unwrap().received, Some(CloseCode::GOING_AWAY));
        let file = server.file().to_owned();
        let (status, said) = server.program.outcome();
        assert_eq!(status.code(), Some(0), "{said}");
        assert!(said.contains(&file) && said.contains("--roots"), "the next step: {said}");
        let complaints: Vec<_> = said.lines().filter(|line| line.starts_with("connection from 127.0.0.1:")).collect();
        assert_eq!(complaints.len(), 2, "the plain one and the large one: {said}");
        assert!(!said.contains("did not answer"), "{said}");
        drop(silent);
    }
}

/// With the certificate given, and as one that the system trusts.
#[test]
fn the_clients_connect() {
    for (path, client) in SERVERS.into_iter().flat_map(|path| CLIENTS.map(|client| (path, client))) {
        let server = Server::run(path, "connect", &[]);
        for (arguments, roots) in [(&["--roots", server.file()][..], None), (&[], Some(server.file()))] {
            let mut client = Program::run(client, &[&[server.url.as_str()], arguments].concat(), roots);
            assert_eq!(client.line(), format!("connected to {}", server.url));
            client.interrupt();
            assert_eq!(client.line(), "closed: 1001 by this end");
            assert_eq!(client.outcome().0.code(), Some(0));
        }
    }
}

/// In one line, and with the exit code 1.
#[test]
fn the_clients_say_why_they_cannot_connect() {
    let server = Server::run(SERVERS[0], "refuse", &[]);
    let nothing = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("nothing.pem");
    std::fs::write(&nothing, "").unwrap();
    let missing = env!("CARGO_TARGET_TMPDIR").to_owned() + "/missing.pem";
    let other = Server::run(SERVERS[1], "refuse", &[]);
    let cases = [(nothing.to_str().unwrap(), "SSL_CERT_FILE"), (&missing, &missing), (other.file(), "Client::roots")];
    for client in CLIENTS {
        for (roots, expected) in cases {
            let (status, said) = Program::run(client, &[&server.url], Some(roots)).outcome();
            assert_eq!(status.code(), Some(1), "{said}");
            assert!(said.lines().count() == 1 && said.contains(expected), "{said}");
        }
    }
}

/// The certificates of the system are read beside the executor: it goes on while their file, here a pipe, says nothing.
#[test]
fn a_client_on_smol_reads_the_roots_of_the_system_elsewhere() {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("roots-{}", std::process::id()));
    assert!(Command::new("mkfifo").arg(&file).status().unwrap().success());
    let roots = file.to_str().unwrap();
    let client = Program::run(env!("CARGO_BIN_EXE_smol_client"), &["wss://localhost/"], Some(roots));
    // It opens once the client reads.
    let pipe = File::options().write(true).open(&file).unwrap();
    client.interrupt();
    let (ending, ended) = channel();
    let waiting = thread::spawn(move || ending.send(client.outcome().0.code()).unwrap());
    let code = ended.recv_timeout(Duration::from_secs(30));
    drop(pipe);
    waiting.join().unwrap();
    std::fs::remove_file(&file).unwrap();
    assert_eq!(code, Ok(Some(0)));
}
