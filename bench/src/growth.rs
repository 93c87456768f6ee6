//! How time and memory grow: with the bytes of a message, and with the number of connections.

use std::io;

use crate::load::{self, Load};
use crate::loopback::{each, rest};
use crate::measure::{column, progress};
use crate::options::Options;
use crate::part::{Axis, Part, Table, Task, bytes};
use crate::peers::Peer;
use crate::results::{Cell, Results, Row, Taken};
use crate::server::{Program, Server};

/// Measures this engine alone, whoever else is asked for.
pub(crate) fn measure(part: &'static Part, peers: &mut [Peer], options: &Options) -> io::Result<Results> {
    let mut results = Results::new(part, options.rounds);
    let Some(at) = peers.iter().position(|peer| peer.name == "sockeye") else { return Ok(results) };
    let engine = &mut peers[at..=at];
    results.tables.push(time_by_size(engine, options));
    let (sizes, counts) = if options.quick { (&SIZES[2..6], &COUNTS[..2]) } else { (&SIZES[..], &COUNTS[..]) };
    let programs: Vec<Program> = Program::all(engine)?.into_iter().filter(Program::is_of_readiness).collect();

    let tasks = || sizes.iter().map(|&size| task(size as u64, bytes(size as u64))).collect();
    let memory = rows(&programs, sizes, "under way", |server, size| {
        let count = (WAITING / size).clamp(4, 256);
        Ok(vec![under_way(server, size, count)?])
    })?;
    results.tables.push(taken("memory of a message under way", "bytes", Axis::Bytes, tasks(), memory));

    let tasks = || counts.iter().map(|&count| task(count as u64, count.to_string())).collect();
    let rows_of = |what, measured: &dyn Fn(&Server, usize) -> io::Result<Vec<f64>>| {
        rows(&programs, counts, what, |server, count| {
            Ok(measured(server, count)?.into_iter().map(|each| each * count as f64).collect())
        })
    };
    let memory = rows_of("idle", &|server, count| Ok(vec![each(server, count)?]))?;
    results.tables.push(taken("memory of idle connections", "bytes", Axis::Connections, tasks(), memory));
    let span = options.span * 50;
    let time = rows_of("busy", &|server, count| {
        let load = Load { connections: count, size: 64, depth: 1 };
        let rounds = (0..options.rounds).map(|_| Ok(load::echoed(server, load, span)?.cpu));
        Ok(rounds.collect::<io::Result<Vec<_>>>()?.into_iter().flatten().collect())
    })?;
    let title = "time of an echo of 64 B on each connection";
    results.tables.push(taken(title, "CPU ns", Axis::Connections, tasks(), time));
    progress("");
    Ok(results)
}

/// The time for a message, lent and owned.
fn time_by_size(engine: &mut [Peer], options: &Options) -> Taken {
    let sizes: Vec<u64> = SIZES.iter().map(|&size| size as u64).collect();
    let mut rows = Vec::new();
    for mode in ["lent", "owned"] {
        let table = Table::over(String::new(), &sizes, |size| format!("decode {mode} binary {size} 65536"));
        let mut row = Row::new(&engine[0]);
        row.name = format!("sockeye, {mode}");
        for task in &table.tasks {
            progress(&format!("growth: {mode}, {}", task.label));
            row.cells.extend(column(task, engine, options));
        }
        rows.push(row);
    }
    let tasks = sizes.iter().map(|&size| task(size, bytes(size))).collect();
    taken("time of a binary message that arrives", "CPU ns", Axis::Bytes, tasks, rows)
}

/// A row for each server, and a new process of it for each of `amounts`.
fn rows(
    programs: &[Program],
    amounts: &[usize],
    what: &str,
    measured: impl Fn(&Server, usize) -> io::Result<Vec<f64>>,
) -> io::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for program in programs {
        let mut row = program.row();
        for &amount in amounts {
            progress(&format!("growth: {}, {amount} {what}", row.name));
            let Some(server) = program.start()? else { break };
            row.cells.push(match measured(&server, amount) {
                Ok(samples) => Cell::of(samples),
                Err(error) => {
                    eprintln!("{} failed with {amount} {what}: {error}", row.name);
                    Cell::Failed
                }
            });
        }
        rows.push(row);
    }
    Ok(rows)
}

/// What a message of which the last byte is missing adds to the memory of a server, on each of so many connections.
fn under_way(server: &Server, size: usize, count: usize) -> io::Result<f64> {
    let mut connections = load::idle(server, count)?;
    let before = rest(server)?;
    load::begin(&mut connections, size)?;
    let after = rest(server)?;
    // What the system gives by pages is less than one for each of the smallest.
    Ok((after.saturating_sub(before) as f64 / count as f64).max(1.0))
}

fn task(x: u64, label: String) -> Task {
    Task { words: label.clone(), label, x }
}

fn taken(title: &str, unit: &'static str, axis: Axis, tasks: Vec<Task>, rows: Vec<Row>) -> Taken {
    Taken { title: title.into(), unit, axis, linear: true, tasks, rows }
}

/// Bytes of messages.
const SIZES: [usize; 10] = [64, 256, 1 << 10, 4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20, 4 << 20, 16 << 20];

/// Numbers of connections.
const COUNTS: [usize; 5] = [100, 300, 1_000, 3_000, 10_000];

/// Bytes of messages under way at once, about.
const WAITING: usize = 64 << 20;
