//! The adapter for [tokio](https://docs.rs/tokio).
//!
//! A [`WebSocket`] is a `Stream` of messages and a `Sink` for them, over any `AsyncRead + AsyncWrite`. It can be
//! [split](WebSocket::split) into halves that live in two tasks.
//!
//! Every method is cancel-safe: each says what dropping its future means. Whoever receives also writes: pongs, the
//! answer to a close frame, and what was queued by [`feed`](WebSocket::feed) leave without any further call. So
//! keep receiving, also where no messages are expected.
//!
//! # Panics
//! Every function and method that keeps a deadline of [`Timeouts`](crate::Timeouts) panics outside of a runtime with
//! time enabled: `enable_time` or `enable_all` of its builder does that, and `#[tokio::main]`.
//! [`connect`], [`connect_with`] and [`connect_over`] panic where the operating system gives no random bytes: a key
//! that can be guessed would not be safe.
//!
//! ```
//! # use sockeye::tokio::{accept, connect};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! let url = format!("ws://{}/", listener.local_addr()?);
//!
//! tokio::spawn(async move {
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
//! # Ok(())
//! # }
//! ```

mod clock;
mod handshake;
mod split;
mod stream;
mod wakers;
mod websocket;

pub use handshake::{Incoming, accept, accept_with, connect, connect_over, connect_with, incoming};
pub use split::{Receiver, Sender};
pub use stream::Stream;
pub use websocket::WebSocket;
