//! A program that runs as a user runs it, and never outlives its test.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, JoinHandle};

use crate::stage::PATIENCE;

/// What a program is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Server,
    Client,
}

/// A program under test.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Program {
    pub(crate) role: Role,
    pub(crate) path: &'static str,
    /// Whether it speaks TLS.
    pub(crate) tls: bool,
}

/// A program that runs; it is ended when this is dropped.
pub(crate) struct Running {
    id: u32,
    stdout: BufReader<ChildStdout>,
    stderr: Option<JoinHandle<String>>,
    /// Tells the status once it has ended.
    ended: Receiver<ExitStatus>,
    waiter: Option<JoinHandle<()>>,
}

/// What a program came to.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: Option<i32>,
    /// What it printed since it was last read.
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Program {
    pub(crate) fn start(self, arguments: &[&str]) -> Running {
        let mut child = Command::new(self.path)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let (id, stdout) = (child.id(), BufReader::new(child.stdout.take().expect("a pipe")));
        let mut errors = child.stderr.take().expect("a pipe");
        let stderr = thread::spawn(move || {
            let mut said = Vec::new();
            let _ = errors.read_to_end(&mut said);
            String::from_utf8(said).expect("the program speaks UTF-8")
        });
        let (tell, ended) = channel();
        let waiter = thread::spawn(move || {
            let _ = tell.send(Child::wait(&mut child).expect("a child to wait for"));
        });
        Running { id, stdout, stderr: Some(stderr), ended, waiter: Some(waiter) }
    }
}

impl Running {
    /// The next line of stdout.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("a line of stdout");
        line.trim_end_matches('\n').into()
    }

    /// What a user does with Ctrl-C.
    pub(crate) fn interrupt(&self) {
        self.signal("-INT");
    }

    /// Waits for the program to end by itself.
    #[track_caller]
    pub(crate) fn outcome(mut self) -> Outcome {
        let status = self.ended.recv_timeout(PATIENCE).expect("the program did not end in time");
        let mut stdout = String::new();
        self.stdout.read_to_string(&mut stdout).expect("the rest of stdout");
        let stderr = self.stderr.take().expect("stderr is read once").join().expect("stderr");
        assert!(!stderr.contains("panicked"), "{stderr}");
        Outcome { code: status.code(), stdout, stderr }
    }

    /// The most memory that the program had at any time, in bytes, where the operating system tells.
    pub(crate) fn peak(&self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id)).ok()?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        peak.trim().strip_suffix(" kB")?.parse().ok().map(|kilobytes: u64| kilobytes * 1024)
    }

    fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.id.to_string()]).stderr(Stdio::null()).status();
        assert!(sent.is_ok_and(|status| status.success()) || self.waiter.is_none(), "the program is gone");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(waiter) = self.waiter.take() {
            // While the waiter has not said so, the program is there and its number is nobody else's.
            if !waiter.is_finished() {
                self.signal("-KILL");
            }
            let _ = waiter.join();
        }
        if thread::panicking()
            && let Some(stderr) = self.stderr.take()
        {
            eprintln!("the program said:\n{}", stderr.join().unwrap_or_default());
        }
    }
}
