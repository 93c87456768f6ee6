//! A program and the way to it, whichever role it plays.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::program::{Outcome, Program, Role, Running};
use crate::tls;
use crate::wire::{BINARY, CLOSE, Ear, FIN, Mouth, PING, PONG, TEXT, close_body, frame, request, response};

/// A program that runs, and where its peers meet it.
pub(crate) struct Stage {
    pub(crate) role: Role,
    pub(crate) running: Running,
    /// Where a server listens, or where a client was told to connect.
    address: SocketAddr,
    /// Where a client connects.
    listener: Option<TcpListener>,
    /// `ws` or `wss`.
    scheme: &'static str,
    /// The certificate that a server with TLS has made, in PEM.
    certificate: Vec<u8>,
}

/// The other end of one connection.
pub(crate) struct Guest {
    pub(crate) ear: Ear,
    pub(crate) mouth: Mouth,
    /// The socket below.
    pub(crate) socket: TcpStream,
}

impl Stage {
    /// Starts a program.
    pub(crate) fn new(program: Program) -> Self {
        Self::with(program, &[])
    }

    /// Starts a program with these arguments more.
    pub(crate) fn with(program: Program, arguments: &[&str]) -> Self {
        let Program { role, tls, .. } = program;
        let scheme = if tls { "wss" } else { "ws" };
        match role {
            Role::Server => {
                let file = certificate_file();
                let named: &[&str] = if tls { &["--certificate", &file] } else { &[] };
                let mut running = program.start(&[&["127.0.0.1:0"], arguments, named].concat());
                let line = running.line();
                let address =
                    line.strip_prefix(&format!("listening on {scheme}://")).and_then(|rest| rest.parse().ok());
                let address =
                    address.unwrap_or_else(|| panic!("expected `listening on {scheme}://ADDR`, got `{line}`"));
                let certificate = if tls { fs::read(&file).expect("the certificate") } else { Vec::new() };
                let _ = fs::remove_file(file);
                Self { role, running, address, listener: None, scheme, certificate }
            }
            Role::Client => {
                let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
                let address = listener.local_addr().expect("an address");
                let roots: &[&str] = if tls { &["--roots", tls::certificate()] } else { &[] };
                let url = format!("{scheme}://{address}");
                let running = program.start(&[&[&*url], arguments, roots].concat());
                Self { role, running, address, listener: Some(listener), scheme, certificate: Vec::new() }
            }
        }
    }

    /// The other end of a new connection, before the handshake.
    pub(crate) fn meet(&self) -> Guest {
        let socket = match &self.listener {
            None => TcpStream::connect(self.address).expect("the program listens"),
            Some(listener) => listener.accept().expect("the program connects").0,
        };
        socket.set_nodelay(true).expect("a socket");
        socket.set_read_timeout(Some(PATIENCE)).expect("a socket");
        let half = || socket.try_clone().expect("a second handle");
        let masks = self.role == Role::Server;
        if self.scheme == "ws" {
            return Guest { ear: Ear { stream: Box::new(half()) }, mouth: Mouth::new(half(), masks), socket };
        }
        let (read, write) = match self.role {
            Role::Server => tls::connect(half(), &self.certificate),
            Role::Client => tls::accept(half()),
        };
        Guest { ear: Ear { stream: Box::new(read) }, mouth: Mouth::new(write, masks), socket }
    }

    /// Shakes hands, with these headers more on the guest's side, and says `more` in the same breath. Returns the head
    /// that the program sent.
    #[track_caller]
    pub(crate) fn shake(&mut self, guest: &mut Guest, headers: &str, more: &[u8]) -> String {
        match self.role {
            Role::Server => {
                let request = good_request(headers);
                guest.mouth.say(&[request.as_bytes(), more].concat());
                let head = guest.ear.head();
                accepts(&head, &request);
                head
            }
            Role::Client => {
                let head = guest.ear.head();
                guest.mouth.say(&[response(&head, headers).as_bytes(), more].concat());
                self.connected();
                head
            }
        }
    }

    /// A client says that it is connected, once.
    #[track_caller]
    pub(crate) fn connected(&mut self) {
        assert_eq!(self.running.line(), format!("connected to {}://{}", self.scheme, self.address));
    }

    /// A new connection.
    #[track_caller]
    pub(crate) fn open(&mut self) -> Guest {
        let mut guest = self.meet();
        self.shake(&mut guest, "", b"");
        guest
    }

    /// The guest closes with 1000 and the program ends with 0, after it has served another guest where it is a server.
    #[track_caller]
    pub(crate) fn finish(mut self, mut guest: Guest) {
        guest.mouth.tell(CLOSE, &close_body(1000, ""));
        guest.bows(1000);
        self.serves_another();
        let outcome = self.stopped();
        if outcome.1 == Role::Client {
            assert_eq!(outcome.0.stdout, "closed: 1000 by the peer\n");
        }
        assert_eq!(outcome.0.code, Some(0), "{outcome:?}");
    }

    /// A server goes on serving: another guest is echoed.
    #[track_caller]
    pub(crate) fn serves_another(&mut self) {
        if self.role == Role::Server {
            let mut guest = self.open();
            guest.echoes(TEXT, "another".as_bytes());
            guest.mouth.tell(CLOSE, &close_body(1000, ""));
            guest.bows(1000);
        }
    }

    /// What came of a program whose connections have ended: a server is interrupted, a client has ended by itself.
    #[track_caller]
    pub(crate) fn stopped(self) -> (Outcome, Role) {
        if self.role == Role::Server {
            self.running.interrupt();
        }
        (self.running.outcome(), self.role)
    }

    /// The program was interrupted: it ends with 0 and has nothing to complain of.
    #[track_caller]
    pub(crate) fn stops_well(self) -> Outcome {
        let outcome = self.running.outcome();
        assert_eq!(outcome.code, Some(0), "{outcome:?}");
        assert!(!outcome.stderr.lines().any(|line| line.starts_with("connection ")), "{}", outcome.stderr);
        outcome
    }

    /// A connection has failed. A client complained about it in the last line and ended with 1; a server complained in one
    /// line, and served another guest.
    #[track_caller]
    pub(crate) fn complains(mut self) -> String {
        self.serves_another();
        let (Outcome { code, stdout, stderr }, role) = self.stopped();
        match role {
            Role::Server => {
                assert_eq!(code, Some(0), "{stderr}");
                let complaints: Vec<_> = stderr.lines().filter(|line| line.starts_with("connection ")).collect();
                assert_eq!(complaints.len(), 1, "expected one line about the connection: {stderr}");
                complaints[0].into()
            }
            Role::Client => {
                assert_eq!((code, &*stdout), (Some(1), ""), "{stderr}");
                let complaint = stderr.lines().last().expect("expected a complaint");
                assert!(stderr.lines().count() <= 2, "expected one line about what went wrong: {stderr}");
                complaint.into()
            }
        }
    }
}

impl Guest {
    /// Says a message and hears its echo.
    #[track_caller]
    pub(crate) fn echoes(&mut self, opcode: u8, payload: &[u8]) {
        self.mouth.tell(opcode, payload);
        self.hears_message(opcode, payload);
    }

    /// The next message is this one, in whatever fragments.
    #[track_caller]
    pub(crate) fn hears_message(&mut self, opcode: u8, payload: &[u8]) {
        let (heard, message) = message_of(&mut self.ear);
        assert_eq!(heard, opcode);
        assert!(
            message == payload,
            "expected {} bytes {:.40?}, got {} bytes {:.40?}",
            payload.len(),
            payload,
            message.len(),
            message
        );
    }

    /// Says a ping and hears its pong: all that was said before has been read.
    #[track_caller]
    pub(crate) fn pings(&mut self, payload: &[u8]) {
        self.mouth.tell(PING, payload);
        self.ear.hears(PONG, payload);
    }

    /// Hears a close frame with this code, and no message before it.
    #[track_caller]
    pub(crate) fn hears_close(&mut self, code: u16) {
        let frame = self.ear.frame();
        assert_eq!(frame.first, FIN | CLOSE, "expected a close frame");
        let heard = frame.payload.get(..2).map(|code| u16::from_be_bytes([code[0], code[1]]));
        assert_eq!(heard, Some(code), "the code of the close frame");
    }

    /// Hears a close frame with this code, ends, and hears the end.
    #[track_caller]
    pub(crate) fn bows(mut self, code: u16) {
        self.hears_close(code);
        self.ends();
    }

    /// Ends, and hears nothing but an orderly end.
    #[track_caller]
    pub(crate) fn ends(mut self) {
        self.mouth.end();
        assert_eq!(self.ear.orderly_rest(), b"", "expected the end");
    }

    /// Says `last` and resets the connection: a socket that is closed before its bytes are read tells the other end so.
    #[track_caller]
    pub(crate) fn resets(mut self, last: &[u8]) {
        self.mouth.tell(PING, b"never read");
        self.socket.peek(&mut [0]).expect("the pong");
        self.mouth.say(last);
    }

    /// A frame as this end says it.
    pub(crate) fn frame(&self, first: u8, payload: &[u8]) -> Vec<u8> {
        frame(first, payload, self.mouth.masks())
    }
}

/// A file of its own for each certificate.
fn certificate_file() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let (process, number) = (std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    format!("{}/contract-{process}-{number}.pem", env!("CARGO_TARGET_TMPDIR"))
}

/// The next message, joined from its fragments; no control frame may be among them.
#[track_caller]
pub(crate) fn message_of(ear: &mut Ear) -> (u8, Vec<u8>) {
    let mut frame = ear.frame();
    let opcode = frame.first & 0x7f;
    assert!([TEXT, BINARY].contains(&opcode), "expected the start of a message, got {:#04x}", frame.first);
    let mut message = frame.payload;
    while frame.first & FIN == 0 {
        frame = ear.frame();
        assert_eq!(frame.first & 0x7f, 0, "expected a continuation, got {:#04x}", frame.first);
        message.extend(&frame.payload);
    }
    (opcode, message)
}

/// A good request, with these headers more.
pub(crate) fn good_request(headers: &str) -> String {
    request(headers).replacen("/here?x=1", "/", 1)
}

/// The head accepts the request.
#[track_caller]
pub(crate) fn accepts(head: &str, request: &str) {
    let field = |name: &str| {
        let fields = head.lines().filter_map(|line| line.split_once(':'));
        let values: Vec<_> =
            fields.filter(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).collect();
        assert!(values.len() < 2, "{name} comes twice: {head}");
        values.first().map(|value| String::from(*value))
    };
    let good = response(request, "");
    let accept = good.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Accept: "));
    assert!(head.starts_with("HTTP/1.1 101 "), "expected an acceptance, got {head}");
    assert_eq!(field("Upgrade").map(|value| value.to_lowercase()).as_deref(), Some("websocket"), "{head}");
    assert_eq!(field("Connection").map(|value| value.to_lowercase()).as_deref(), Some("upgrade"), "{head}");
    assert_eq!(field("Sec-WebSocket-Accept").as_deref(), accept, "{head}");
}

/// How long a test waits for what has to come, before it fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
