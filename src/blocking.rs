//! The adapter for blocking streams, on `std` alone.
//!
//! A [`WebSocket`] receives and sends messages over any [`Transport`]: a `TcpStream`, a `UnixStream`, or whatever is
//! `Read + Write` in a [`Plain`]. It can be [split](WebSocket::split) into halves for two threads.
//!
//! Whoever receives also writes: pongs, the answer to a close frame, and what was queued by
//! [`feed`](WebSocket::feed) leave without any further call. So keep receiving, also where no messages are expected.
//!
//! ```
//! use sockeye::blocking::{accept, connect};
//!
//! let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
//! let url = format!("ws://{}/", listener.local_addr()?);
//!
//! let server = std::thread::spawn(move || {
//!     let mut server = accept(listener.accept()?.0)?;
//!     while let Some(message) = server.receive()? {
//!         if message.is_data() {
//!             server.feed(message)?;
//!         }
//!     }
//!     Ok::<(), sockeye::IoError>(())
//! });
//!
//! let mut client = connect(&url)?;
//! client.send("연어")?;
//! assert_eq!(client.receive()?, Some("연어".into()));
//! assert!(client.close(None)?.clean);
//! server.join().unwrap()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod deadline;
mod handshake;
#[cfg(feature = "rustls")]
mod secure;
mod split;
mod stream;
mod transport;
mod websocket;

pub use handshake::{Incoming, accept, accept_with, connect, connect_over, connect_with, incoming};
pub use split::{Receiver, Sender};
pub use stream::Stream;
#[cfg(feature = "rustls")]
pub use stream::secure;
pub use transport::{Duplex, Plain, Transport};
pub use websocket::WebSocket;
