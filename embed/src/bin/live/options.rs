//! What was asked for.

use std::path::PathBuf;
use std::str::FromStr;

pub(crate) struct Options {
    /// A server of this package.
    pub(crate) server: String,
    /// A program to start instead of it.
    pub(crate) program: Option<PathBuf>,
    pub(crate) connections: usize,
    /// How long some are killed, in seconds.
    pub(crate) seconds: u64,
    /// Of a hundred connections, how many are killed in each second.
    pub(crate) share: usize,
    /// Messages a second, of all connections together.
    pub(crate) rate: usize,
    pub(crate) seed: u64,
}

impl Options {
    /// The arguments; an empty error asks for help.
    pub(crate) fn read() -> Result<Self, String> {
        use lexopt::prelude::*;

        let mut options = Self {
            server: String::from("tokio"),
            program: None,
            connections: 10_000,
            seconds: 120,
            share: 10,
            rate: 5000,
            seed: 1,
        };
        let mut given = lexopt::Parser::from_env();
        while let Some(argument) = given.next().map_err(|error| error.to_string())? {
            match argument {
                Long("server") => options.server = value(&mut given, "the name of a server")?,
                Long("program") => options.program = Some(value(&mut given, "the path of a program")?),
                Long("connections") => options.connections = value(&mut given, "a number of connections")?,
                Long("seconds") => options.seconds = value(&mut given, "a number of seconds")?,
                Long("share") => options.share = value(&mut given, "a number of connections in a hundred")?,
                Long("rate") => options.rate = value(&mut given, "a number of messages a second")?,
                Long("seed") => options.seed = value(&mut given, "a number")?,
                Short('h') | Long("help") => return Err(String::new()),
                other => return Err(other.unexpected().to_string()),
            }
        }
        if options.connections == 0 || options.rate == 0 || options.share > 100 {
            return Err("expected a connection and a message a second at least, and a share of 100 at most".into());
        }
        Ok(options)
    }
}

fn value<T: FromStr>(given: &mut lexopt::Parser, expected: &str) -> Result<T, String> {
    let value = given.value().map_err(|error| error.to_string())?;
    let parsed = value.to_str().and_then(|value| value.parse().ok());
    parsed.ok_or_else(|| format!("expected {expected}, got {value:?}"))
}

pub(crate) const USAGE: &str = "usage: live [--server NAME | --program PATH] [OPTION...]

Opens connections to a server in a process of its own, has all of them exchange messages while some are killed, and prints a
table of what came of it. Exits with 1 where one that was not killed has lost something, or memory has not come back.

  --server NAME    a server of the package embed without TLS, by default tokio; it is built first
  --program PATH   any program that takes `127.0.0.1:0`, prints `listening on ws://ADDRESS` and echoes
  --connections N  how many are open at once, by default 10000
  --seconds N      how long some are killed, by default 120
  --share N        of a hundred connections, how many are killed in each second, by default 10
  --rate N         messages a second of all connections together, by default 5000
  --seed N         of all that is random, by default 1";
