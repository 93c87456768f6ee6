//! What was measured: as text, as Markdown and as JSON.

use std::fmt::Write;
use std::fs;
use std::io;
use std::path::Path;

use serde_json::{Value, json};

use crate::part::{Axis, Part, Task};
use crate::peers::Peer;

/// What came of a part.
pub(crate) struct Results {
    pub(crate) part: &'static Part,
    pub(crate) rounds: usize,
    pub(crate) tables: Vec<Taken>,
}

/// A table with its numbers.
pub(crate) struct Taken {
    pub(crate) title: String,
    /// What a number means.
    pub(crate) unit: &'static str,
    pub(crate) axis: Axis,
    /// Whether its numbers are to grow as what stands below them does.
    pub(crate) linear: bool,
    pub(crate) tasks: Vec<Task>,
    pub(crate) rows: Vec<Row>,
}

/// What one peer took.
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) settings: String,
    pub(crate) cells: Vec<Cell>,
}

/// What one peer took for one task.
pub(crate) enum Cell {
    /// It has no way to do it.
    None,
    /// It did something else, or ended.
    Failed,
    /// A number for each round, from the least to the most.
    Samples(Vec<f64>),
}

impl Cell {
    /// Of what the rounds have given; of none, that it failed.
    pub(crate) fn of(mut samples: Vec<f64>) -> Self {
        if samples.is_empty() {
            return Self::Failed;
        }
        samples.sort_by(f64::total_cmp);
        Self::Samples(samples)
    }

    pub(crate) fn median(&self) -> Option<f64> {
        match self {
            Self::Samples(samples) => Some(samples[samples.len() / 2]),
            Self::None | Self::Failed => None,
        }
    }

    /// Half the distance between the quartiles, in parts of the median.
    fn spread(&self) -> Option<f64> {
        match self {
            Self::Samples(samples) => {
                let quartile = |quarter: usize| samples[(samples.len() - 1) * quarter / 4];
                Some((quartile(3) - quartile(1)) / 2.0 / self.median()?)
            }
            Self::None | Self::Failed => None,
        }
    }

    fn text(&self) -> String {
        match (self.median(), self.spread()) {
            (Some(median), Some(spread)) => format!("{} ±{:.0}%", number(median), spread * 100.0),
            _ => if matches!(self, Self::Failed) { "failed" } else { "–" }.into(),
        }
    }
}

impl Row {
    pub(crate) fn new(peer: &Peer) -> Self {
        Self {
            name: peer.name.clone(),
            version: peer.version.clone(),
            settings: peer.settings.clone(),
            cells: Vec::new(),
        }
    }
}

impl Results {
    pub(crate) fn new(part: &'static Part, rounds: usize) -> Self {
        Self { part, rounds, tables: Vec::new() }
    }

    /// The tables, to be read in a terminal.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        for table in &self.tables {
            let _ = writeln!(text, "\n{}: {} ({})", self.part.name, table.title, table.unit);
            let _ = write!(text, "{:20}", "");
            for task in &table.tasks {
                let _ = write!(text, "{:>15}", task.label);
            }
            for row in &table.rows {
                let _ = write!(text, "\n{:20}", row.name);
                for cell in &row.cells {
                    let _ = write!(text, "{:>15}", cell.text());
                }
            }
            text.push('\n');
        }
        text
    }

    /// Writes the tables as Markdown, and everything as JSON.
    pub(crate) fn write(&self, folder: &Path) -> io::Result<()> {
        fs::write(folder.join(format!("{}.md", self.part.name)), self.markdown())?;
        fs::write(folder.join(format!("{}.json", self.part.name)), format!("{:#}\n", self.json()))
    }

    fn markdown(&self) -> String {
        let mut text = format!(
            "{}: the median of {} rounds and half the distance between its quartiles, on {}.\n",
            self.part.name,
            self.rounds,
            processor()
        );
        for table in &self.tables {
            let _ = write!(text, "\n### {} ({})\n\n| |", table.title, table.unit);
            for task in &table.tasks {
                let _ = write!(text, " {} |", task.label);
            }
            text.push_str("\n| --- |");
            text.push_str(&" ---: |".repeat(table.tasks.len()));
            for row in &table.rows {
                let _ = write!(text, "\n| {} |", row.name);
                for cell in &row.cells {
                    let _ = write!(text, " {} |", cell.text());
                }
            }
            text.push('\n');
        }
        text.push_str("\nSettings:\n\n");
        for (name, version, settings) in self.peers() {
            let _ = writeln!(text, "* {name} {version}: {settings}");
        }
        text
    }

    fn json(&self) -> Value {
        let tables = self.tables.iter().map(|table| {
            let rows = table.rows.iter().map(|row| {
                let cells = row.cells.iter().map(|cell| match cell {
                    Cell::Samples(samples) => json!({ "median": cell.median(), "samples": samples }),
                    Cell::Failed => json!("failed"),
                    Cell::None => Value::Null,
                });
                json!({ "peer": row.name, "cells": cells.collect::<Vec<_>>() })
            });
            let tasks = table.tasks.iter().map(|task| json!({ "label": task.label, "task": task.words }));
            json!({
                "title": table.title,
                "unit": table.unit,
                "tasks": tasks.collect::<Vec<_>>(),
                "rows": rows.collect::<Vec<_>>(),
            })
        });
        let peers = self
            .peers()
            .into_iter()
            .map(|(name, version, settings)| json!({ "name": name, "version": version, "settings": settings }));
        json!({
            "part": self.part.name,
            "rounds": self.rounds,
            "processor": processor(),
            "peers": peers.collect::<Vec<_>>(),
            "tables": tables.collect::<Vec<_>>(),
        })
    }

    /// Every peer that is in a table: name, version, settings.
    fn peers(&self) -> Vec<(&str, &str, &str)> {
        let mut peers = Vec::new();
        for row in self.tables.iter().flat_map(|table| &table.rows) {
            let peer = (&*row.name, &*row.version, &*row.settings);
            if !peers.contains(&peer) {
                peers.push(peer);
            }
        }
        peers
    }
}

/// A number with as many digits as mean something.
pub(crate) fn number(number: f64) -> String {
    match number {
        number if number < 10.0 => format!("{number:.1}"),
        number => {
            let digits = format!("{number:.0}");
            let groups: Vec<&str> =
                digits.as_bytes().rchunks(3).rev().filter_map(|group| str::from_utf8(group).ok()).collect();
            groups.join(",")
        }
    }
}

/// What the system calls its processor.
fn processor() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    name.map_or_else(|| std::env::consts::ARCH.into(), |(_, name)| name.into())
}
