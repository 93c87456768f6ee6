//! The suite's program, `wstest`: found, installed, or run in its container.

use crate::cases::{self, Id};
use crate::process::Process;
use serde_json::{Value, json};
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command, Stdio};
use std::{env, io};

/// A way to run the suite.
#[derive(Clone, Debug)]
pub(crate) enum Wstest {
    /// A program of this machine.
    Program(PathBuf),
    /// The project's container, which shares this machine's network.
    Container,
}

impl Wstest {
    /// Finds `wstest` on the `PATH`, or installs it below `target`, or falls back to Docker.
    pub(crate) fn find(target: &Path) -> Result<Self, String> {
        let installed = target.join(format!("wstest-{VERSION}"));
        for program in [PathBuf::from("wstest"), installed.join("bin/wstest")] {
            let version = Command::new(&program).arg("--autobahnversion").output();
            let Some(version) = version.ok().filter(|version| version.status.success()) else {
                continue;
            };
            let version = String::from_utf8_lossy(&version.stdout);
            if !version.contains(VERSION) {
                eprintln!("expected.json is about autobahntestsuite {VERSION}; this is {version}");
            }
            return Ok(Self::Program(program));
        }
        if let Some(python) = python() {
            let folder = installed.display();
            eprintln!("installing autobahntestsuite {VERSION} into {folder}");
            match install(&python, &installed) {
                Ok(program) => return Ok(Self::Program(program)),
                Err(error) => eprintln!("{error}"),
            }
        }
        if succeeds(Command::new("docker").arg("info")) {
            return Ok(Self::Container);
        }
        Err("install Python 2.7 or PyPy 2.7 (such as with `pyenv install 2.7.18`), or start \
             Docker, and run this again"
            .into())
    }

    /// The numbers of all the cases of the suite, by its own account.
    pub(crate) fn cases(&self, folder: &Path) -> Result<Vec<Id>, String> {
        // The suite prints them before it finds out that nobody listens.
        let nobody = format!("ws://127.0.0.1:{}", free_port()?);
        let spec = json!({
            "outdir": folder,
            "servers": [{ "agent": "nobody", "url": nobody }],
            "cases": ["*"],
        });
        let mut listing = self.start("fuzzingclient", &spec, folder)?;
        let output = io::read_to_string(listing.output()?)
            .map_err(|error| format!("cannot read the suite's list of cases: {error}"))?;
        let mut cases = cases::listed(&output);
        if cases.is_empty() {
            return Err(format!("the suite lists no cases; it says:\n{output}"));
        }
        cases.sort();
        Ok(cases)
    }

    /// Starts the suite in a mode of its own, as `spec` says. What it needs and what it leaves
    /// is in `folder`.
    pub(crate) fn start(&self, mode: &str, spec: &Value, folder: &Path) -> Result<Process, String> {
        let failed = |error: io::Error| format!("cannot write to {}: {error}", folder.display());
        let path = folder.join("spec.json");
        fs::create_dir_all(folder).map_err(failed)?;
        fs::write(&path, format!("{spec:#}\n")).map_err(failed)?;
        let mut command = match self {
            Self::Program(program) => Command::new(program),
            Self::Container => container(folder)?,
        };
        command
            .args(["--mode", mode, "--webport", "0", "--spec"])
            .arg(&path)
            .current_dir(folder)
            .env("PYTHONUNBUFFERED", "1")
            .stderr(File::create(folder.join("wstest.err")).map_err(failed)?);
        Process::start(&mut command)
    }
}

/// Copies what the suite prints into `log`, and reports each case as it starts.
pub(crate) fn follow(output: ChildStdout, log: &Path, mut started: impl FnMut()) -> io::Result<()> {
    let mut log = File::create(log)?;
    for line in BufReader::new(output).split(b'\n') {
        let line = line?;
        log.write_all(&line)?;
        log.write_all(b"\n")?;
        if line.starts_with(b"Running test case ID ") {
            started();
        }
    }
    Ok(())
}

/// A port that nobody listened on a moment ago.
pub(crate) fn free_port() -> Result<u16, String> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|error| format!("cannot find a free port: {error}"))
}

/// The first interpreter of Python 2.7 on the `PATH` or among pyenv's.
fn python() -> Option<PathBuf> {
    let named = ["python2.7", "pypy", "pypy2", "pypy2.7"].map(PathBuf::from);
    let pyenv =
        env::var_os("PYENV_ROOT").map(PathBuf::from).or_else(|| env::home_dir().map(|home| home.join(".pyenv")));
    let mut versions: Vec<_> = pyenv
        .and_then(|root| fs::read_dir(root.join("versions")).ok())
        .into_iter()
        .flatten()
        .flatten()
        .flat_map(|version| ["python2.7", "pypy"].map(|name| version.path().join("bin").join(name)))
        .collect();
    versions.sort();
    let is_2_7 = "import sys; sys.exit(sys.version_info[:2] != (2, 7))";
    named.into_iter().chain(versions).find(|python| succeeds(Command::new(python).args(["-c", is_2_7])))
}

/// Makes a virtual environment of `python` in `folder` and installs the suite there.
fn install(python: &Path, folder: &Path) -> Result<PathBuf, String> {
    let tool = folder.with_file_name("virtualenv");
    for stale in [folder, &tool] {
        if stale.exists() {
            fs::remove_dir_all(stale).map_err(|error| format!("cannot remove {}: {error}", stale.display()))?;
        }
    }
    if succeeds(Command::new(python).args(["-m", "virtualenv", "--version"])) {
        let arguments = ["-m".as_ref(), "virtualenv".as_ref(), folder.as_os_str()];
        demand(Command::new(python).args(arguments))?;
    } else {
        let pip = ["-m", "pip", "install", "--quiet", VIRTUALENV, "--target"];
        demand(Command::new("python3").args(pip).arg(&tool))?;
        let arguments: [&OsStr; 5] =
            ["-m".as_ref(), "virtualenv".as_ref(), "--python".as_ref(), python.as_os_str(), folder.as_os_str()];
        demand(Command::new("python3").args(arguments).env("PYTHONPATH", &tool))?;
    }
    let suite = format!("autobahntestsuite=={VERSION}");
    demand(Command::new(folder.join("bin/pip")).args(["install", "--quiet", &suite]))?;
    Ok(folder.join("bin/wstest"))
}

/// The command that runs `wstest` in the project's container, as the user who runs this, who
/// then owns the report.
fn container(folder: &Path) -> Result<Command, String> {
    let user = Command::new("id").arg("-u").output().map_err(|error| format!("cannot run `id -u`: {error}"))?;
    let user = String::from_utf8_lossy(&user.stdout);
    let mut volume = OsString::from(folder);
    volume.push(":");
    volume.push(folder);
    let mut command = Command::new("docker");
    command
        .args(["run", "--rm", "--init", "--network", "host", "--env", "PYTHONUNBUFFERED=1"])
        .args(["--user", user.trim(), "--volume"])
        .arg(volume)
        .args([IMAGE, "wstest"]);
    Ok(command)
}

fn succeeds(command: &mut Command) -> bool {
    let silent = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    silent.status().is_ok_and(|status| status.success())
}

/// Runs `command` to its end and demands that it succeeds; what it complains about is shown.
fn demand(command: &mut Command) -> Result<(), String> {
    command.env("PIP_DISABLE_PIP_VERSION_CHECK", "1").env("PIP_NO_PYTHON_VERSION_WARNING", "1");
    let mut process = Process::start(command)?;
    io::copy(&mut process.output()?, &mut io::sink())
        .map_err(|error| format!("cannot read what {command:?} says: {error}"))?;
    match process.wait()? {
        status if status.success() => Ok(()),
        status => Err(format!("{command:?} failed: {status}")),
    }
}

/// The version of the suite that `expected.json` is about.
pub(crate) const VERSION: &str = "25.10.1";

/// The last releases of virtualenv that know Python 2.7.
const VIRTUALENV: &str = "virtualenv<20.22";

const IMAGE: &str = "crossbario/autobahn-testsuite";
