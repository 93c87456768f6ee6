//! Measuring: the peers take turns, several rounds of them, and the median counts.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use crate::options::Options;
use crate::part::{Part, Table, Task};
use crate::peers::{Answer, Peer};
use crate::results::{Cell, Results, Row, Taken};

/// Measures tables of tasks.
pub(crate) fn tasks(part: &'static Part, tables: Vec<Table>, peers: &mut [Peer], options: &Options) -> Results {
    let mut results = Results::new(part, options.rounds);
    let total = tables.len();
    for (index, table) in tables.into_iter().enumerate() {
        let title = format!("{} {}/{total}: {}", part.name, index + 1, table.title);
        let mut rows: Vec<Row> = peers.iter().map(Row::new).collect();
        for task in &table.tasks {
            progress(&format!("{title}, {}", task.label));
            let cells =
                if task.words.starts_with("context") { contexts(task, peers) } else { column(task, peers, options) };
            for (row, cell) in rows.iter_mut().zip(cells) {
                row.cells.push(cell);
            }
        }
        rows.retain(|row| row.cells.iter().any(|cell| !matches!(cell, Cell::None)));
        let Table { title, unit, axis, tasks } = table;
        let unit = unit.unwrap_or(part.unit);
        results.tables.push(Taken { title, unit, axis, linear: false, tasks, rows });
    }
    progress("");
    results
}

/// One task by all peers.
pub(crate) fn column(task: &Task, peers: &mut [Peer], options: &Options) -> Vec<Cell> {
    let mut units: Vec<Option<u64>> = vec![None; peers.len()];
    let mut cells: Vec<Cell> = peers.iter().map(|_| Cell::None).collect();
    for (index, peer) in peers.iter_mut().enumerate() {
        match calibrate(task, peer, options.span) {
            Ok(found) => units[index] = found,
            Err(why) => cells[index] = failed(peer, task, why),
        }
    }
    let mut samples: Vec<Vec<f64>> = vec![Vec::new(); peers.len()];
    for round in 0..options.rounds {
        // Nobody always comes after the same one.
        for turn in 0..peers.len() {
            let index = (turn + round) % peers.len();
            let Some(count) = units[index] else { continue };
            match peers[index].ask(&task.words, count) {
                Answer::Took(nanoseconds) => samples[index].push(nanoseconds as f64 / count as f64),
                Answer::None => units[index] = None,
                Answer::Failed(why) => {
                    cells[index] = failed(&peers[index], task, why);
                    units[index] = None;
                }
            }
        }
    }
    for ((cell, samples), units) in cells.iter_mut().zip(samples).zip(units) {
        if units.is_some() {
            *cell = Cell::of(samples);
        }
    }
    cells
}

/// The memory of one context, each peer's in a process that has done nothing before.
fn contexts(task: &Task, peers: &mut [Peer]) -> Vec<Cell> {
    let each = |peer: &mut Peer| {
        peer.stop();
        match peer.ask(&task.words, CONTEXTS) {
            Answer::Took(bytes) => Cell::of(vec![bytes as f64 / CONTEXTS as f64]),
            Answer::None => Cell::None,
            Answer::Failed(why) => failed(peer, task, why),
        }
    };
    peers.iter_mut().map(each).collect()
}

/// How many units take about the span; `None` where the peer cannot do it. Warms it up, too.
fn calibrate(task: &Task, peer: &mut Peer, span: Duration) -> Result<Option<u64>, String> {
    let span = span.as_nanos() as u64;
    // A multiple of the outboxes of a broadcast.
    let step = if task.words.starts_with("broadcast") { 1000 } else { 1 };
    let mut units = step;
    loop {
        match peer.ask(&task.words, units) {
            Answer::None => return Ok(None),
            Answer::Failed(why) => return Err(why),
            Answer::Took(took) if took >= span / 8 => {
                let exact = units as u128 * u128::from(span) / u128::from(took.max(1));
                return Ok(Some((exact as u64).div_ceil(step).max(1) * step));
            }
            Answer::Took(_) => units *= 2,
        }
    }
}

fn failed(peer: &Peer, task: &Task, why: String) -> Cell {
    progress("");
    eprintln!("{} failed at {:?}: {why}", peer.name, task.words);
    Cell::Failed
}

/// So many that what a process holds besides is nothing beside them.
const CONTEXTS: u64 = 100;

/// The line that says how far it has come, in the place of the one before it where somebody looks.
pub(crate) fn progress(text: &str) {
    let mut error = std::io::stderr();
    if error.is_terminal() {
        let _ = write!(error, "\r\x1b[K{text}");
        let _ = error.flush();
    } else if !text.is_empty() {
        let _ = writeln!(error, "{text}");
    }
}
