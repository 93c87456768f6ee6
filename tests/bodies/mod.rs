//! The bodies of the fuzz targets: each takes any bytes, and panics where they break one of its claims.
//!
//! `fuzz/` runs them over inputs that it makes up, and `tests/corpora.rs` over the seeds. They use what is public alone.
//! The seeds of a target are made beside its body, so that both know what the input's bytes mean.
#![allow(unreachable_pub, reason = "the bodies are a part of the tests here and of a crate in fuzz/")]

pub mod cursor;
pub mod extensions;
pub mod inflate;
pub mod mask;
pub mod receive;
pub mod request;
pub mod response;
pub mod session;
pub mod stream;
pub mod utf8;

/// A body with its seeds.
pub struct Target {
    /// The name of the program in `fuzz/fuzz_targets`, and of the folder in `fuzz/seeds`.
    pub name: &'static str,
    /// Panics where the input breaks a claim.
    pub run: fn(&[u8]),
    /// Inputs to start from, each with the name of its file.
    pub seeds: fn() -> Vec<Seed>,
}

/// An input to start from.
pub type Seed = (String, Vec<u8>);

/// All targets but `differential`, whose peers are heavier than a test of this crate should be.
pub const TARGETS: [Target; 9] = [
    Target { name: "server_receive", run: receive::server, seeds: receive::seeds::server },
    Target { name: "client_receive", run: receive::client, seeds: receive::seeds::client },
    Target { name: "request", run: request::run, seeds: request::seeds },
    Target { name: "response", run: response::run, seeds: response::seeds },
    Target { name: "extensions", run: extensions::run, seeds: extensions::seeds },
    Target { name: "inflate", run: inflate::run, seeds: inflate::seeds },
    Target { name: "utf8", run: utf8::run, seeds: utf8::seeds },
    Target { name: "mask", run: mask::run, seeds: mask::seeds },
    Target { name: "session", run: session::run, seeds: session::seeds },
];

/// A seed out of parts.
pub fn seed(name: &str, parts: &[&[u8]]) -> Seed {
    (name.into(), parts.concat())
}
