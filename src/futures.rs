//! The adapter for the streams of [futures-io](https://docs.rs/futures-io): smol's and those of others, under any
//! executor.
//!
//! A [`WebSocket`] is a `Stream` of messages and a `Sink` for them, over any `AsyncRead + AsyncWrite`. It can be
//! [split](WebSocket::split) into halves that live in two tasks.
//!
//! Every method is cancel-safe: each says what dropping its future means. Whoever receives also writes: pongs, the
//! answer to a close frame, and what was queued by [`feed`](WebSocket::feed) leave without any further call. So
//! keep receiving, also where no messages are expected.
//!
//! Deadlines are kept by [async-io](https://docs.rs/async-io), which brings a thread of its own where the executor does
//! not drive it, so they run everywhere.
//!
//! # Half-close
//! `poll_close` of the stream is to end the writing half while reading goes on, as that of smol's `TcpStream` does, and
//! that of futures-rustls's `TlsStream`, which ends TLS and then the stream below. The one of an
//! `async_io::Async<TcpStream>` only flushes, so the peer learns of the end when the stream is dropped: make an
//! `async_net::TcpStream` of it with `into`.
//!
//! # Panics
//! [`connect`], [`connect_with`] and [`connect_over`] panic where the operating system gives no random bytes: a key
//! that can be guessed would not be safe.
//!
//! ```
//! use sockeye::futures::{accept, connect};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # smol::block_on(async {
//! let listener = smol::net::TcpListener::bind("127.0.0.1:0").await?;
//! let url = format!("ws://{}/", listener.local_addr()?);
//!
//! let server = smol::spawn(async move {
//!     let (stream, _) = listener.accept().await?;
//!     let mut server = accept(stream).await?;
//!     while let Some(message) = server.receive().await? {
//!         if message.is_data() {
//!             server.feed(message).await?;
//!         }
//!     }
//!     Ok::<(), sockeye::IoError>(())
//! });
//!
//! let mut client = connect(&url).await?;
//! client.send("연어").await?;
//! assert_eq!(client.receive().await?, Some("연어".into()));
//! let ending = client.close(None).await?;
//! assert!(ending.clean);
//! server.await?;
//! # Ok(())
//! # })
//! # }
//! ```

mod clock;
mod connect;
mod handshake;
mod stream;

pub use clock::Clock;
pub use connect::{connect, connect_with};
pub use handshake::{accept, accept_with, connect_over, incoming};
pub use stream::Stream;

use crate::adapter::polled;

/// A WebSocket connection over a stream of futures-io: a `Stream` of messages and a `Sink` for them.
///
/// All of it is said of [`polled::WebSocket`].
pub type WebSocket<S> = polled::WebSocket<S, Clock>;

/// The half that sends: a `Sink` for messages. Clones send over the same connection.
///
/// All of it is said of [`polled::Sender`].
pub type Sender<S> = polled::Sender<S, Clock>;

/// The half that receives: a `Stream` of messages. It writes too: keep polling it.
///
/// All of it is said of [`polled::Receiver`].
pub type Receiver<S> = polled::Receiver<S, Clock>;

/// A request that was read and not answered yet.
///
/// All of it is said of [`polled::Incoming`].
pub type Incoming<'s, S> = polled::Incoming<'s, S, Clock>;
