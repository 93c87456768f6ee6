//! Servers over loopback: under load, and with idle connections.

use std::io;
use std::thread::sleep;
use std::time::Duration;

use crate::load::{self, Load};
use crate::measure::progress;
use crate::options::Options;
use crate::part::{Axis, Part, Task};
use crate::peers::Peer;
use crate::results::{Cell, Results, Row, Taken};
use crate::server::{Program, Server};

/// Messages a second, and what each takes of the server's core.
pub(crate) fn messages(part: &'static Part, peers: &[Peer], options: &Options) -> io::Result<Results> {
    let servers = start(peers)?;
    let span = options.span * if options.quick { 40 } else { 50 };
    let rows = || servers.iter().map(|(program, _)| program.row()).collect::<Vec<Row>>();
    let (mut speeds, mut times) = (rows(), rows());
    for (index, (label, load)) in LOADS.iter().enumerate() {
        let mut samples = vec![(Vec::new(), Vec::new()); servers.len()];
        for round in 0..options.rounds {
            progress(&format!("loopback {}/{}: {label}, round {}", index + 1, LOADS.len(), round + 1));
            for turn in 0..servers.len() {
                let index = (turn + round) % servers.len();
                match load::echoed(&servers[index].1, *load, span) {
                    Ok(echoed) => {
                        samples[index].0.push(echoed.messages);
                        samples[index].1.extend(echoed.cpu);
                    }
                    Err(error) => eprintln!("{} failed at {label}: {error}", speeds[index].name),
                }
            }
        }
        for ((speed, time), (messages, cpu)) in speeds.iter_mut().zip(&mut times).zip(samples) {
            speed.cells.push(Cell::of(messages));
            time.cells.push(Cell::of(cpu));
        }
    }
    progress("");
    let tasks = || {
        let task =
            |(place, (label, _)): (u64, &(&str, _))| Task { label: (*label).into(), x: place, words: (*label).into() };
        (1..).zip(LOADS).map(task).collect()
    };
    let title = "connections, bytes, messages under way on each";
    let mut results = Results::new(part, options.rounds);
    for (name, unit, rows) in [("echoes", part.unit, speeds), ("the server's core", "CPU ns a message", times)] {
        results.tables.push(Taken {
            title: format!("{name}: {title}"),
            unit,
            axis: Axis::Names,
            linear: false,
            tasks: tasks(),
            rows,
        });
    }
    Ok(results)
}

/// Resident memory for each idle connection.
pub(crate) fn memory(part: &'static Part, peers: &[Peer], options: &Options) -> io::Result<Results> {
    let counts: &[usize] = if options.quick { &[100, 500] } else { &[100, 1_000, 10_000] };
    let mut rows: Vec<Row> = Vec::new();
    for program in Program::all(peers)? {
        let mut row = program.row();
        for &count in counts {
            progress(&format!("memory: {}, {count} connections", row.name));
            let Some(server) = program.start()? else { break };
            row.cells.push(match each(&server, count) {
                Ok(bytes) => Cell::of(vec![bytes]),
                Err(error) => {
                    eprintln!("{} failed with {count} connections: {error}", row.name);
                    Cell::Failed
                }
            });
        }
        if !row.cells.is_empty() {
            rows.push(row);
        }
    }
    progress("");
    let task = |&count: &usize| Task { label: count.to_string(), x: count as u64, words: count.to_string() };
    let title = "idle connections, which have sent and received a message".into();
    let mut results = Results::new(part, 1);
    results.tables.push(Taken {
        title,
        unit: part.unit,
        axis: Axis::Connections,
        linear: false,
        tasks: counts.iter().map(task).collect(),
        rows,
    });
    Ok(results)
}

/// What each of so many connections adds to the memory of a server that has served one before.
pub(crate) fn each(server: &Server, count: usize) -> io::Result<f64> {
    drop(load::idle(server, 1)?);
    let before = rest(server)?;
    let connections = load::idle(server, count)?;
    let after = rest(server)?;
    drop(connections);
    Ok(after.saturating_sub(before) as f64 / count as f64)
}

/// The memory once it has been the same for a second.
pub(crate) fn rest(server: &Server) -> io::Result<u64> {
    let (mut memory, mut same) = (0, 0);
    for _ in 0..120 {
        let now = server.memory().ok_or_else(|| io::Error::other("the system does not tell its memory"))?;
        same = if now == memory { same + 1 } else { 0 };
        memory = now;
        if same == 4 {
            break;
        }
        sleep(Duration::from_millis(250));
    }
    Ok(memory)
}

pub(crate) fn start(peers: &[Peer]) -> io::Result<Vec<(Program, Server)>> {
    let mut servers = Vec::new();
    for program in Program::all(peers)? {
        if let Some(server) = program.start()? {
            servers.push((program, server));
        }
    }
    Ok(servers)
}

const LOADS: &[(&str, Load)] = &[
    ("1, 64 B", Load { connections: 1, size: 64, depth: 1 }),
    ("1, 64 B, 16", Load { connections: 1, size: 64, depth: 16 }),
    ("100, 64 B", Load { connections: 100, size: 64, depth: 1 }),
    ("100, 64 B, 16", Load { connections: 100, size: 64, depth: 16 }),
    ("100, 1 KiB", Load { connections: 100, size: 1 << 10, depth: 1 }),
    ("100, 16 KiB", Load { connections: 100, size: 16 << 10, depth: 1 }),
    ("10, 1 MiB", Load { connections: 10, size: 1 << 20, depth: 1 }),
];
