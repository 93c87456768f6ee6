//! Children that never outlive the runner.

use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};

/// A child process that is ended when this value is dropped, and also when the runner itself is
/// killed: a guard beside it waits on a pipe that the system closes together with the runner.
pub(crate) struct Process {
    child: Child,
    guard: Child,
}

impl Process {
    /// Starts `command`, with nothing to read and with its output in a pipe.
    pub(crate) fn start(command: &mut Command) -> Result<Self, String> {
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = spawn(command)?;
        let mut guard = Command::new("sh");
        guard
            .args(["-c", GUARD, "guard", &child.id().to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        match spawn(&mut guard) {
            Ok(guard) => Ok(Self { child, guard }),
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                Err(error)
            }
        }
    }

    /// What the child prints, once.
    pub(crate) fn output(&mut self) -> Result<ChildStdout, String> {
        self.child.stdout.take().ok_or_else(|| "the output is read already".into())
    }

    /// Whether the child still runs.
    pub(crate) fn running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits for the child to end by itself.
    pub(crate) fn wait(mut self) -> Result<ExitStatus, String> {
        self.child.wait().map_err(|error| format!("cannot wait for a child: {error}"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.running() {
            drop(self.guard.stdin.take());
            let _ = self.child.wait();
        }
        let _ = self.guard.kill();
        let _ = self.guard.wait();
    }
}

fn spawn(command: &mut Command) -> Result<Child, String> {
    command.spawn().map_err(|error| format!("cannot start {command:?}: {error}"))
}

/// Waits for the end of its input, then ends the child: politely, so that a container stops too,
/// and by force after three seconds. It ignores the signals of a terminal, which reach it as well.
const GUARD: &str = r#"
    trap '' HUP INT TERM
    read -r _
    kill "$1"
    for second in 1 2 3; do
        sleep 1
        kill -0 "$1" || exit
    done
    kill -9 "$1"
"#;

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::io::{BufRead as _, BufReader, Read as _};

    #[test]
    fn a_dropped_process_ends_at_once() {
        let mut process = Process::start(Command::new("sh").args(["-c", "echo up; exec sleep 600"])).expect("sh");
        let mut output = BufReader::new(process.output().expect("a pipe"));
        let mut line = String::new();
        output.read_line(&mut line).expect("a line");
        assert_eq!(line, "up\n");
        assert!(process.running());
        drop(process);
        assert_eq!(output.read(&mut [0]).expect("the end"), 0);
    }

    #[test]
    fn a_process_that_ignores_the_polite_signal_ends_too() {
        let script = "trap '' TERM; echo up; exec sleep 600";
        let mut process = Process::start(Command::new("sh").args(["-c", script])).expect("sh");
        let mut output = BufReader::new(process.output().expect("a pipe"));
        output.read_line(&mut String::new()).expect("a line");
        drop(process);
        assert_eq!(output.read(&mut [0]).expect("the end"), 0);
    }

    #[test]
    fn the_status_of_a_process_is_reported() {
        let process = Process::start(Command::new("sh").args(["-c", "exit 3"])).expect("sh");
        assert_eq!(process.wait().expect("a status").code(), Some(3));
        assert!(Process::start(&mut Command::new("/no/such/program")).is_err());
    }
}
