//! A WebSocket engine that does no I/O of its own: [RFC 6455](https://www.rfc-editor.org/rfc/rfc6455) and
//! [RFC 7692](https://www.rfc-editor.org/rfc/rfc7692), for clients and servers.
//!
//! ```text
//!    bytes from the peer ──▶ Inbox ──┐                  ┌──▶ Event   text, binary, ping, pong, close
//!                                    ├──▶ Connection ───┤
//!    your messages ──────────────────┘                  └──▶ Outbox ──▶ bytes to the peer
//! ```
//!
//! * [`Connection`] is the protocol's state and nothing else: no buffer, no socket, no clock.
//! * [`Inbox`] holds bytes that have arrived. You read from your transport straight into it.
//! * [`Outbox`] holds bytes that are to leave. It is a [`bytes::Buf`], so any transport can drain it.
//! * [`Event`] is what happened. It borrows from the inbox alone, so you can send while you hold one.
//!
//! Who wants messages over a socket and no more than that takes an adapter: [`tokio`], [`futures`] or [`blocking`].
//!
//! # Both ends in memory
//!
//! ```
//! use sockeye::bytes::Buf;
//! use sockeye::{Config, Connection, Event, Inbox, Outbox};
//!
//! /// What a network does.
//! fn carry(outbox: &mut Outbox, inbox: &mut Inbox) {
//!     while outbox.has_remaining() {
//!         let chunk = outbox.chunk();
//!         inbox.extend(chunk);
//!         outbox.advance(chunk.len());
//!     }
//! }
//!
//! let mut client = Connection::client(&Config::default());
//! let mut server = Connection::server(&Config::default());
//! let (mut up, mut down) = (Outbox::new(), Outbox::new());
//! let (mut arrived, mut returned) = (Inbox::new(), Inbox::new());
//!
//! client.send_text("연어", &mut up)?;
//! carry(&mut up, &mut arrived);
//! let Some(Event::Text(text)) = server.receive(&mut arrived, &mut down)? else { panic!("expected the text") };
//! server.send_text(&text, &mut down)?;
//! carry(&mut down, &mut returned);
//! let Some(Event::Text(text)) = client.receive(&mut returned, &mut up)? else { panic!("expected its echo") };
//! assert_eq!(&*text, "연어");
//! # Ok::<(), sockeye::Error>(())
//! ```
//!
//! # The loop
//!
//! Whatever the transport is, whoever drives a connection does these five things:
//!
//! 1. **Handshake.** A [`RequestReader`](handshake::RequestReader) reads the request and
//!    [`Request::accept`](handshake::Request::accept) answers it; a client has
//!    [`Offer::begin`](handshake::Offer::begin). What came behind the head stays in the inbox.
//! 2. **Events.** [`receive`](Connection::receive) until it returns `None`, and send what you like in between. What
//!    the protocol itself has to say, pongs and close frames, is put into the outbox by `receive`.
//! 3. **Write** the outbox, after an error too: the close frame that tells the peer why is in it.
//! 4. **Ask** for the [`duty`](Connection::duty): go on, shut the writing half down, or drop the transport.
//! 5. **Read** into the inbox, and say so when the transport has ended.
//!
//! ```
//! use std::io::{self, Read, Write};
//!
//! use sockeye::bytes::Buf;
//! use sockeye::handshake::{Acceptance, OriginPolicy, RequestReader};
//! use sockeye::{Config, Connection, Duty, Error, Event, Inbox, Outbox};
//!
//! fn serve(stream: &mut (impl Read + Write)) -> Result<(), Box<dyn std::error::Error>> {
//!     let (mut inbox, mut outbox) = (Inbox::new(), Outbox::new());
//!
//!     // 1. Handshake.
//!     let mut reader = RequestReader::default();
//!     let (request, length) = loop {
//!         if read(stream, &mut inbox)? == 0 {
//!             return Ok(());
//!         }
//!         if let Some(found) = reader.read(inbox.unread())? {
//!             break found;
//!         }
//!     };
//!     inbox.consume(length);
//!     OriginPolicy::SameOrigin.check(&request)?; // an error knows its `response`, such as 403
//!     let (response, _) = request.accept(&Acceptance::new())?;
//!     stream.write_all(&response.write())?;
//!
//!     let mut connection = Connection::server(&Config::default());
//!     loop {
//!         // 2. Events.
//!         let echoed = echo(&mut connection, &mut inbox, &mut outbox);
//!         // 3. Write.
//!         while outbox.has_remaining() {
//!             let written = stream.write(outbox.chunk())?;
//!             outbox.advance(written);
//!         }
//!         // 4. Ask.
//!         if connection.duty() != Duty::Carry {
//!             return Ok(echoed?); // with a socket: shut down, and read until the peer has ended too
//!         }
//!         // 5. Read.
//!         if read(stream, &mut inbox)? == 0 {
//!             connection.receive_eof();
//!         }
//!     }
//! }
//!
//! fn echo(connection: &mut Connection, inbox: &mut Inbox, outbox: &mut Outbox) -> Result<(), Error> {
//!     while let Some(event) = connection.receive(inbox, outbox)? {
//!         match event {
//!             Event::Text(text) => connection.send_text(&text, outbox)?,
//!             Event::Binary(data) => connection.send_binary(&data, outbox)?,
//!             Event::Ping(_) | Event::Pong(_) => {} // the pong is in the outbox already
//!             Event::Close(_) => {}                 // and so is the answer to the close
//!         }
//!     }
//!     Ok(())
//! }
//!
//! fn read(stream: &mut impl Read, inbox: &mut Inbox) -> io::Result<usize> {
//!     let count = stream.read(inbox.space(4096))?;
//!     inbox.filled(count);
//!     Ok(count)
//! }
//! # struct Wire(&'static [u8], Vec<u8>);
//! # impl Read for Wire {
//! #     fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
//! #         self.0.read(space)
//! #     }
//! # }
//! # impl Write for Wire {
//! #     fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
//! #         self.1.write(bytes)
//! #     }
//! #     fn flush(&mut self) -> io::Result<()> {
//! #         Ok(())
//! #     }
//! # }
//! # // RFC 6455 section 5.7: a single-frame masked text message. After it, a close frame with 1000.
//! # let mut wire = Wire(
//! #     b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
//! #     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n\
//! #     \x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58\x88\x82\0\0\0\0\x03\xe8",
//! #     Vec::new(),
//! # );
//! # serve(&mut wire)?;
//! # assert!(wire.1.starts_with(b"HTTP/1.1 101 Switching Protocols\r\n"));
//! # assert!(wire.1.ends_with(b"\r\n\r\n\x81\x05Hello\x88\x02\x03\xe8"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Closing
//!
//! The end of a connection is an event and not an error: [`Event::Close`] is the peer's close frame, already answered.
//! [`Connection::close`] begins on this side. [`Connection::ending`] says in the end who began, which codes went over
//! the wire, and whether it was clean.
//!
//! An [`Error::Protocol`] or [`Error::Limit`] is final: the close frame that says why is in the outbox, every later
//! call returns the same error, and what the peer sends is discarded. [`Error::Misuse`] and [`Error::OutboxFull`] are
//! between you and this crate, and leave the connection as it was.
//!
//! # TLS
//!
//! The engine knows nothing of TLS, as it knows nothing of sockets: any stream of a TLS library will do for an adapter, by
//! `connect_over` and `accept_with`. With the features `rustls` (for [`blocking`]), `tokio-rustls` (for [`tokio`]) and
//! `futures-rustls` (for [`futures`]) `connect` takes `wss://` too, by [rustls](https://docs.rs/rustls) with
//! [ring](https://docs.rs/ring). It trusts whom the system trusts, or whom you name: [`Client::roots`]. The deadline of the
//! handshake bounds TCP, TLS and HTTP together, and [`TlsError`] says what is wrong with a certificate and what to do about it.
//! A TLS connection that ends without its own end (`close_notify`) has not ended but failed, unless the WebSocket connection was
//! over before.
//!
//! A server on tokio or smol accepts over the stream of a `TlsAcceptor`, of the crate `tokio-rustls` or `futures-rustls`:
//! `embed/src/bin/tls.rs` in the repository is a whole one, on tokio. With threads, reading and writing at once needs a TLS
//! stream that is made for it, which [`blocking::secure`] makes of an [`Identity`]:
//!
//! ```
//! use sockeye::handshake::OriginPolicy;
//! use sockeye::{Client, Identity, Roots, Server, blocking};
//!
//! # let made = rcgen::generate_simple_self_signed(["localhost".into()])?;
//! # let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
//! # let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
//! # let url = format!("wss://localhost:{}/", listener.local_addr()?.port());
//! // `chain` and `key` are what the files with your certificate hold, in PEM.
//! let identity = Identity::pem(chain.as_bytes(), key.as_bytes())?;
//! let serving = std::thread::spawn(move || {
//!     let server = Server::new(OriginPolicy::SameOrigin);
//!     let stream = blocking::secure(&server, &identity, listener.accept()?.0)?;
//!     let (sender, mut receiver) = blocking::accept_with(&server, stream)?.split()?;
//!     while let Some(message) = receiver.receive()? {
//!         if message.is_data() {
//!             sender.send(message)?;
//!         }
//!     }
//!     Ok::<(), sockeye::IoError>(())
//! });
//!
//! // A certificate that no authority has signed is its own root. It must not be an authority's (CA:TRUE), as
//! // `openssl req -x509` makes it unless it is told otherwise.
//! let client = Client::new().roots(Roots::pem(chain.as_bytes())?);
//! let mut connection = blocking::connect_with(&client, &url)?;
//! connection.send("연어")?;
//! assert_eq!(connection.receive()?, Some("연어".into()));
//! assert!(connection.close(None)?.clean);
//! # serving.join().unwrap()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Limits
//!
//! Every one can be changed, and none reserves memory in advance.
//!
//! | limit | default | what happens beyond | why |
//! | --- | --- | --- | --- |
//! | [`Limits::bytes`](handshake::Limits::bytes), the head of a handshake | 8 KiB | 431 | what common web servers give to all cookies and tokens |
//! | [`Limits::headers`](handshake::Limits::headers) | 64 | 431 | a browser sends about 15 |
//! | [`Config::frame_limit`] | 16 MiB | 1009, before the payload is read | no one frame holds more memory than a message may |
//! | [`Config::message_limit`], after decompression | 16 MiB | 1009, at the header or while it is inflated | a whole message is in memory before its event |
//! | [`Config::fragment_limit`] | 131,072 | 1008 | an empty fragment costs the peer 6 bytes and us a header's work |
//! | [`Outbox::with_limit`] | none; 32 MiB in the adapters | [`Error::OutboxFull`], nothing is lost | back-pressure is the caller's to choose |
//! | pongs while [`Outbox::CONTROL_ROOM`] is taken | 4 KiB | the latest replaces the one before | a peer that pings and does not read |
//! | [`Timeouts::handshake`] | 10 s | the transport is dropped | a peer that connects and says nothing must not hold a place |
//! | [`Timeouts::ping_interval`] | none | a ping is sent | pings cost a sleeping phone its battery |
//! | [`Timeouts::pong_wait`] | 20 s | the transport is dropped | a round trip on a bad network, several times over |
//! | [`Timeouts::close_wait`] | 5 s | the transport is dropped | the peer has agreed to close, or has misbehaved |
//! | [`Timeouts::message`] | none | the transport is dropped | how long the largest takes on the slowest line, only you know |
//! | [`Timeouts::idle`] | 10 s | the memory of compression is given back | it is made anew in microseconds |
//!
//! # Memory
//!
//! What a peer can have a connection hold, whatever it sends, where a read takes at most so many bytes at once. Buffers double
//! as bytes arrive, and while one moves to a larger place both are there: that is the third time, the other two are what a
//! buffer holds at rest.
//!
//! | for | at most |
//! | --- | --- |
//! | the head of a handshake | 3 × ([`Limits::bytes`](handshake::Limits::bytes) + a read) + 72 bytes × [`Limits::headers`](handshake::Limits::headers) |
//! | the list of extensions in it, while it is read | 80 × [`Limits::bytes`](handshake::Limits::bytes) |
//! | a whole message | 3 × ([`Config::message_limit`] + a read), and 3 MiB more where messages are taken for keeps |
//! | a message in pieces | 3 × (a read + 16 KiB where it is compressed) |
//! | decompression | 79 KiB; see [`deflate`](deflate#memory) |
//! | pongs for a peer that does not read | 3 × [`Outbox::CONTROL_ROOM`] |
//! | messages for a peer that does not read | 4 × the outbox's limit, fewer where payloads are shared |
//! | what comes after a close frame or a failure | 3 × a read |
//!
//! Work is linear in the bytes that come, and in those that come out of compressed ones, whatever the sizes of the reads. The
//! program `attacks` in the repository measures both for each attack of its table, and a test holds the engine to it.
//!
//! # Where to go from here
//!
//! * [`tokio`], [`futures`] and [`blocking`]: the loop above, written for you, and [TLS](#tls) below it. [`polled`]: for
//!   code that is to run on both of the first two.
//! * [`handshake`]: look at a request before you answer it, choose a subprotocol, refuse with a status of your own,
//!   serve a page on the same port, and **who may connect** ([`OriginPolicy`](handshake::OriginPolicy)).
//! * [`embedding`]: the loop in a runtime of your own, step by step, for readiness-based and completion-based I/O.
//! * [`Upgrade`]: a WebSocket beside the pages of hyper, axum or another HTTP library.
//! * [`deflate`]: compression, what it costs in memory, and when not to use it.
//! * [`Connection::receive_piece`]: messages that are larger than memory.
//! * [`Broadcast`]: one message to many connections, framed once.
//! * [`Keepalive`]: deadlines, on a clock of yours.
//! * [`Entropy`]: masking keys on a machine without an operating system. `embed/bare` in the repository is a whole program
//!   without `std`.
//! * [`frame`], [`mask`], [`utf8`], [`close`]: the parts, usable alone, and without an allocator.
//!
//! # Features
//!
//! Features add and never change what is there. Without any, the crate is `no_std` without `alloc`, and is the rooms alone
//! that need neither: [`frame`], [`mask`], [`utf8`], [`close`], with [`Opcode`] and [`Role`].
//!
//! | feature | default | adds |
//! | --- | --- | --- |
//! | `alloc` | yes, by `std` | the engine, on `no_std` with `alloc`: all of the protocol but compression |
//! | `std` | yes | [`SystemEntropy`], [`Connection::client`], run-time SIMD detection, vectored writes |
//! | `deflate` | yes | permessage-deflate: [`deflate`]; without `std` its memory comes from C's `malloc` |
//! | `blocking` | | [`blocking`]: `Read + Write` streams |
//! | `http` | | requests and responses as the types of the crate [`http`](https://docs.rs/http), and back: [`handshake`] |
//! | `tokio` | | [`tokio`]: `AsyncRead + AsyncWrite` streams, as a `Stream` and a `Sink` |
//! | `futures` | | [`futures`]: the same for the streams of `futures-io`: smol and any other executor |
//! | `rustls` | | `wss://` in [`blocking`], and [`blocking::secure`] for servers |
//! | `tokio-rustls` | | `wss://` in [`tokio`] |
//! | `futures-rustls` | | `wss://` in [`futures`] |
//!
//! Each implies those that it needs: `deflate` and `std` imply `alloc`, the adapters and `http` imply `std`, `rustls` implies
//! `blocking`, `tokio-rustls` implies `tokio` and `rustls`, and `futures-rustls` implies `futures` and `rustls`. A machine
//! without an operating system has `default-features = false, features = ["alloc"]`.
#![no_std]
#![deny(missing_docs)]
#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(any(feature = "std", test))]
extern crate std;

// The rooms that need no allocator.
pub mod close;
pub mod frame;
pub mod mask;
mod opcode;
mod role;
pub mod utf8;

// The engine.
#[cfg(feature = "alloc")]
mod broadcast;
#[cfg(feature = "alloc")]
mod buffer;
#[cfg(feature = "alloc")]
mod connection;
#[cfg(feature = "deflate")]
pub mod deflate;
#[cfg(feature = "alloc")]
mod entropy;
#[cfg(feature = "alloc")]
mod error;
#[cfg(feature = "alloc")]
pub mod handshake;
#[cfg(feature = "alloc")]
mod keepalive;
#[cfg(feature = "alloc")]
mod message;
#[cfg(feature = "alloc")]
mod written;

// The adapters.
#[cfg(any(feature = "blocking", feature = "tokio", feature = "futures"))]
mod adapter;
#[cfg(feature = "blocking")]
pub mod blocking;
#[cfg(feature = "futures")]
pub mod futures;
#[cfg(feature = "tokio")]
pub mod tokio;

pub use close::CloseCode;
pub use opcode::Opcode;
pub use role::Role;

/// The crate whose buffers are part of this one's interface.
#[cfg(feature = "alloc")]
pub use bytes;
#[cfg(feature = "alloc")]
pub use {
    broadcast::Broadcast,
    buffer::{Inbox, Outbox, OutboxFull},
    close::CloseFrame,
    connection::{Config, Connection, Duty, Ending, Event, Payload, Piece, Side, TextPayload},
    entropy::Entropy,
    error::{Error, InvalidText, Limit, Misuse, Protocol},
    keepalive::{Due, Keepalive, Timeouts},
    message::{Message, Part, Text},
};

#[cfg(any(feature = "tokio", feature = "futures"))]
pub use adapter::polled;
#[cfg(any(feature = "blocking", feature = "tokio", feature = "futures"))]
pub use adapter::{Client, IoError, Server, Upgrade, Upgrading};
#[cfg(feature = "rustls")]
pub use adapter::{Identity, Roots, TlsError, WrongName};
#[cfg(feature = "std")]
pub use entropy::SystemEntropy;

#[cfg(feature = "std")]
#[doc = include_str!("embedding.md")]
pub mod embedding {}

/// The README's code, compiled and run with the tests of the documentation.
#[cfg(all(doctest, feature = "blocking", feature = "tokio"))]
#[doc = include_str!("../README.md")]
mod readme {}
