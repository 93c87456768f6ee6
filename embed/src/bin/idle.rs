//! The memory of an idle connection: `cargo run --release -p embed --bin idle -- [PROGRAM...] [--connections N]`.
//!
//! It starts each program, opens connections that say one message and hear its echo, waits until the program's memory
//! rests, and divides what it has taken. Linux only, as it reads `/proc`.

use std::error::Error;
use std::fs;
use std::io::{IsTerminal, stderr};
use std::net::TcpStream;
use std::path::Path;
use std::process::{ExitCode, Stdio};
use std::time::Duration;

use embed::process::{SPARE_FILES, Server, build, files_of_each, open_files};
use sockeye::blocking::connect_with;
use sockeye::deflate::Options;
use sockeye::{Client, Roots};

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    let arguments = match Arguments::read() {
        Ok(arguments) => arguments,
        Err(wrong) if wrong.is_empty() => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(wrong) => {
            eprintln!("{wrong}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Outcome<()> {
    if !cfg!(target_os = "linux") {
        return Err("the memory of a program is read from /proc, which Linux alone has".into());
    }
    let files = open_files()?;
    let folder = build(arguments.programs.iter().map(String::as_str))?;
    let mut rows = Vec::new();
    for name in &arguments.programs {
        let connections = arguments.connections.min(files.saturating_sub(SPARE_FILES) / files_of_each(name)).max(1);
        if connections < arguments.connections {
            eprintln!("{name}: {connections} connections and not more, for want of open files: see `ulimit -n`");
        }
        let row = (|| {
            let plain = measure(name, &folder, connections, false)?;
            // Fewer, as each holds hundreds of kilobytes until it is idle.
            let compressed = measure(name, &folder, connections.div_ceil(10), true)?;
            Ok::<_, Box<dyn Error>>((connections, plain, compressed))
        })();
        rows.push((name, row.map_err(|error| format!("{name}: {error}"))?));
    }
    println!("bytes for each idle connection; with compression of a tenth of the connections\n");
    println!("{:<12} {:>12} {:>12} {:>12} {:>12}", "program", "connections", "at start", "plain", "compression");
    for (name, (connections, plain, compressed)) in rows {
        println!("{name:<12} {connections:>12} {:>12} {:>12} {:>12}", plain.start, plain.each, compressed.each);
    }
    Ok(())
}

/// What a program's memory is, in bytes.
struct Measured {
    /// Of the program, once it has served one connection.
    start: u64,
    /// What each of the idle connections has added.
    each: u64,
}

/// Measures a program with this many connections, on each of which compression was agreed on if it is `compressed`.
fn measure(name: &str, folder: &Path, connections: u64, compressed: bool) -> Outcome<Measured> {
    let server = Server::start(&folder.join(name), Stdio::null())?;
    let client = if compressed { Client::new().deflate(Options::new()) } else { Client::new() };
    let client = match &server.certificate {
        Some(file) => client.roots(Roots::pem(&fs::read(file)?)?),
        None => client,
    };
    drop(open(&client, &server.url)?);
    let start = server.rest(Duration::ZERO)?;
    let mut open_ones = Vec::new();
    for number in 1..=connections {
        let wrong = |error| format!("connection {number} of {connections}: {error}");
        open_ones.push(open(&client, &server.url).map_err(wrong)?);
        progress(name, number, connections);
    }
    let after = server.rest(if compressed { IDLE } else { Duration::ZERO })?;
    Ok(Measured { start, each: after.saturating_sub(start) / connections })
}

/// One line that is written over on a terminal, and a line in the end elsewhere.
fn progress(name: &str, open: u64, connections: u64) {
    let (terminal, last) = (stderr().is_terminal(), open == connections);
    if last || (terminal && open.is_multiple_of(100)) {
        let start = if terminal { "\r" } else { "" };
        let end = if last { "\n" } else { "" };
        eprint!("{start}{name}: {open} of {connections} connections{end}");
    }
}

/// Opens a connection that has said a message and heard its echo. What is left of it here is the socket alone.
fn open(client: &Client, url: &str) -> Outcome<TcpStream> {
    let mut connection = connect_with(client, url)?;
    let socket = connection.stream().tcp().try_clone()?;
    connection.send("idle ".repeat(100))?;
    connection.receive()?.ok_or("expected an echo, and the connection ended")?;
    Ok(socket)
}

struct Arguments {
    programs: Vec<String>,
    connections: u64,
}

impl Arguments {
    /// The arguments; an empty error asks for help.
    fn read() -> Result<Self, String> {
        use lexopt::prelude::*;

        let (mut programs, mut connections) = (Vec::new(), 10_000);
        let mut given = lexopt::Parser::from_env();
        while let Some(argument) = given.next().map_err(|error| error.to_string())? {
            match argument {
                Long("connections") => {
                    let count = given.value().map_err(|error| error.to_string())?;
                    let parsed = count.parse().ok().filter(|count| *count > 0);
                    connections = parsed.ok_or_else(|| format!("expected a number of connections, got {count:?}"))?;
                }
                Value(name) => programs.push(name.to_string_lossy().into_owned()),
                Short('h') | Long("help") => return Err(String::new()),
                other => return Err(other.unexpected().to_string()),
            }
        }
        if programs.is_empty() {
            programs.extend(PROGRAMS.map(String::from));
        }
        Ok(Self { programs, connections })
    }
}

const USAGE: &str = "usage: idle [PROGRAM...] [--connections N]

  PROGRAM          servers of this package, such as tokio; all of them if there is none
  --connections N  how many connections are opened, by default 10000; with compression a tenth of them";

/// Every server.
const PROGRAMS: [&str; 9] = ["threads", "epoll", "io_uring", "tokio", "smol", "hyper", "axum", "tls", "tls_threads"];

/// A little more than `Timeouts::idle`, after which the memory of compression is given back.
const IDLE: Duration = Duration::from_secs(12);
