//! A program that talks in lines on its stdout, and ends with its stdin.

use std::fs::File;
use std::io::{BufRead, BufReader, Lines};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A program that was started. It is killed where it is dropped before its end.
pub(crate) struct Process {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Process {
    /// Starts a program; what it says on stderr goes into the [`log`].
    pub(crate) fn start(command: &mut Command, folder: &Path) -> Result<Self, String> {
        let log = File::options().create(true).append(true).open(log(folder)).map_err(|error| error.to_string())?;
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log);
        let mut child = command.spawn().map_err(|error| format!("cannot start {command:?}: {error}"))?;
        let stdout = child.stdout.take().ok_or("the program has no stdout")?;
        running().push(child.id());
        Ok(Self { child, lines: BufReader::new(stdout).lines() })
    }

    /// The next line; `None` at the end.
    pub(crate) fn line(&mut self) -> Result<Option<String>, String> {
        self.lines.next().transpose().map_err(|error| format!("cannot read what the program prints: {error}"))
    }

    /// The URL of a server that says where it listens.
    pub(crate) fn listening(&mut self) -> Result<String, String> {
        let line = self.line()?.unwrap_or_default();
        let url = line.strip_prefix("listening on ");
        url.map(|url| format!("{url}/")).ok_or(format!("expected the server to say where it listens, got '{line}'"))
    }

    /// Asks the program to terminate, as a supervisor does.
    pub(crate) fn terminate(&self) -> Result<(), String> {
        signal("TERM", self.child.id())
    }

    /// Closes the program's stdin and waits for its end.
    pub(crate) fn end(mut self) -> Result<(), String> {
        let status = self.child.wait().map_err(|error| error.to_string())?;
        if status.success() { Ok(()) } else { Err(format!("the program ended with {status}")) }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It has ended where nothing went wrong, and then this does nothing.
        let _ = self.child.kill();
        let _ = self.child.wait();
        running().retain(|&id| id != self.child.id());
    }
}

/// What all programs said on stderr.
pub(crate) fn log(folder: &Path) -> PathBuf {
    folder.join("stderr.log")
}

/// Kills every program that still runs.
pub(crate) fn kill_all() {
    for &id in running().iter() {
        let _ = signal("KILL", id);
    }
}

fn signal(name: &str, id: u32) -> Result<(), String> {
    let status = Command::new("kill").args(["-s", name, &id.to_string()]).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("kill ended with {status}")),
        Err(error) => Err(format!("cannot start kill: {error}")),
    }
}

fn running() -> MutexGuard<'static, Vec<u32>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

static RUNNING: Mutex<Vec<u32>> = Mutex::new(Vec::new());
