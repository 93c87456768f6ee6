//! The memory of an idle connection: `cargo run --release -p embed --bin idle -- [PROGRAM...] [--connections N]`.
//!
//! It starts each program, opens connections that say one message and hear its echo, waits until the program's memory
//! rests, and divides what it has taken. Linux only, as it reads `/proc`.

use std::error::Error;
use std::io::{BufRead, BufReader, IsTerminal, stderr};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::thread::sleep;
use std::time::Duration;
use std::{env, fs};

use sockeye::Client;
use sockeye::blocking::connect_over;
use sockeye::deflate::Options;

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
    let folder = build(&arguments.programs)?;
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
    let server = Server::start(&folder.join(name))?;
    let client = if compressed { Client::new().deflate(Options::new()) } else { Client::new() };
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
    let stream = TcpStream::connect(url.strip_prefix("ws://").ok_or("expected a ws:// URL")?)?;
    stream.set_nodelay(true)?;
    let socket = stream.try_clone()?;
    let mut connection = connect_over(client, url, stream)?;
    connection.send("idle ".repeat(100))?;
    connection.receive()?.ok_or("expected an echo, and the connection ended")?;
    Ok(socket)
}

/// A program that serves; it is ended when this is dropped.
struct Server {
    child: Child,
    url: String,
}

impl Server {
    fn start(program: &Path) -> Outcome<Self> {
        let mut child = Command::new(program)
            .arg("127.0.0.1:0")
            // Large pieces of memory that the program gives back go to the operating system: what glibc keeps of them for
            // later would be counted otherwise.
            .env("MALLOC_MMAP_THRESHOLD_", "32768")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("cannot start {}: {error}", program.display()))?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().ok_or("no pipe")?).read_line(&mut line)?;
        let url = line.trim().strip_prefix("listening on ").map(String::from);
        let server = Self { child, url: url.unwrap_or_default() };
        if server.url.is_empty() {
            return Err(format!("expected `listening on URL`, got `{}`", line.trim()).into());
        }
        Ok(server)
    }

    /// The program's memory, after this time, once it has been the same for a while.
    fn rest(&self, at_least: Duration) -> Outcome<u64> {
        sleep(at_least);
        let mut before = self.memory()?;
        let mut same = 0;
        for _ in 0..ROUNDS {
            sleep(ROUND);
            let now = self.memory()?;
            same = if now == before { same + 1 } else { 0 };
            before = now;
            if same == SAME {
                break;
            }
        }
        Ok(before)
    }

    /// What the program holds of the machine's memory.
    fn memory(&self) -> Outcome<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("the program has ended")?;
        Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Builds the programs and says where they are: beside this one.
fn build(programs: &[String]) -> Outcome<PathBuf> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let mut build = Command::new(cargo);
    build.args(["build", "--quiet", "--manifest-path", manifest]);
    build.args((!cfg!(debug_assertions)).then_some("--release"));
    build.args(programs.iter().flat_map(|program| ["--bin", program]));
    if !build.status()?.success() {
        return Err("not all of the programs can be built".into());
    }
    Ok(env::current_exe()?.parent().ok_or("this program is in no folder")?.into())
}

/// How many files this process may have open.
fn open_files() -> Outcome<u64> {
    let limits = fs::read_to_string("/proc/self/limits")?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files")).ok_or("no limit of open files")?;
    Ok(line.split_whitespace().next().and_then(|limit| limit.parse().ok()).unwrap_or(u64::MAX))
}

/// How many files a connection takes: the halves of a blocking one have a handle each.
fn files_of_each(program: &str) -> u64 {
    if program == "threads" { 2 } else { 1 }
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

/// Every server over plain TCP.
const PROGRAMS: [&str; 7] = ["threads", "epoll", "io_uring", "tokio", "smol", "hyper", "axum"];

/// Files that a process has open beside its connections.
const SPARE_FILES: u64 = 100;

/// A little more than `Timeouts::idle`, after which the memory of compression is given back.
const IDLE: Duration = Duration::from_secs(12);

/// How often the memory is looked at, how many looks alike are a rest, and how many looks there are at most.
const ROUND: Duration = Duration::from_millis(250);
const SAME: u32 = 8;
const ROUNDS: u32 = 120;
