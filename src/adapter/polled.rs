//! What the adapters of asynchronous runtimes share: a connection over a stream that is polled.
//!
//! Each of them has its own names for these types: [`tokio::WebSocket<S>`](crate::tokio::WebSocket) and
//! [`futures::WebSocket<S>`](crate::futures::WebSocket) are one type, [`WebSocket<S, R>`], with their runtime as its
//! `R`. What is said of a type here holds in each of them. Connections begin there as well: this module has no
//! functions of its own.
//!
//! It is for code that is to run on each of them:
//!
//! ```
//! use sockeye::IoError;
//! use sockeye::polled::{Runtime, WebSocket};
//!
//! async fn echo<S, R: Runtime<S>>(mut connection: WebSocket<S, R>) -> Result<(), IoError> {
//!     while let Some(message) = connection.receive().await? {
//!         if message.is_data() {
//!             connection.feed(message).await?;
//!         }
//!     }
//!     Ok(())
//! }
//! ```

mod handshake;
pub(crate) mod io;
mod poll;
mod split;
mod wakers;
mod websocket;

pub use handshake::Incoming;
pub(crate) use handshake::{accept_with, connect_over, incoming};
pub use split::{Receiver, Sender};
pub use websocket::WebSocket;

/// A runtime that has a clock, and streams of type `S` to poll.
///
/// Sealed: the runtimes are [`tokio::Clock`](crate::tokio::Clock), for every `S` that is tokio's
/// `AsyncRead + AsyncWrite`, and [`futures::Clock`](crate::futures::Clock), for every `S` that is the `AsyncRead +
/// AsyncWrite` of `futures-io`.
pub trait Runtime<S>: io::Io<S> {}
