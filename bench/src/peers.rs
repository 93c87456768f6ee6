//! The peers: found, built, started, and asked.

use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::server;

/// A peer whose process waits for tasks.
pub(crate) struct Peer {
    /// Its folder, most often the name of the crate that it measures.
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) settings: String,
    pub(crate) program: PathBuf,
    process: Option<Process>,
}

/// What a peer answers.
pub(crate) enum Answer {
    /// Nanoseconds on a processor, or bytes of memory.
    Took(u64),
    /// It has no way to do it.
    None,
    /// It did something else, or ended.
    Failed(String),
}

struct Process {
    child: Child,
    tasks: ChildStdin,
    answers: BufReader<ChildStdout>,
}

/// Builds and starts every folder beside `bench/peers` that is asked for. One that does not build is reported and left out.
pub(crate) fn build(asked: &[String]) -> io::Result<Vec<Peer>> {
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers");
    let mut names: Vec<String> = fs::read_dir(&home)?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| home.join(name).join("Cargo.toml").is_file())
        .filter(|name| asked.is_empty() || asked.contains(name))
        .collect();
    // This engine first, and the limits last.
    names.sort_by_key(|name| (name == "limits", name != "sockeye", name.clone()));
    let mut peers = Vec::new();
    for name in names {
        eprintln!("building {name}");
        match Peer::build(&home, &name) {
            Ok(peer) => peers.push(peer),
            Err(error) => eprintln!("{name} is left out: {error}"),
        }
    }
    Ok(peers)
}

impl Peer {
    /// By a cargo call of its own, with nothing in the environment that makes code for this very processor.
    fn build(home: &Path, name: &str) -> io::Result<Self> {
        let target = target();
        let status = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args(["build", "--release", "--quiet", "--manifest-path"])
            .arg(home.join(name).join("Cargo.toml"))
            .arg("--target-dir")
            .arg(&target)
            .env_remove("RUSTFLAGS")
            .env_remove("CARGO_ENCODED_RUSTFLAGS")
            .status()?;
        if !status.success() {
            return Err(io::Error::other("it does not build"));
        }
        let lock = fs::read_to_string(home.join(name).join("Cargo.lock"))?;
        let program = target.join("release").join(format!("peer-{name}{}", std::env::consts::EXE_SUFFIX));
        let version = version(&lock, name).unwrap_or_default().into();
        let mut peer = Self { name: name.into(), version, settings: String::new(), program, process: None };
        peer.start()?;
        Ok(peer)
    }

    /// Has so many units of a task done.
    pub(crate) fn ask(&mut self, task: &str, units: u64) -> Answer {
        match self.converse(task, units) {
            Ok(answer) if answer == "none" => Answer::None,
            Ok(answer) => match answer.split_once(' ').and_then(|(cpu, _)| cpu.parse().ok()) {
                Some(cpu) => Answer::Took(cpu),
                None => Answer::Failed(answer),
            },
            Err(error) => {
                self.stop();
                Answer::Failed(error.to_string())
            }
        }
    }

    fn converse(&mut self, task: &str, units: u64) -> io::Result<String> {
        self.start()?;
        let process = self.process.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        writeln!(process.tasks, "{units} {task}")?;
        process.tasks.flush()?;
        line(&mut process.answers)
    }

    fn start(&mut self) -> io::Result<()> {
        if self.process.is_some() {
            return Ok(());
        }
        let core = server::cores() - 1;
        let mut child = Command::new(&self.program)
            .args(["measure", &core.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (Some(tasks), Some(answers)) = (child.stdin.take(), child.stdout.take()) else { unreachable!("piped") };
        let mut answers = BufReader::new(answers);
        self.settings = line(&mut answers)?;
        self.process = Some(Process { child, tasks, answers });
        Ok(())
    }

    /// Ends its process; the next task is done by a new one.
    pub(crate) fn stop(&mut self) {
        if let Some(Process { mut child, .. }) = self.process.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.stop();
    }
}

fn line(answers: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    if answers.read_line(&mut line)? == 0 {
        return Err(io::Error::other("its process has ended"));
    }
    Ok(line.trim_end().into())
}

/// Beside what the runner itself was built into, so that a peer's artifacts are never another's.
fn target() -> PathBuf {
    let program = std::env::current_exe().unwrap_or_default();
    program.ancestors().nth(2).unwrap_or(Path::new("target")).join("peers")
}

/// The version of a crate in a lock file.
fn version<'a>(lock: &'a str, name: &str) -> Option<&'a str> {
    let package = lock.split_once(&format!("name = \"{name}\"\nversion = \""))?.1;
    Some(package.split_once('"')?.0)
}
