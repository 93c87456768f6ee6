//! Lets sockeye talk to other implementations, as a server and as a client: see `README.md`.

mod client;
mod process;

use std::env;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use process::Process;

fn main() -> ExitCode {
    let Some(folder) = env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("expected the folder where the peers are installed: start this with interop/run");
        return ExitCode::from(2);
    };
    let (done, all_done) = channel();
    thread::spawn(move || done.send(run(&folder)));
    let Ok(passed) = all_done.recv_timeout(PATIENCE) else {
        process::kill_all();
        eprintln!("not done after {} seconds: somebody waits for a message that never comes", PATIENCE.as_secs());
        return ExitCode::FAILURE;
    };
    if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Holds every conversation, prints the table, and says whether all went well.
fn run(folder: &Path) -> bool {
    let mut table =
        format!("\n{:<12} {:<7} {:<12} {:<15} {:>6}  result\n", "peer", "role", "compression", "sockeye", "checks");
    let mut passed = true;
    let _ = std::fs::remove_file(process::log(folder));
    for peer in [Peer::WS, Peer::WEBSOCKETS] {
        for variant in VARIANTS {
            for example in ["echo", "echo_blocking"] {
                let outcome = talk_as_server(&peer, folder, variant, example);
                passed &= outcome.failure.is_none();
                outcome.write_row(&mut table, [peer.name, "client", variant, example]);
            }
            let outcome = talk_as_client(&peer, folder, variant);
            passed &= outcome.failure.is_none();
            outcome.write_row(&mut table, [peer.name, "server", variant, "blocking client"]);
        }
    }
    print!("{table}");
    if passed {
        println!("\nall conversations went as they should");
    } else {
        println!("\nsome conversations went wrong; what the programs said is in {}", process::log(folder).display());
    }
    passed
}

/// Another implementation.
struct Peer {
    name: &'static str,
    /// Its interpreter, from the folder of the peers or from the `PATH`.
    interpreter: &'static str,
    client: &'static str,
    server: &'static str,
}

impl Peer {
    const WS: Self = Self { name: "ws", interpreter: "node", client: "ws/client.mjs", server: "ws/server.mjs" };
    const WEBSOCKETS: Self = Self {
        name: "websockets",
        interpreter: "websockets/bin/python",
        client: "websockets/client.py",
        server: "websockets/server.py",
    };

    fn start(&self, folder: &Path, program: &str, arguments: &[&str]) -> Result<Process, String> {
        let installed = folder.join(self.interpreter);
        let interpreter = if installed.exists() { installed } else { self.interpreter.into() };
        Process::start(Command::new(interpreter).arg(folder.join(program)).args(arguments), folder)
    }
}

/// How a conversation went.
#[derive(Default)]
struct Outcome {
    checks: usize,
    failure: Option<String>,
}

impl Outcome {
    fn write_row(&self, table: &mut String, [peer, role, variant, ours]: [&str; 4]) {
        let result = self.failure.as_deref().unwrap_or("ok");
        let _ = writeln!(table, "{peer:<12} {role:<7} {variant:<12} {ours:<15} {:>6}  {result}", self.checks);
    }
}

/// The peer's client says what it saw of our server, a line for each check.
fn talk_as_server(peer: &Peer, folder: &Path, variant: &str, example: &str) -> Outcome {
    let mut outcome = Outcome::default();
    let talk = |outcome: &mut Outcome| {
        let server = folder.join("../release/examples").join(example);
        let mut server = Process::start(Command::new(server).arg("127.0.0.1:0"), folder)?;
        let url = server.listening()?;
        let mut client = peer.start(folder, peer.client, &[&url, variant])?;
        while let Some(line) = client.line()? {
            if line == "stop the server" {
                server.terminate()?;
            } else if line.starts_with("ok ") {
                outcome.checks += 1;
            } else {
                return Err(line);
            }
        }
        client.end()?;
        server.end()
    };
    outcome.failure = talk(&mut outcome).err();
    outcome
}

/// Our client checks the peer's server.
fn talk_as_client(peer: &Peer, folder: &Path, variant: &str) -> Outcome {
    let mut outcome = Outcome::default();
    let talk = |outcome: &mut Outcome| {
        let mut server = peer.start(folder, peer.server, &[variant])?;
        let url = server.listening()?;
        for (name, check) in client::CHECKS {
            check(&url, variant).map_err(|error| format!("failed {name}: {error}"))?;
            outcome.checks += 1;
        }
        server.end()
    };
    outcome.failure = talk(&mut outcome).err();
    outcome
}

/// How compression is asked for; what the words mean to a peer is in its `shared` file.
const VARIANTS: [&str; 4] = ["none", "default", "no-takeover", "window-10"];

/// All conversations take less than a minute.
const PATIENCE: Duration = Duration::from_secs(300);
