//! The servers of this package as processes that another program starts and looks at. Linux only, as it reads `/proc`.

use std::error::Error;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;
use std::{env, fs};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// A server that runs; it is ended when this is dropped.
pub struct Server {
    child: Child,
    /// Where it listens.
    pub url: String,
    /// Where it has written its certificate, if it speaks TLS.
    pub certificate: Option<PathBuf>,
}

impl Server {
    /// Starts a program on a free port. What it says on stderr goes to `stderr`.
    ///
    /// # Errors
    /// Where it cannot be started, or does not say `listening on URL`.
    pub fn start(program: &Path, stderr: Stdio) -> Outcome<Self> {
        let speaks_tls = program.file_name().is_some_and(|name| name.to_string_lossy().starts_with("tls"));
        let certificate = speaks_tls.then(|| program.with_extension("pem"));
        let mut child = Command::new(program)
            .arg("127.0.0.1:0")
            .args(certificate.iter().flat_map(|file| [OsStr::new("--certificate"), file.as_os_str()]))
            // Large pieces of memory that the program gives back go to the operating system: what glibc keeps of them for
            // later would be counted otherwise.
            .env("MALLOC_MMAP_THRESHOLD_", "32768")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .map_err(|error| format!("cannot start {}: {error}", program.display()))?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().ok_or("no pipe")?).read_line(&mut line)?;
        let url = line.trim().strip_prefix("listening on ").map(String::from);
        let server = Self { child, url: url.unwrap_or_default(), certificate };
        if server.url.is_empty() {
            return Err(format!("expected `listening on URL`, got `{}`", line.trim()).into());
        }
        Ok(server)
    }

    /// What it says on stderr, where that is piped, once.
    pub fn errors(&mut self) -> Option<ChildStderr> {
        self.child.stderr.take()
    }

    /// The program's memory, after this time, once it has been the same for a while.
    ///
    /// # Errors
    /// Where the program has ended.
    pub fn rest(&self, at_least: Duration) -> Outcome<u64> {
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

    /// What the program holds of the machine's memory, in bytes.
    ///
    /// # Errors
    /// Where the program has ended.
    pub fn memory(&self) -> Outcome<u64> {
        memory_of(&self.child.id().to_string())
    }

    /// How many files the program has open.
    ///
    /// # Errors
    /// Where the program has ended.
    pub fn files(&self) -> Outcome<usize> {
        let files = fs::read_dir(format!("/proc/{}/fd", self.child.id()));
        Ok(files.map_err(|error| format!("the server has ended: {error}"))?.count())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a process holds of the machine's memory, in bytes; `self` is this one.
///
/// # Errors
/// Where the process has ended.
pub fn memory_of(process: &str) -> Outcome<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("the program has ended")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
}

/// Builds servers of this package, as this program was built, and says where they are: beside it.
///
/// # Errors
/// Where they cannot be built.
pub fn build<'n>(names: impl IntoIterator<Item = &'n str>) -> Outcome<PathBuf> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let mut build = Command::new(cargo);
    build.args(["build", "--quiet", "--manifest-path", manifest]);
    build.args((!cfg!(debug_assertions)).then_some("--release"));
    build.args(names.into_iter().flat_map(|name| ["--bin", name]));
    if !build.status()?.success() {
        return Err("not all of the programs can be built".into());
    }
    Ok(env::current_exe()?.parent().ok_or("this program is in no folder")?.into())
}

/// How many files this process may have open, and with it the processes that it starts.
///
/// # Errors
/// Where `/proc` does not say.
pub fn open_files() -> Outcome<u64> {
    let limits = fs::read_to_string("/proc/self/limits")?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files")).ok_or("no limit of open files")?;
    Ok(line.split_whitespace().next().and_then(|limit| limit.parse().ok()).unwrap_or(u64::MAX))
}

/// How many files a connection takes: the halves of a blocking one have a handle each.
pub fn files_of_each(program: &str) -> u64 {
    if program.ends_with("threads") { 2 } else { 1 }
}

/// Files that a process has open beside its connections.
pub const SPARE_FILES: u64 = 100;

/// How often the memory is looked at, how many looks alike are a rest, and how many looks there are at most.
const ROUND: Duration = Duration::from_millis(250);
const SAME: u32 = 8;
const ROUNDS: u32 = 120;
