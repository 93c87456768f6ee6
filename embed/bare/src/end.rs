//! One end of a connection over two pipes: the loop of sockeye's documentation, as a client, and as a server that echoes.

use alloc::boxed::Box;
use alloc::collections::VecDeque;

use sockeye::bytes::{Buf, Bytes};
use sockeye::deflate::Options;
use sockeye::handshake::{Acceptance, ClientHandshake, Offer, OriginPolicy, RequestReader, Url};
use sockeye::{Config, Connection, Duty, Entropy, Event, Inbox, Message, Outbox};

use crate::Failure;
use crate::pipe::{PIECE, Pipe};

/// A client, or a server that echoes.
pub(crate) struct End {
    state: State,
    /// What the opening handshake has to say and has not written yet.
    head: Bytes,
    inbox: Inbox,
    pub(crate) outbox: Outbox,
    /// What a client has heard.
    pub(crate) heard: VecDeque<Message>,
}

enum State {
    /// A client that waits for the response, with the compression that it offered.
    Asking(ClientHandshake, Option<Options>),
    /// A server that waits for the request, with the compression that it would accept.
    Asked(RequestReader, Option<Options>),
    Connected(Connection),
}

impl End {
    /// A client that begins the opening handshake.
    pub(crate) fn client(compression: Option<Options>) -> Result<Self, Failure> {
        let mut offer = Offer::new();
        for extension in compression.iter().flat_map(Options::offers) {
            offer = offer.with_extension(extension)?;
        }
        let mut nonce = [0; 16];
        Counter(3).fill(&mut nonce);
        let (request, handshake) = offer.begin(&Url::parse("ws://localhost/echo")?, nonce);
        Ok(Self::new(State::Asking(handshake, compression), request.write().into()))
    }

    /// A server that waits for a client.
    pub(crate) fn server(compression: Option<Options>) -> Self {
        Self::new(State::Asked(RequestReader::default(), compression), Bytes::new())
    }

    fn new(state: State, head: Bytes) -> Self {
        Self { state, head, inbox: Inbox::new(), outbox: Outbox::new(), heard: VecDeque::new() }
    }

    /// The connection, once the opening handshake is done.
    pub(crate) fn connection(&mut self) -> Option<(&mut Connection, &mut Outbox)> {
        match &mut self.state {
            State::Connected(connection) => Some((connection, &mut self.outbox)),
            State::Asking(..) | State::Asked(..) => None,
        }
    }

    /// Goes as far as the pipes allow: writes, reads, and looks at what has come.
    pub(crate) fn turn(&mut self, from: &mut Pipe, to: &mut Pipe) -> Result<(), Failure> {
        let written = to.write(&self.head);
        self.head.advance(written);
        if self.head.is_empty() {
            let written = to.write(self.outbox.chunk());
            self.outbox.advance(written);
        }
        if !from.is_empty() {
            let count = from.read(self.inbox.space(PIECE));
            self.inbox.filled(count);
        }
        if !matches!(self.state, State::Connected(_)) {
            return self.open();
        }
        self.events()?;
        // Memory is scarce: what is idle has none.
        if self.inbox.is_empty() {
            self.inbox.release();
        }
        self.outbox.release();
        let State::Connected(connection) = &mut self.state else { return Ok(()) };
        if connection.duty() == Duty::ShutDown && self.outbox.is_empty() {
            to.shut_down();
        }
        if from.is_at_end() {
            connection.receive_eof();
            to.shut_down();
        }
        Ok(())
    }

    /// The opening handshake.
    fn open(&mut self) -> Result<(), Failure> {
        let (length, connection) = match &mut self.state {
            State::Asking(handshake, compression) => {
                let Some(established) = handshake.read(self.inbox.unread())? else { return Ok(()) };
                let mut connection = Connection::client_with_entropy(&Config::default(), Box::new(Counter(1)));
                if let Some(options) = compression
                    && let Some(parameters) = options.verify(&established.agreement.extensions)?
                {
                    connection = connection.with_deflate(parameters, options);
                }
                (established.length, connection)
            }
            State::Asked(reader, compression) => {
                let Some((request, length)) = reader.read(self.inbox.unread())? else { return Ok(()) };
                OriginPolicy::SameOrigin.check(&request)?;
                let (mut acceptance, mut connection) = (Acceptance::new(), Connection::server(&Config::default()));
                if let Some(options) = compression
                    && let Some((extension, parameters)) = options.answer(&request.extensions()?)
                {
                    acceptance = acceptance.with_extension(extension)?;
                    connection = connection.with_deflate(parameters, options);
                }
                self.head = request.accept(&acceptance)?.0.write().into();
                (length, connection)
            }
            State::Connected(_) => return Ok(()),
        };
        self.inbox.consume(length);
        self.state = State::Connected(connection);
        Ok(())
    }

    fn events(&mut self) -> Result<(), Failure> {
        let State::Connected(connection) = &mut self.state else { return Ok(()) };
        let client = connection.role().masks();
        while let Some(event) = connection.receive(&mut self.inbox, &mut self.outbox)? {
            match event {
                event if client => self.heard.push_back(event.into_message()),
                Event::Text(text) => connection.send_text(&text, &mut self.outbox)?,
                Event::Binary(data) => connection.send_binary(&data, &mut self.outbox)?,
                Event::Ping(_) | Event::Pong(_) | Event::Close(_) => {} // answered already
            }
        }
        Ok(())
    }
}

/// Predictable, and so good enough for both ends in one memory and for nothing else.
struct Counter(u8);

impl Entropy for Counter {
    fn fill(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            self.0 = self.0.wrapping_mul(5).wrapping_add(1);
            *byte = self.0;
        }
    }
}
