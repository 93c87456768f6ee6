//! One end of a connection under attack, and what is done to it.

use std::fmt;

use sockeye::bytes::{Buf, Bytes};
use sockeye::deflate::{Direction, Options, Parameters};
use sockeye::handshake::{Acceptance, ClientHandshake, HandshakeError, Limits, Offer, Request, RequestReader, Url};
use sockeye::{CloseCode, Config, Connection, Entropy, Error, Inbox, Message, Outbox, Role};

/// What an attacker does.
pub enum Deed {
    /// It sends these bytes, so many in each read.
    Tell {
        /// The bytes.
        wire: Vec<u8>,
        /// The most that one read gives.
        read: usize,
    },
    /// It has the victim send this message so many times.
    Hear {
        /// The message.
        message: Bytes,
        /// How many times.
        times: usize,
    },
}

/// How the attack ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It has not: all that came was legal, or more is waited for.
    Open,
    /// With a close frame of the victim's.
    Close(CloseCode),
    /// With this HTTP status. A client, which has nobody to answer, drops the transport.
    Status(u16),
    /// Sending was refused, nothing was lost.
    OutboxFull,
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open => f.write_str("goes on"),
            Self::Close(code) => write!(f, "close {}", code.number()),
            Self::Status(status) => write!(f, "status {status}"),
            Self::OutboxFull => f.write_str("outbox full"),
        }
    }
}

/// What the attacker takes of the victim's bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Reads {
    /// All, at once.
    All,
    /// A byte for each that it sends, or for each message.
    Trickle,
    /// Nothing.
    Nothing,
}

/// How messages are received.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// [`Connection::receive`].
    Whole,
    /// [`Connection::receive_piece`].
    Pieces,
}

/// What a victim was told, and what its peer does.
#[derive(Clone, Copy)]
pub struct Manner {
    /// The limits of a handshake that is still to be made; `None` for an open connection.
    pub handshake: Option<Limits>,
    /// The limits of the connection: its messages' and frames' bytes.
    pub message: u64,
    /// The outbox's limit.
    pub outbox: usize,
    /// Compression, and whether it is with context takeover.
    pub deflate: Option<bool>,
    /// How messages are received.
    pub door: Door,
    /// What the attacker takes.
    pub reads: Reads,
}

/// One end under attack.
pub struct Victim {
    manner: Manner,
    stage: Stage,
    inbox: Inbox,
    outbox: Outbox,
    end: End,
}

enum Stage {
    Request(RequestReader),
    Response(Box<ClientHandshake>),
    Open(Box<Connection>),
    /// The handshake is over, one way or the other.
    Over,
}

impl Victim {
    /// A victim in this role.
    pub fn new(role: Role, manner: Manner) -> Self {
        let stage = match (manner.handshake, role) {
            (Some(limits), Role::Server) => Stage::Request(RequestReader::new(limits)),
            (Some(limits), Role::Client) => Stage::Response(Box::new(client_handshake(limits))),
            (None, role) => Stage::Open(Box::new(connection(role, &manner))),
        };
        let outbox = Outbox::with_limit(manner.outbox);
        Self { manner, stage, inbox: Inbox::new(), outbox, end: End::Open }
    }

    /// Suffers all of it, and says how it ended. What comes after the end is read and discarded, as it is while a peer
    /// is given the time to read the close frame.
    pub fn suffer(&mut self, deed: &Deed) -> End {
        match deed {
            Deed::Tell { wire, read } => {
                for bytes in wire.chunks(*read) {
                    let space = self.inbox.space(*read);
                    space[..bytes.len()].copy_from_slice(bytes);
                    self.inbox.filled(bytes.len());
                    self.receive();
                    self.write();
                }
            }
            Deed::Hear { message, times } => {
                let message = Message::binary(message.clone());
                for _ in 0..*times {
                    self.send(&message);
                    self.write();
                }
            }
        }
        self.end
    }

    fn receive(&mut self) {
        match &mut self.stage {
            Stage::Request(reader) => {
                match reader.read(self.inbox.unread()).and_then(|read| answer(read, &self.manner)) {
                    Ok(false) => {}
                    Ok(true) => self.conclude(End::Status(101)),
                    Err(error) => self.conclude(End::Status(error.status())),
                }
            }
            Stage::Response(handshake) => match handshake.read(self.inbox.unread()) {
                Ok(None) => {}
                Ok(Some(_)) => self.conclude(End::Status(101)),
                Err(error) => self.conclude(End::Status(error.status())),
            },
            Stage::Open(connection) => {
                let (inbox, outbox) = (&mut self.inbox, &mut self.outbox);
                match self.manner.door {
                    Door::Whole => while let Ok(Some(_)) = connection.receive(inbox, outbox) {},
                    Door::Pieces => while let Ok(Some(_)) = connection.receive_piece(inbox, outbox) {},
                }
                if let Some(code) = connection.ending().and_then(|ending| ending.sent) {
                    self.end = End::Close(code);
                }
            }
            Stage::Over => self.inbox.consume(usize::MAX),
        }
    }

    fn conclude(&mut self, end: End) {
        self.end = end;
        self.stage = Stage::Over;
    }

    fn send(&mut self, message: &Message) {
        let Stage::Open(connection) = &mut self.stage else { return };
        match connection.send(message, &mut self.outbox) {
            Ok(()) => {}
            Err(Error::OutboxFull(_)) => self.end = End::OutboxFull,
            Err(error) => panic!("expected to send or to be refused, got: {error}"),
        }
    }

    fn write(&mut self) {
        match self.manner.reads {
            Reads::All => self.outbox.advance(self.outbox.len()),
            Reads::Trickle => self.outbox.advance(self.outbox.len().min(1)),
            Reads::Nothing => {}
        }
    }
}

/// Answers a request as a server does that has compression. Whether there was one.
fn answer(read: Option<(Request, usize)>, manner: &Manner) -> Result<bool, HandshakeError> {
    let Some((request, _)) = read else { return Ok(false) };
    let mut acceptance = Acceptance::new();
    if let Some(subprotocol) = request.choose_subprotocol(&["chat.v2", "chat.v1"]) {
        acceptance = acceptance.with_subprotocol(subprotocol)?;
    }
    if manner.deflate.is_some()
        && let Some((extension, _)) = Options::new().answer(&request.extensions()?)
    {
        acceptance = acceptance.with_extension(extension)?;
    }
    let (response, _) = request.accept(&acceptance)?;
    Ok(!response.write().is_empty())
}

fn client_handshake(limits: Limits) -> ClientHandshake {
    let url = Url::parse("ws://example.com/chat").expect("a good URL");
    let mut offer = Offer::new().with_limits(limits);
    for extension in Options::new().offers() {
        offer = offer.with_extension(extension).expect("a good extension");
    }
    offer.begin(&url, *b"the sample nonce").1
}

fn connection(role: Role, manner: &Manner) -> Connection {
    let config = Config::default().message_limit(manner.message).frame_limit(manner.message);
    let connection = match role {
        Role::Server => Connection::server(&config),
        Role::Client => Connection::client_with_entropy(&config, Box::new(Zeros)),
    };
    match manner.deflate {
        None => connection,
        Some(context_takeover) => {
            let direction = Direction::new(15, context_takeover);
            connection.with_deflate(Parameters { local: direction, remote: direction }, &Options::new())
        }
    }
}

/// Masking keys that cost nothing, so that they count for nothing.
struct Zeros;

impl Entropy for Zeros {
    fn fill(&mut self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}
