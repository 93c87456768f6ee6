//! What every peer of the benchmark shares.
//!
//! A peer is a package of its own, in a folder of its own: cargo unifies the features of what is built together, and a peer
//! that is built with others may get the SIMD of another's dependencies. It implements [`Peer`] for what it can do, and its
//! `main` is [`run`]. The runner speaks with its process over standard input and output.

mod clock;
#[cfg(feature = "deflate")]
mod context;
#[cfg(feature = "deflate")]
pub mod deflated;
pub mod kernels;
mod process;
#[cfg(feature = "server")]
pub mod server;
#[cfg(feature = "streams")]
pub mod streams;
mod task;
mod wire;

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

pub use process::run;
pub use task::{Kind, Looked, Role, Takeover, look};
pub use wire::{Sent, Wire, frame};

/// What can be measured of an implementation. Each method prepares a [`Job`], outside of the measured time; `None` is for
/// what the implementation has no public way to do.
pub trait Peer {
    /// With what options and sizes of buffers it runs, and why; goes into the notes of the results.
    const SETTINGS: &'static str;

    /// Reads masked frames of a client from `wire`, and hands each message out as cheaply as it can: lent where it lends.
    /// One unit is a message, [`look`]ed at.
    fn decode_lent(&self, wire: Wire, kind: Kind) -> Option<Job> {
        self.decode_owned(wire, kind)
    }

    /// The same, and each message could be kept or sent to another thread.
    fn decode_owned(&self, wire: Wire, kind: Kind) -> Option<Job> {
        let _ = (wire, kind);
        None
    }

    /// The same as [`decode_lent`](Self::decode_lent) for text, looked at as a `&str`.
    fn decode_str(&self, wire: Wire) -> Option<Job> {
        let _ = wire;
        None
    }

    /// The same as [`decode_lent`](Self::decode_lent) or [`decode_owned`](Self::decode_owned), but fed by one copy of
    /// what arrives instead of reading: what instructions are counted of.
    fn decode_fed(&self, wire: Wire, owned: bool) -> Option<Job> {
        let _ = (wire, owned);
        None
    }

    /// Sends binary messages with this payload to `wire`, and has them all written after each `batch` of them. One unit is
    /// a message; the job returns what [`Sent`] says.
    fn encode(&self, role: Role, payload: &'static [u8], batch: u64, wire: Wire) -> Option<Job> {
        let _ = (role, payload, batch, wire);
        None
    }

    /// Puts one message into the outboxes of this many connections and empties them. One unit is an outbox; the number of
    /// units is a multiple of `outboxes`.
    fn broadcast(&self, payload: &'static [u8], outboxes: u64) -> Option<Job> {
        let _ = (payload, outboxes);
        None
    }

    /// Masks memory of `size` bytes that begins `offset` bytes behind a multiple of 64. One unit is a run over it.
    fn mask(&self, size: usize, offset: usize) -> Option<Job> {
        let _ = (size, offset);
        None
    }

    /// Validates text. One unit is a run over it.
    fn utf8(&self, text: &'static [u8]) -> Option<Job> {
        let _ = text;
        None
    }

    /// A server reads this request, which is there as a whole, and writes its answer. One unit is a handshake; the job
    /// returns the bytes of the answers.
    fn handshake_server(&self, request: &'static [u8]) -> Option<Job> {
        let _ = request;
        None
    }

    /// A client writes a request and checks the answer of a server. One unit is a handshake; the job returns the bytes of
    /// the requests.
    fn handshake_client(&self) -> Option<Job> {
        None
    }

    /// A server sends text messages compressed, the ones of `messages` in turn, and has each written before the next. Level
    /// 6, a window of 15 bits, memory level 8. One unit is a message; the job returns what [`Sent`] says.
    fn compress(&self, messages: &'static [&'static [u8]], takeover: Takeover, wire: Wire) -> Option<Job> {
        let _ = (messages, takeover, wire);
        None
    }

    /// Reads compressed text messages of a client from `wire`. One unit is a message, [`look`]ed at.
    fn decompress(&self, wire: Wire, takeover: Takeover) -> Option<Job> {
        let _ = (wire, takeover);
        None
    }

    /// Serves an echo on this address until it is ended, on one thread, the way a user of the implementation would.
    /// Prints `listening on ws://ADDR` first.
    fn serve(&self, address: &str) -> Option<()> {
        let _ = address;
        None
    }
}

/// Does so many units of a task, and returns the sum that shows that it did.
pub type Job = Box<dyn FnMut(u64) -> u64>;

/// Prepared work, boxed.
pub fn job(work: impl FnMut(u64) -> u64 + 'static) -> Option<Job> {
    Some(Box::new(work))
}

/// Polls a future by hand until it is ready: what a peer costs on top of a runtime, without the runtime. The
/// transports here are always ready.
#[inline]
pub fn wait<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
}
