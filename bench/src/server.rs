//! Servers: started on a core of their own, and asked for their memory and their time.

use std::fs;
use std::io::{self, BufRead, BufReader};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::thread::available_parallelism;
use std::time::Duration;

use crate::peers::Peer;
use crate::results::Row;

/// How to start a server.
pub(crate) struct Program {
    name: String,
    version: String,
    settings: String,
    path: PathBuf,
    arguments: Vec<&'static str>,
}

/// A server that runs; it is ended when this is dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: String,
    /// Whether it echoes bytes and knows nothing of the protocol.
    pub(crate) bare: bool,
}

impl Program {
    /// This engine's servers, and those of every peer that has one.
    pub(crate) fn all(peers: &[Peer]) -> io::Result<Vec<Self>> {
        let mut programs: Vec<Self> = Vec::new();
        for peer in peers.iter().filter(|peer| peer.name == "sockeye") {
            programs.push(Self::of(peer, "sockeye tokio", SETTINGS));
            programs.extend(embedded()?);
        }
        let others = peers.iter().filter(|peer| peer.name != "sockeye");
        programs.extend(others.map(|peer| Self::of(peer, &peer.name, &peer.settings)));
        Ok(programs)
    }

    fn of(peer: &Peer, name: &str, settings: &str) -> Self {
        Self {
            name: name.into(),
            version: peer.version.clone(),
            settings: settings.into(),
            path: peer.program.clone(),
            arguments: vec!["serve"],
        }
    }

    /// Whether it is one of the two that are told by the system when they can read.
    pub(crate) fn is_of_readiness(&self) -> bool {
        ["sockeye tokio", "sockeye epoll"].contains(&&*self.name)
    }

    pub(crate) fn row(&self) -> Row {
        let (name, version, settings) = (self.name.clone(), self.version.clone(), self.settings.clone());
        Row { name, version, settings, cells: Vec::new() }
    }

    /// Starts it on the last core, so that the others are for the load; `None` where there is no such server.
    pub(crate) fn start(&self) -> io::Result<Option<Server>> {
        let cores = cores();
        pin(cores - 1..cores);
        let started = Command::new(&self.path)
            .args(&self.arguments)
            .arg("127.0.0.1:0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        pin(0..cores.saturating_sub(1).max(1));
        let mut child = started?;
        let mut line = String::new();
        if let Some(output) = child.stdout.take() {
            BufReader::new(output).read_line(&mut line)?;
        }
        let address = line.trim().strip_prefix("listening on ws://").unwrap_or_default().trim_end_matches('/').into();
        let server = Server { child, address, bare: self.name.starts_with("bare-") };
        Ok(if server.address.is_empty() { None } else { Some(server) })
    }
}

impl Server {
    /// Bytes of its resident memory.
    pub(crate) fn memory(&self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        Some(line.split_whitespace().next()?.parse::<u64>().ok()? * 1024)
    }

    /// The time that its threads were on a processor, those of the kernel that work for it included.
    pub(crate) fn cpu(&self) -> Option<Duration> {
        let mut nanoseconds = 0;
        for thread in fs::read_dir(format!("/proc/{}/task", self.child.id())).ok()? {
            // A thread that has just ended tells nothing more.
            let Ok(times) = fs::read_to_string(thread.ok()?.path().join("schedstat")) else { continue };
            nanoseconds += times.split_whitespace().next()?.parse::<u64>().ok()?;
        }
        (nanoseconds > 0).then(|| Duration::from_nanos(nanoseconds))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// This engine's servers, built by a cargo call of their own.
fn embedded() -> io::Result<Vec<Program>> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../embed/Cargo.toml");
    let status = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--release", "--quiet", "--manifest-path"])
        .arg(manifest)
        .args(EMBEDDED.iter().flat_map(|name| ["--bin", name]))
        .env_remove("RUSTFLAGS")
        .status()?;
    if !status.success() {
        return Err(io::Error::other("the servers of embed do not build"));
    }
    let folder = std::env::current_exe()?;
    let folder = folder.parent().unwrap_or(Path::new("."));
    let program = |name: &&str| Program {
        name: format!("sockeye {name}"),
        version: String::new(),
        settings: format!("the server `{name}` of embed, as it is"),
        path: folder.join(name),
        arguments: vec!["--max-message", "67108864"],
    };
    Ok(EMBEDDED.iter().map(program).collect())
}

/// The processor's cores, counted once: this process gives up one of them later.
pub(crate) fn cores() -> usize {
    static CORES: OnceLock<usize> = OnceLock::new();
    *CORES.get_or_init(|| available_parallelism().map_or(1, NonZero::get))
}

/// Stays on these cores from here on, where the system allows it; what is started inherits it.
fn pin(cores: std::ops::Range<usize>) {
    #[cfg(target_os = "linux")]
    {
        use nix::sched::{CpuSet, sched_setaffinity};
        let mut set = CpuSet::new();
        for core in cores {
            let _ = set.set(core);
        }
        let _ = sched_setaffinity(nix::unistd::Pid::from_raw(0), &set);
    }
    #[cfg(not(target_os = "linux"))]
    drop(cores);
}

const EMBEDDED: &[&str] = if cfg!(target_os = "linux") { &["epoll", "io_uring"] } else { &["epoll"] };

const SETTINGS: &str = "its adapter for tokio, in the loop of its documentation: each message fed as it is received; on one \
    thread, as the peers on tokio; messages to 64 MiB";
