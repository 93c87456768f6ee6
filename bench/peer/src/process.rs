//! The protocol between the runner and a peer's process: a line with a task, a line with what it took.
//!
//! A task is `UNITS PART WORDS...`. The answer is `CPU WALL`, in nanoseconds for all units, or `none` where the peer cannot
//! do it, or `wrong: WHY`. To `context` the answer is bytes of memory, twice.

use std::io::{self, BufRead, Write};

use crate::clock::Span;
#[cfg(feature = "deflate")]
use crate::context;
#[cfg(feature = "deflate")]
use crate::task::Takeover;
use crate::task::{Kind, Role, look};
use crate::{Job, Peer, Wire};

/// The `main` of a peer. Arguments: `measure [CORE]`, to do the tasks of standard input on that core; `serve ADDR`, to serve
/// an echo; and `once TASK...`, to do one task, for a profiler to look at.
pub fn run(peer: &impl Peer) {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["measure"] => measure(peer),
        ["measure", core] => {
            pin(core);
            measure(peer);
        }
        ["serve", address] => {
            if peer.serve(address).is_none() {
                println!("none");
            }
        }
        ["once", units, ref words @ ..] => {
            let task = words.join(" ");
            match Prepared::new(peer, &task) {
                Some(mut prepared) => println!("{}", prepared.measure(units.parse().expect("a number of units"))),
                None => println!("none"),
            }
        }
        _ => eprintln!("expected measure [CORE], serve ADDR, or once UNITS TASK..."),
    }
}

fn measure<P: Peer>(peer: &P) {
    println!("{}", P::SETTINGS);
    let mut prepared: Option<Prepared> = None;
    for line in io::stdin().lock().lines() {
        let Ok(line) = line else { return };
        let Some((units, task)) = line.split_once(' ') else { return };
        #[cfg(feature = "deflate")]
        if let Some(words) = task.strip_prefix("context ") {
            let bytes = units.parse().ok().and_then(|units| context::memory(peer, words, units));
            println!("{}", bytes.map_or("none".into(), |bytes| format!("{bytes} {bytes}")));
            let _ = io::stdout().flush();
            continue;
        }
        if prepared.as_ref().is_none_or(|prepared| prepared.task != task) {
            drop(prepared.take());
            prepared = Prepared::new(peer, task);
        }
        match (&mut prepared, units.parse()) {
            (Some(prepared), Ok(units)) => println!("{}", prepared.measure(units)),
            _ => println!("none"),
        }
        let _ = io::stdout().flush();
    }
}

/// A task that is kept warm from one round to the next.
struct Prepared {
    task: String,
    job: Job,
    /// What each unit adds to the sum that the job returns, at least.
    least: u64,
    exact: bool,
}

impl Prepared {
    fn new(peer: &impl Peer, task: &str) -> Option<Self> {
        let words: Vec<&str> = task.split(' ').collect();
        let size = |word: &str| word.parse::<usize>().ok();
        let (job, least, exact) = match words[..] {
            ["decode", mode, kind, bytes, chunk] => {
                let (kind, bytes) = (Kind::parse(kind)?, size(bytes)?);
                let wire = Wire::of_messages(kind, bytes, size(chunk)?);
                let job = match mode {
                    "lent" => peer.decode_lent(wire, kind),
                    "owned" => peer.decode_owned(wire, kind),
                    "str" => peer.decode_str(wire),
                    "fed-lent" => peer.decode_fed(wire, false),
                    "fed-owned" => peer.decode_fed(wire, true),
                    _ => None,
                };
                (job?, look(&kind.payload(bytes)), true)
            }
            ["encode", role, bytes, batch] => {
                let (role, bytes) = (Role::parse(role)?, size(bytes)?);
                let payload = Kind::Binary.payload(bytes).leak();
                (peer.encode(role, payload, batch.parse().ok()?, Wire::silent())?, bytes as u64 + 2, false)
            }
            ["broadcast", bytes, outboxes] => {
                let payload = Kind::Ascii.payload(size(bytes)?).leak();
                (peer.broadcast(payload, outboxes.parse().ok()?)?, payload.len() as u64, false)
            }
            ["mask", bytes, offset] => (peer.mask(size(bytes)?, size(offset)?)?, 1, true),
            ["utf8", kind, bytes] => (peer.utf8(Kind::parse(kind)?.payload(size(bytes)?).leak())?, 1, true),
            ["handshake", "server"] => (peer.handshake_server(REQUEST.as_bytes())?, 100, false),
            ["handshake", "client"] => (peer.handshake_client()?, 100, false),
            #[cfg(feature = "deflate")]
            ["deflate", direction, takeover, bytes] => {
                let (takeover, bytes) = (Takeover::parse(takeover)?, size(bytes)?);
                let messages = messages(bytes);
                let job = match direction {
                    "compress" => peer.compress(messages, takeover, Wire::silent()),
                    "decompress" => peer.decompress(crate::deflated::wire(messages, takeover), takeover),
                    _ => None,
                };
                (job?, if direction == "compress" { 2 } else { bytes as u64 }, false)
            }
            _ => return None,
        };
        Some(Self { task: task.into(), job, least, exact })
    }

    fn measure(&mut self, units: u64) -> String {
        let span = Span::begin();
        let sum = (self.job)(units);
        let (cpu, wall) = span.end();
        let least = units * self.least;
        if if self.exact { sum == least } else { sum >= least } {
            format!("{cpu} {wall}")
        } else {
            format!("wrong: expected {least} of {units} units, got {sum}")
        }
    }
}

/// Messages like the answers of a programming interface, each another.
#[cfg(feature = "deflate")]
pub(crate) fn messages(size: usize) -> &'static [&'static [u8]] {
    let count = (MESSAGES / size).clamp(16, 1024);
    let text: &'static [u8] = Kind::Json.payload(count * size).leak();
    text.chunks(size).collect::<Vec<_>>().leak()
}

/// Bytes of messages until they begin anew: many times the largest window.
#[cfg(feature = "deflate")]
const MESSAGES: usize = 256 << 10;

/// Stays on one core, where the system allows it.
fn pin(core: &str) {
    #[cfg(target_os = "linux")]
    {
        use nix::sched::{CpuSet, sched_setaffinity};
        let mut set = CpuSet::new();
        let set_or_not = set.set(core.parse().expect("the number of a core"));
        if let Err(error) = set_or_not.and_then(|()| sched_setaffinity(nix::unistd::Pid::this(), &set)) {
            eprintln!("cannot stay on core {core}: {error}");
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = core;
}

/// A browser's request, of twelve headers.
const REQUEST: &str = "GET /chat?room=salmon HTTP/1.1\r\n\
    Host: chat.example.com\r\n\
    Connection: Upgrade\r\n\
    Pragma: no-cache\r\n\
    Cache-Control: no-cache\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/137.0.0.0 Safari/537.36\r\n\
    Upgrade: websocket\r\n\
    Origin: https://chat.example.com\r\n\
    Sec-WebSocket-Version: 13\r\n\
    Accept-Encoding: gzip, deflate, br, zstd\r\n\
    Accept-Language: en-US,en;q=0.9,ko;q=0.8\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n";
