//! What the command line says.

use std::path::PathBuf;
use std::time::Duration;

use lexopt::ValueExt;

use crate::part::{self, Part};

/// What to measure, how often, and where the results go.
pub(crate) struct Options {
    pub(crate) parts: Vec<&'static Part>,
    /// The peers to measure; empty for all.
    pub(crate) peers: Vec<String>,
    pub(crate) rounds: usize,
    /// What one measurement takes, about.
    pub(crate) span: Duration,
    /// Only the sizes that the summary is made of.
    pub(crate) quick: bool,
    pub(crate) out: PathBuf,
}

impl Options {
    /// The options; `None` where help was asked for and given.
    pub(crate) fn parse() -> Result<Option<Self>, Box<dyn std::error::Error>> {
        let mut options = Self {
            parts: Vec::new(),
            peers: Vec::new(),
            rounds: 7,
            span: Duration::from_millis(20),
            quick: false,
            out: PathBuf::from("target/bench"),
        };
        let mut rounds = None;
        let mut arguments = lexopt::Parser::from_env();
        while let Some(argument) = arguments.next()? {
            match argument {
                lexopt::Arg::Value(name) => {
                    let name = name.string()?;
                    if name == "all" {
                        options.parts.extend(part::ALL);
                    } else {
                        let part = part::ALL.iter().find(|part| part.name == name);
                        options.parts.push(part.ok_or_else(|| format!("there is no part {name:?}"))?);
                    }
                }
                lexopt::Arg::Long("rounds") => rounds = Some(arguments.value()?.parse()?),
                lexopt::Arg::Long("quick") => options.quick = true,
                lexopt::Arg::Long("peers") => {
                    options.peers = arguments.value()?.string()?.split(',').map(String::from).collect();
                }
                lexopt::Arg::Long("out") => options.out = arguments.value()?.into(),
                lexopt::Arg::Short('h') | lexopt::Arg::Long("help") => {
                    println!("{HELP}");
                    return Ok(None);
                }
                other => return Err(other.unexpected().into()),
            }
        }
        if options.parts.is_empty() {
            options.parts.extend(part::ALL);
        }
        if options.quick {
            options.rounds = 3;
            options.span = Duration::from_millis(5);
        }
        options.rounds = rounds.unwrap_or(options.rounds).max(1);
        Ok(Some(options))
    }
}

const HELP: &str = "\
usage: cargo run --release -p bench -- [PART...] [OPTIONS]

parts: decode, encode, kernels, handshake, deflate, loopback, memory, growth; or all, the default

  --rounds N      rounds of each measurement, of which the median counts (7)
  --quick         3 short rounds, and fewer sizes: to see that all works
  --peers A,B     only these folders of bench/peers
  --out FOLDER    where tables, JSON and charts go (target/bench)";
