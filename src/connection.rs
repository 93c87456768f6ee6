//! The protocol's state: receiving, sending, closing.

mod closing;
#[cfg(feature = "deflate")]
mod compression;
mod config;
mod event;
mod masks;
mod receive;
mod send;
#[cfg(not(feature = "deflate"))]
mod uncompressed;

use alloc::boxed::Box;
use core::fmt;

pub use closing::{Duty, Ending, Side};
pub use config::Config;
pub use event::{Event, Payload, Piece, TextPayload};

#[cfg(feature = "deflate")]
use crate::deflate::{Deflate, Options, Parameters};
use crate::entropy::Entropy;
use crate::opcode::Opcode;
use crate::role::Role;
use closing::{End, State};
#[cfg(feature = "deflate")]
use compression::Compression;
use masks::Masks;
use receive::Receiving;
#[cfg(not(feature = "deflate"))]
use uncompressed::Compression;

/// One end of a WebSocket connection after its opening handshake: the protocol's state and nothing else. No
/// buffer, no socket, no clock.
///
/// Its methods are of four kinds:
///
/// * **input**, what the peer did: [`receive`](Self::receive), [`receive_piece`](Self::receive_piece),
///   [`receive_eof`](Self::receive_eof);
/// * **action**, what the caller wants: [`send_text`](Self::send_text), [`send_binary`](Self::send_binary),
///   [`send`](Self::send), their fragments, [`broadcast`](Self::broadcast), [`ping`](Self::ping),
///   [`pong`](Self::pong), [`close`](Self::close);
/// * **output**: whatever an input or an action has the peer hear is appended to the [`Outbox`](crate::Outbox)
///   that it was given;
/// * **question**: [`is_open`](Self::is_open), [`duty`](Self::duty), [`ending`](Self::ending),
///   [`role`](Self::role), [`is_receiving`](Self::is_receiving).
///
/// Any call may be the last one, and any split of the input gives the same events and the same output.
///
/// ```
/// use sockeye::{Config, Connection, Event, Inbox, Outbox};
/// # use sockeye::bytes::Buf;
///
/// // Both ends in memory.
/// let mut client = Connection::client(&Config::default());
/// let mut server = Connection::server(&Config::default());
/// let (mut wire, mut inbox) = (Outbox::new(), Inbox::new());
///
/// client.send_text("물고기", &mut wire)?;
/// while wire.has_remaining() {
///     inbox.extend(wire.chunk()); // what a socket would do
///     wire.advance(wire.chunk().len());
/// }
/// let mut answer = Outbox::new();
/// match server.receive(&mut inbox, &mut answer)? {
///     Some(Event::Text(text)) => assert_eq!(&*text, "물고기"),
///     other => panic!("expected the text, got {other:?}"),
/// }
/// # Ok::<(), sockeye::Error>(())
/// ```
pub struct Connection {
    config: Config,
    role: Role,
    state: State,
    /// Whether the transport has ended.
    eof: bool,
    /// The opcode of the message that is being sent in fragments.
    sending: Option<Opcode>,
    receiving: Receiving,
    /// What a server has at its end alone: apart, as most connections are far from it.
    aside: Option<Box<Aside>>,
    compression: Compression,
}

/// What is not in every connection.
#[derive(Default)]
struct Aside {
    /// Where masking keys come from; none for a server.
    masks: Option<Masks>,
    /// What is to be known of the end.
    end: End,
}

impl Connection {
    /// A server's end of a connection whose opening handshake is done.
    pub fn server(config: &Config) -> Self {
        Self::new(Role::Server, config, None)
    }

    /// A client's end of a connection whose opening handshake is done, with masking keys from
    /// [`SystemEntropy`](crate::SystemEntropy).
    ///
    /// # Panics
    /// Where the operating system gives no random bytes.
    #[cfg(feature = "std")]
    pub fn client(config: &Config) -> Self {
        Self::client_with_entropy(config, Box::new(crate::entropy::SystemEntropy::new()))
    }

    /// A client's end of a connection, with masking keys from a source of the caller's (RFC 6455 section 5.3).
    pub fn client_with_entropy(config: &Config, entropy: Box<dyn Entropy>) -> Self {
        let aside = Aside { masks: Some(Masks::new(entropy)), end: End::default() };
        Self::new(Role::Client, config, Some(Box::new(aside)))
    }

    /// The same connection with permessage-deflate, as it was negotiated in the opening handshake
    /// ([RFC 7692](https://www.rfc-editor.org/rfc/rfc7692)). To be called before the first message.
    #[cfg(feature = "deflate")]
    #[must_use]
    pub fn with_deflate(mut self, parameters: Parameters, options: &Options) -> Self {
        self.compression = Compression::new(Deflate::new(parameters, options));
        self
    }

    fn new(role: Role, config: &Config, aside: Option<Box<Aside>>) -> Self {
        Self {
            config: *config,
            role,
            state: State::Open,
            eof: false,
            sending: None,
            receiving: Receiving::default(),
            aside,
            compression: Compression::default(),
        }
    }

    /// Which end this is.
    pub const fn role(&self) -> Role {
        self.role
    }

    /// Question: what was agreed on for compression; `None` where nothing was.
    #[cfg(feature = "deflate")]
    pub fn deflate(&self) -> Option<Parameters> {
        self.compression.deflate().map(Deflate::parameters)
    }

    /// Question: whether messages may be compressed (RFC 7692).
    pub fn is_compressed(&self) -> bool {
        self.compression.is_negotiated()
    }

    /// Action: gives the memory of compression back, for a connection on which nothing has happened for a while.
    /// What the peer may still refer to stays; see [`deflate`](crate::deflate#memory). Without compression there is
    /// nothing to give back.
    pub fn release_idle(&mut self) {
        self.compression.release_idle();
    }

    /// Question: whether a message, or a control frame, was begun whose rest has not been taken. What waits in the inbox
    /// is not counted: after [`receive`](Self::receive) has returned `None`, it is the beginning of a frame.
    #[inline]
    pub const fn is_receiving(&self) -> bool {
        self.receiving.is_under_way()
    }

    /// Whether messages can be sent: neither end has sent a close frame, and nothing has failed (RFC 6455
    /// section 6.1).
    pub const fn is_open(&self) -> bool {
        matches!(self.state, State::Open)
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("role", &self.role)
            .field("state", &self.state)
            .field("failure", &self.failure())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
