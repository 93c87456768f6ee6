//! A run of the suite against one testee in one role.

use crate::cases::Id;
use crate::embeddings::Embedding;
use crate::process::Process;
use crate::report::{self, Verdicts};
use crate::wstest::{Wstest, follow, free_port};
use serde_json::{Value, json};
use std::io::{self, BufRead as _, BufReader, IsTerminal as _, Write as _, stderr};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};
use std::{fs, thread};

/// What the testee is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// The suite's client connects to it.
    Server,
    /// It connects to the suite's server.
    Client,
}

impl Role {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Client => "client",
        }
    }
}

/// A testee, the suite, and where the report goes.
#[derive(Clone, Debug)]
pub(crate) struct Suite {
    pub(crate) wstest: Wstest,
    pub(crate) role: Role,
    pub(crate) embedding: Embedding,
    /// The embedding's program or `testee-client`, or one that takes the same arguments.
    pub(crate) testee: PathBuf,
    /// The folder of the report.
    pub(crate) folder: PathBuf,
}

impl Suite {
    /// Runs `shards` at the same time, shows how far they are, and joins their verdicts.
    pub(crate) fn run(&self, shards: &[Vec<Id>]) -> Result<Verdicts, String> {
        let (_server, address) = match self.role {
            Role::Server => self.server().map(|(server, url)| (Some(server), url))?,
            Role::Client => (None, String::new()),
        };
        let (sender, receiver) = channel();
        for (index, cases) in shards.iter().enumerate() {
            let (suite, cases, address) = (self.clone(), cases.clone(), address.clone());
            let folder = self.folder.join(shard_name(index));
            let sender = sender.clone();
            thread::spawn(move || {
                let ended = match suite.role {
                    Role::Server => suite.test_server(&address, &cases, &folder, &sender),
                    Role::Client => suite.test_client(&cases, &folder, &sender),
                };
                let _ = sender.send(Progress::Ended(ended));
            });
        }
        let mut progress = Display::new(shards.iter().map(Vec::len).sum());
        let mut running = shards.len();
        while running > 0 {
            match receiver.recv_timeout(PATIENCE) {
                Ok(Progress::Started) => progress.advance(),
                Ok(Progress::Ended(ended)) => {
                    ended?;
                    running -= 1;
                }
                Err(_) => {
                    return Err(format!("nothing happened for {} seconds", PATIENCE.as_secs()));
                }
            }
        }
        progress.finish();
        self.verdicts(shards.len())
    }

    /// Starts our server. Its first line says where it listens. It complains of what the suite provokes, and the
    /// suite judges what came of it: the complaints go into a file.
    fn server(&self) -> Result<(Process, String), String> {
        let path = self.folder.join("testee.err");
        let complaints =
            fs::File::create(&path).map_err(|error| format!("cannot write to {}: {error}", path.display()))?;
        let mut command = Command::new(&self.testee);
        let mut server = Process::start(command.arg("127.0.0.1:0").stderr(complaints))?;
        let mut output = BufReader::new(server.output()?);
        let mut line = String::new();
        let _ = output.read_line(&mut line);
        let Some(url) = line.trim().strip_prefix("listening on ") else {
            let complaints = fs::read_to_string(&path).unwrap_or_default();
            return Err(format!("{command:?} does not say where it listens: `{}`\n{complaints}", line.trim()));
        };
        // A server that tells more must not wait for a reader.
        thread::spawn(move || io::copy(&mut output, &mut io::sink()));
        Ok((server, url.into()))
    }

    /// Runs the suite's client against the server at `url`.
    fn test_server(&self, url: &str, cases: &[Id], folder: &Path, progress: &Sender<Progress>) -> Result<(), String> {
        let mut spec = self.spec(cases, folder);
        spec["servers"] = json!([{ "agent": self.agent(), "url": url }]);
        spec["options"]["serverConnectionDropTimeout"] = TIMEOUT.into();
        let mut client = self.wstest.start("fuzzingclient", &spec, folder)?;
        let started = || drop(progress.send(Progress::Started));
        follow(client.output()?, &folder.join("wstest.out"), started)
            .map_err(|error| format!("cannot follow the suite: {error}"))?;
        match client.wait()? {
            status if status.success() => Ok(()),
            status => Err(format!("the suite failed, {status}: see {}", folder.display())),
        }
    }

    /// Runs our client against the suite's server.
    fn test_client(&self, cases: &[Id], folder: &Path, progress: &Sender<Progress>) -> Result<(), String> {
        let (mut server, url) = self.suite_server(cases, folder)?;
        let (output, log) = (server.output()?, folder.join("wstest.out"));
        let progress = progress.clone();
        let follower = thread::spawn(move || follow(output, &log, || drop(progress.send(Progress::Started))));
        let mut command = Command::new(&self.testee);
        let adapter = self.embedding.client.unwrap_or(self.embedding.name);
        command.args(["--adapter", adapter, &url, &self.agent()]);
        let mut client = Process::start(&mut command)?;
        let _ = io::copy(&mut client.output()?, &mut io::sink());
        let status = client.wait()?;
        drop(server);
        if !status.success() {
            return Err(format!("{command:?} failed: {status}"));
        }
        match follower.join() {
            Ok(Ok(())) => Ok(()),
            _ => Err(format!("cannot follow the suite: see {}", folder.display())),
        }
    }

    /// Starts the suite's server and waits until it listens.
    fn suite_server(&self, cases: &[Id], folder: &Path) -> Result<(Process, String), String> {
        // The suite cannot choose a port and tell it, so somebody else may be faster.
        for _ in 0..ATTEMPTS {
            let port = free_port()?;
            let mut spec = self.spec(cases, folder);
            spec["url"] = format!("ws://127.0.0.1:{port}").into();
            let mut server = self.wstest.start("fuzzingserver", &spec, folder)?;
            while server.running() {
                if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
                    return Ok((server, format!("ws://127.0.0.1:{port}")));
                }
                thread::sleep(Duration::from_millis(20));
            }
        }
        Err(format!("the suite's server does not start: see {}", folder.display()))
    }

    /// What both of the suite's modes are told.
    fn spec(&self, cases: &[Id], folder: &Path) -> Value {
        let cases: Vec<_> = cases.iter().map(Id::to_string).collect();
        json!({
            "outdir": folder,
            "cases": cases,
            "options": { "openHandshakeTimeout": TIMEOUT, "closeHandshakeTimeout": TIMEOUT },
        })
    }

    /// The testee's name in the reports.
    fn agent(&self) -> String {
        format!("sockeye-{}", self.embedding.name)
    }

    fn verdicts(&self, shards: usize) -> Result<Verdicts, String> {
        let mut verdicts = Verdicts::new();
        for name in (0..shards).map(shard_name) {
            let path = self.folder.join(&name).join("index.json");
            let failed = |error: String| format!("{}: {error}", path.display());
            let index = fs::read_to_string(&path).map_err(|error| failed(error.to_string()))?;
            verdicts.extend(report::read(&index, &name).map_err(failed)?);
        }
        Ok(verdicts)
    }
}

/// What a shard tells while it runs.
enum Progress {
    /// A case has started.
    Started,
    /// The shard has ended.
    Ended(Result<(), String>),
}

/// One line that is written over on a terminal, and a line now and then elsewhere.
struct Display {
    started: usize,
    total: usize,
    begin: Instant,
    shown: Option<Instant>,
}

impl Display {
    fn new(total: usize) -> Self {
        Self { started: 0, total, begin: Instant::now(), shown: None }
    }

    fn advance(&mut self) {
        self.started += 1;
        let pause = if stderr().is_terminal() { Duration::ZERO } else { Duration::from_secs(20) };
        if self.shown.is_none_or(|shown| shown.elapsed() >= pause) {
            self.shown = Some(Instant::now());
            self.show();
        }
    }

    fn finish(self) {
        self.show();
        if stderr().is_terminal() {
            eprintln!();
        }
    }

    fn show(&self) {
        let Self { started, total, begin, .. } = self;
        let seconds = begin.elapsed().as_secs();
        let (minutes, seconds) = (seconds / 60, seconds % 60);
        let line = format!("case {started} of {total}, {minutes}:{seconds:02} elapsed");
        if stderr().is_terminal() {
            eprint!("\r{line}");
            let _ = stderr().flush();
        } else {
            eprintln!("{line}");
        }
    }
}

fn shard_name(index: usize) -> String {
    format!("shard-{}", index + 1)
}

/// How many seconds the suite waits for the opening and the closing handshake and for the server
/// to drop the connection, instead of five, one and one: a busy machine is not a wrong answer.
const TIMEOUT: u32 = 15;

/// How long the shards may be silent together. The suite ends its longest case after 480 seconds.
const PATIENCE: Duration = Duration::from_secs(600);

/// How often the suite's server is started on another port.
const ATTEMPTS: u32 = 5;
