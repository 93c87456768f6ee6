//! Thousands of connections that live and die: `cargo run --release -p embed --bin live -- --help`.
//!
//! It starts a server as a process of its own and talks to it over as many connections as it is told, all of the adapter
//! `tokio`. Each sends numbered messages and judges their echoes, while a share of all is killed each second and replaced. In
//! the end it prints a table, and exits with 1 where a connection that was not killed has lost something, or memory has not
//! come back.
//!
//! | file | what is in it |
//! | --- | --- |
//! | `options` | the arguments |
//! | `letters` | the messages of one connection, and what is wrong with their echoes |
//! | `mortal` | a TCP stream that can be told to break in the middle of a frame |
//! | `place` | one connection after another, from its opening to its end |
//! | `load` | all places, those who are killed, and the time |
//! | `tally` | what is counted, the table, and what it must not say |

mod letters;
mod load;
mod mortal;
mod options;
mod place;
mod tally;

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{BufRead, BufReader};
use std::process::{ChildStderr, ExitCode, Stdio};
use std::thread;
use std::time::Duration;

use embed::process::{SPARE_FILES, Server, build, files_of_each, memory_of, open_files};

use crate::options::Options;
use crate::tally::{Held, Machine, Report};

fn main() -> ExitCode {
    let options = match Options::read() {
        Ok(options) => options,
        Err(wrong) if wrong.is_empty() => {
            println!("{}", options::USAGE);
            return ExitCode::SUCCESS;
        }
        Err(wrong) => {
            eprintln!("{wrong}\n\n{}", options::USAGE);
            return ExitCode::from(2);
        }
    };
    match run(&options) {
        Ok(report) => {
            println!("{report}");
            let broken = report.broken();
            broken.iter().for_each(|claim| println!("BROKEN: {claim}"));
            if broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("live: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(options: &Options) -> Result<Report, Box<dyn Error>> {
    if !cfg!(target_os = "linux") {
        return Err("the memory of a program is read from /proc, which Linux alone has".into());
    }
    raise_open_files();
    let program = match &options.program {
        Some(program) => program.clone(),
        None => build([options.server.as_str()])?.join(&options.server),
    };
    let files = options.connections as u64 * files_of_each(&program.to_string_lossy()) + SPARE_FILES;
    let most = open_files()?;
    if files > most {
        return Err(format!(
            "{} connections need {files} open files, and a process may have {most}: raise the limit with \
             `ulimit -Hn {files}`, or take fewer with --connections",
            options.connections
        )
        .into());
    }
    let mut server = Server::start(&program, Stdio::piped())?;
    let errors = server.errors().ok_or("no pipe")?;
    let errors = thread::spawn(move || kinds(errors));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let address = server.url.strip_prefix("ws://").map(|rest| rest.trim_end_matches('/').parse());
    let Some(Ok(address)) = address else {
        return Err(format!("expected a server without TLS on an IP address, got {}", server.url).into());
    };
    let rest = || Ok::<_, Box<dyn Error>>(Held { server: server.rest(Duration::ZERO)?, load: memory_of("self")? });
    let new = rest()?;
    // What an allocator keeps for good of what it once gave is no leak: a round without a death comes first.
    let rehearsal = runtime.block_on(load::run(options, 0, address, &server))?;
    let (start, files_before) = (rest()?, server.files()?);
    let mut run = None;
    let work = || run = Some(runtime.block_on(load::run(options, options.seconds, address, &server)));
    // The runtime has this one thread, so that the count is of all that the load does.
    let leaked = allocation_counter::measure(work).bytes_current;
    let run = run.ok_or("the load did not run")??;
    let (after, files) = (rest()?, [files_before, server.files()?]);
    drop(server);
    let errors = errors.join().map_err(|_| "the server's errors were not read to their end")?;
    Ok(Report {
        title: format!(
            "{}: {} connections, {} s, {} % killed each second, seed {}",
            program.file_name().unwrap_or_default().to_string_lossy(),
            options.connections,
            options.seconds,
            options.share,
            options.seed
        ),
        connections: options.connections,
        rehearsal: rehearsal.tally,
        tally: run.tally,
        machine: Machine { new, start, open: run.open, peak: run.peak, after, leaked, files },
        errors,
    })
}

/// The lines that a server says of its connections, without the connections' addresses, and how often.
fn kinds(errors: ChildStderr) -> BTreeMap<String, u64> {
    let mut kinds = BTreeMap::new();
    for line in BufReader::new(errors).lines().map_while(Result::ok) {
        if let Some((_, error)) = line.strip_prefix("connection from ").and_then(|line| line.split_once(": ")) {
            *kinds.entry(String::from(error)).or_default() += 1;
        } else if line.contains("panicked") {
            *kinds.entry(line).or_default() += 1;
        }
    }
    kinds
}

/// As many as the system lets a process have without asking anybody.
fn raise_open_files() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let most = getrlimit(Resource::Nofile).maximum;
        // If it is refused, what was allowed before is compared with what is needed.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: most, maximum: most });
    }
}
