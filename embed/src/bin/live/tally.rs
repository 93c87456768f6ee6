//! What is counted, and the table of it.

use std::collections::BTreeMap;
use std::fmt;

/// What has happened on all connections.
#[derive(Default)]
pub(crate) struct Tally {
    /// Connections that are open now.
    pub(crate) open: u64,
    pub(crate) opened: u64,
    /// Connections that lived to the end and were closed in order.
    pub(crate) survived: u64,
    pub(crate) sent: u64,
    pub(crate) echoed: u64,
    /// Messages whose echo was under way when their connection was killed.
    pub(crate) unanswered: u64,
    pub(crate) lost: u64,
    pub(crate) doubled: u64,
    pub(crate) disordered: u64,
    pub(crate) damaged: u64,
    deaths: [u64; DEATHS.len()],
    /// What went wrong on connections that were not killed.
    failures: BTreeMap<String, u64>,
}

/// How a connection was killed.
#[derive(Clone, Copy)]
pub(crate) enum Death {
    /// Before it was open.
    Opening,
    /// By a reset, wherever it stood.
    Reset,
    /// By the end of the stream, without a close frame.
    Ended,
    /// In the middle of a frame that it sent, by a reset.
    CutByReset,
    /// In the middle of a frame that it sent, by the end of the stream.
    CutByEnd,
}

impl Tally {
    pub(crate) fn killed(&mut self, death: Death) {
        self.deaths[death as usize] += 1;
    }

    pub(crate) fn failed(&mut self, error: String) {
        *self.failures.entry(error).or_default() += 1;
    }

    pub(crate) fn failures(&self) -> u64 {
        self.failures.values().sum()
    }

    fn kills(&self) -> u64 {
        self.deaths.iter().sum()
    }

    /// What must not be.
    fn broken(&self, connections: usize) -> Vec<String> {
        let mut broken = Vec::new();
        let mut claim = |holds: bool, text: String| {
            if !holds {
                broken.push(text)
            }
        };
        for (count, what) in [
            (self.lost, "lost"),
            (self.doubled, "doubled"),
            (self.disordered, "out of order"),
            (self.damaged, "damaged"),
        ] {
            claim(count == 0, format!("expected no message to be {what}, got {count}"));
        }
        let known = self.echoed + self.unanswered;
        claim(known == self.sent, format!("expected {} messages to be echoed or under way, got {known}", self.sent));
        let (failures, survived) = (self.failures(), self.survived);
        claim(failures == 0, format!("expected no failure of a connection that was not killed, got {failures}"));
        claim(
            survived == connections as u64,
            format!("expected {connections} connections to live to the end and close in order, got {survived}"),
        );
        broken
    }

    /// How far it is.
    pub(crate) fn line(&self) -> String {
        let (open, killed, failed) = (self.open, self.kills(), self.failures());
        format!("{open} open, {killed} killed, {failed} failed, {} messages echoed", self.echoed)
    }
}

/// Resident memory, in bytes.
#[derive(Clone, Copy, Default)]
pub(crate) struct Held {
    pub(crate) server: u64,
    pub(crate) load: u64,
}

/// What the machine gave.
pub(crate) struct Machine {
    /// Before the first connection.
    pub(crate) new: Held,
    /// After as many connections as there are at once, of which none was killed.
    pub(crate) start: Held,
    /// With all connections open, before one was killed.
    pub(crate) open: Held,
    pub(crate) peak: Held,
    /// After all connections.
    pub(crate) after: Held,
    /// What the load has allocated and not given back, in bytes.
    pub(crate) leaked: i64,
    /// The server's open files, before and after all connections.
    pub(crate) files: [usize; 2],
}

/// All of it.
pub(crate) struct Report {
    pub(crate) title: String,
    pub(crate) connections: usize,
    /// Of the round in which none was killed.
    pub(crate) rehearsal: Tally,
    pub(crate) tally: Tally,
    pub(crate) machine: Machine,
    /// What the server said of its connections.
    pub(crate) errors: BTreeMap<String, u64>,
}

impl Report {
    /// What must not be.
    pub(crate) fn broken(&self) -> Vec<String> {
        let Self { connections, rehearsal, tally, machine, .. } = self;
        let mut broken = [rehearsal.broken(*connections), tally.broken(*connections)].concat();
        let mut claim = |holds: bool, text: String| {
            if !holds {
                broken.push(text)
            }
        };
        let said: u64 = self.errors.values().sum();
        claim(said <= tally.kills(), format!("expected a line of the server for each killed one at most, got {said}"));
        let panics = self.errors.keys().filter(|kind| kind.contains("panicked")).count();
        claim(panics == 0, "the server panicked".into());
        claim(
            machine.leaked < LEAK,
            format!("expected the load to give its memory back, got {} bytes left", machine.leaked),
        );
        let [before, after] = machine.files;
        claim(before == after, format!("expected the server to have {before} open files in the end, got {after}"));
        for (name, start, open, after) in [
            ("server", machine.start.server, machine.open.server, machine.after.server),
            ("load", machine.start.load, machine.open.load, machine.after.load),
        ] {
            // Less than a hundred bytes of each connection that two minutes kill, where there are ten thousand.
            let most = start.max(open) * 5 / 4 + SLACK;
            claim(
                after <= most,
                format!("expected the memory of the {name} to come back to {}, got {}", mib(most), mib(after)),
            );
        }
        broken
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { title, tally, machine, errors, .. } = self;
        writeln!(f, "{title}; memory of the server and of the load\n")?;
        let mut row = |name: &str, value: String| writeln!(f, "| {name:<52} | {value:>28} |");
        row("what", "how many".into())?;
        row("---", "---:".into())?;
        row("connections opened", tally.opened.to_string())?;
        row("connections killed", tally.kills().to_string())?;
        for (name, count) in DEATHS.iter().zip(tally.deaths) {
            row(&format!("... {name}"), count.to_string())?;
        }
        row("connections that lived to the end, closed in order", tally.survived.to_string())?;
        row("connections that failed and were not killed", tally.failures().to_string())?;
        for (error, count) in &tally.failures {
            row(&format!("... {error}"), count.to_string())?;
        }
        row("messages sent", tally.sent.to_string())?;
        row("messages echoed", tally.echoed.to_string())?;
        row("messages under way on connections as they died", tally.unanswered.to_string())?;
        row("messages lost", tally.lost.to_string())?;
        row("messages doubled", tally.doubled.to_string())?;
        row("messages out of order", tally.disordered.to_string())?;
        row("messages damaged", tally.damaged.to_string())?;
        for (name, held) in [
            ("new", machine.new),
            ("at the start, after a round without a death", machine.start),
            ("all connections open", machine.open),
            ("at most", machine.peak),
            ("after the last connection", machine.after),
        ] {
            row(&format!("memory: {name}"), format!("{} and {}", mib(held.server), mib(held.load)))?;
        }
        row("bytes of the load's that were not given back", machine.leaked.to_string())?;
        let [before, after] = machine.files;
        row("open files of the server, before and after", format!("{before} and {after}"))?;
        for (error, count) in errors {
            row(&format!("the server said: {error}"), count.to_string())?;
        }
        Ok(())
    }
}

fn mib(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / 1_048_576.0)
}

/// The ways to be killed, in the order of [`Death`].
const DEATHS: [&str; 5] = [
    "before they were open",
    "by a reset",
    "by the end of the stream",
    "inside a frame, by a reset",
    "inside a frame, by the end of the stream",
];

/// What the load may have left: it counts kinds of errors, and the runtime keeps some room. A byte of each connection that was
/// killed would be more.
const LEAK: i64 = 16 << 10;

/// What allocators keep for themselves.
const SLACK: u64 = 4 << 20;
