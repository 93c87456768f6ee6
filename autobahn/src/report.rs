//! What the suite found: reading it, the table, and the comparison with what is expected.

use crate::cases::{Id, SECTIONS};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The suite's verdict on a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// What the endpoint did with the messages.
    pub(crate) behavior: String,
    /// How the connection was closed.
    pub(crate) close: String,
    /// How long the case took, in milliseconds.
    pub(crate) duration: u64,
    /// The path of the suite's report on the case, without its `.html`.
    pub(crate) page: String,
}

/// The verdicts on all the cases of a run.
pub(crate) type Verdicts = BTreeMap<Id, Verdict>;

/// Reads an `index.json` that the suite wrote to `folder`, with the cases of one agent.
pub(crate) fn read(index: &str, folder: &str) -> Result<Verdicts, String> {
    let index: BTreeMap<String, BTreeMap<String, Value>> =
        serde_json::from_str(index).map_err(|error| format!("not an index of the suite: {error}"))?;
    let mut verdicts = Verdicts::new();
    for (number, case) in index.into_values().flatten() {
        let text = |name: &str| case[name].as_str().map(String::from);
        let verdict = || {
            Some(Verdict {
                behavior: text("behavior")?,
                close: text("behaviorClose")?,
                duration: case["duration"].as_u64()?,
                page: format!("{folder}/{}", text("reportfile")?.strip_suffix(".json")?),
            })
        };
        match Id::parse(&number).zip(verdict()) {
            Some((id, verdict)) => verdicts.insert(id, verdict),
            None => return Err(format!("not a verdict of the suite: case {number}: {case}")),
        };
    }
    Ok(verdicts)
}

/// A table by section of what `verdict` shows of each case.
pub(crate) fn table(title: &str, verdicts: &Verdicts, shown: fn(&Verdict) -> &str) -> String {
    let mut table = format!("{title:<26} cases");
    for column in COLUMNS {
        let _ = write!(table, "  {column}");
    }
    let row = |name: &str, section: Option<u32>| {
        let of_row = |id: &Id| section.is_none_or(|section| id.section() == section);
        let mut counts = [0; COLUMNS.len()];
        for (_, verdict) in verdicts.iter().filter(|(id, _)| of_row(id)) {
            counts[column(shown(verdict))] += 1;
        }
        let total: u32 = counts.iter().sum();
        let mut line = format!("\n{name:<26} {total:>5}");
        for (column, count) in COLUMNS.iter().zip(counts) {
            let _ = write!(line, "  {count:>width$}", width = column.len());
        }
        if total > 0 { line } else { String::new() }
    };
    for (section, name) in SECTIONS {
        table += &row(&format!("{section:>2} {name}"), Some(section));
    }
    table + &row("   all", None) + "\n"
}

/// One line of the summary: a run and what came of it.
#[derive(Debug)]
pub(crate) struct Row {
    /// The role and the embedding.
    pub(crate) name: String,
    pub(crate) verdicts: Verdicts,
    /// How many cases are not as `expected.json` says.
    pub(crate) differences: usize,
}

/// A table of several runs. A case counts as OK where it is OK in both of its results, and as the worse of them
/// otherwise.
pub(crate) fn summary(rows: &[Row]) -> String {
    let mut table = format!("{:<26} cases", "summary");
    for column in COLUMNS {
        let _ = write!(table, "  {column}");
    }
    for Row { name, verdicts, differences } in rows {
        let mut counts = [0; COLUMNS.len()];
        for verdict in verdicts.values() {
            counts[column(&verdict.behavior).max(column(&verdict.close))] += 1;
        }
        let _ = write!(table, "\n{name:<26} {:>5}", verdicts.len());
        for (column, count) in COLUMNS.iter().zip(counts) {
            let _ = write!(table, "  {count:>width$}", width = column.len());
        }
        let _ = match differences {
            0 => write!(table, "  passed"),
            count => write!(table, "  FAILED, {count} not as expected.json says"),
        };
    }
    table
}

/// The column that a result is counted in.
fn column(result: &str) -> usize {
    COLUMNS.iter().position(|column| *column == result).unwrap_or(COLUMNS.len() - 1)
}

/// What `expected.json` says of the cases that are not OK.
#[derive(Debug)]
pub(crate) struct Expected(BTreeMap<Id, (String, String)>);

impl Expected {
    /// Reads `expected.json`. An entry needs both results and a reason, and is there because it
    /// is not OK.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let entries: BTreeMap<String, BTreeMap<String, String>> =
            serde_json::from_str(text).map_err(|error| error.to_string())?;
        let mut expected = BTreeMap::new();
        for (number, entry) in entries {
            let field = |name: &str| {
                let value = entry.get(name).filter(|value| !value.trim().is_empty());
                value.cloned().ok_or_else(|| format!("case {number} has no `{name}`"))
            };
            let results = (field("behavior")?, field("behaviorClose")?);
            field("reason")?;
            if results.0 == OK && results.1 == OK {
                return Err(format!("case {number} is expected to be OK: such cases need no entry"));
            }
            let id = Id::parse(&number).ok_or_else(|| format!("`{number}` is not a case"))?;
            expected.insert(id, results);
        }
        Ok(Self(expected))
    }

    /// Where the verdicts on the cases that were `asked` for differ from what is expected, and
    /// where what is expected is not in the `suite`. Nothing at all means that the run passed.
    pub(crate) fn differences(&self, suite: &[Id], asked: &[Id], verdicts: &Verdicts) -> Vec<String> {
        let unknown = self
            .0
            .keys()
            .filter(|id| !suite.contains(id))
            .map(|id| format!("{id}: expected.json is stale: the suite has no such case"));
        let differing = asked.iter().filter_map(|id| {
            let Some(Verdict { behavior, close, .. }) = verdicts.get(id) else {
                return Some(format!("{id}: has no result"));
            };
            let result = format!("behavior {behavior}, behaviorClose {close}");
            match self.0.get(id) {
                None if behavior == OK && close == OK => None,
                None => Some(format!("{id}: {result}; expected OK in both")),
                Some(expected) if (&expected.0, &expected.1) == (behavior, close) => None,
                Some(expected) => {
                    Some(format!("{id}: {result}; expected.json is stale: it expects {}, {}", expected.0, expected.1))
                }
            }
        });
        unknown.chain(differing).collect()
    }
}

/// The results that have a column of their own; the last one stands for all others too, such as
/// `UNCLEAN` and `WRONG CODE`.
const COLUMNS: [&str; 5] = [OK, "NON-STRICT", "INFORMATIONAL", "UNIMPLEMENTED", "FAILED"];

const OK: &str = "OK";

#[cfg(test)]
mod tests {
    use super::*;

    const INDEX: &str = r#"{"sockeye-tokio": {
        "1.1.1": {"behavior": "OK", "behaviorClose": "OK", "duration": 2,
                  "remoteCloseCode": 1000, "reportfile": "sockeye_tokio_case_1_1_1.json"},
        "1.1.2": {"behavior": "NON-STRICT", "behaviorClose": "UNCLEAN", "duration": 1003,
                  "remoteCloseCode": null, "reportfile": "sockeye_tokio_case_1_1_2.json"},
        "7.1.6": {"behavior": "INFORMATIONAL", "behaviorClose": "INFORMATIONAL", "duration": 4,
                  "remoteCloseCode": 1000, "reportfile": "sockeye_tokio_case_7_1_6.json"}}}"#;

    const EXPECTED: &str = r#"{"7.1.6": {"behavior": "INFORMATIONAL",
        "behaviorClose": "INFORMATIONAL", "reason": "The order is left open."}}"#;

    fn ids(text: &str) -> Vec<Id> {
        text.split_whitespace().filter_map(Id::parse).collect()
    }

    fn verdicts() -> Verdicts {
        read(INDEX, "shard-2").expect("an index")
    }

    #[test]
    fn an_index_is_read() {
        let verdicts = verdicts();
        assert_eq!(verdicts.keys().cloned().collect::<Vec<_>>(), ids("1.1.1 1.1.2 7.1.6"));
        let verdict = Verdict {
            behavior: "NON-STRICT".into(),
            close: "UNCLEAN".into(),
            duration: 1003,
            page: "shard-2/sockeye_tokio_case_1_1_2".into(),
        };
        assert_eq!(verdicts[&ids("1.1.2")[0]], verdict);
    }

    #[test]
    fn an_index_of_another_shape_is_an_error() {
        for text in ["", "[]", r#"{"a": 1}"#, r#"{"a": {"1.1.1": {"behavior": "OK"}}}"#] {
            assert!(read(text, "").is_err(), "{text}");
        }
        assert!(read(&INDEX.replace("1.1.2\"", "x\""), "").is_err());
        assert_eq!(read("{}", ""), Ok(Verdicts::new()));
    }

    #[test]
    fn the_table_counts_by_section() {
        let lines = |shown| -> Vec<Vec<String>> {
            let words = |line: &str| line.split_whitespace().map(String::from).collect();
            table("behavior", &verdicts(), shown).lines().skip(1).map(words).collect()
        };
        assert_eq!(
            lines(|verdict| &verdict.behavior),
            [
                vec!["1", "Framing", "2", "1", "1", "0", "0", "0"],
                vec!["7", "Closing", "1", "0", "0", "1", "0", "0"],
                vec!["all", "3", "1", "1", "1", "0", "0"],
            ]
        );
        assert_eq!(lines(|verdict| &verdict.close)[0], ["1", "Framing", "2", "1", "0", "0", "0", "1"]);
    }

    #[test]
    fn the_summary_counts_the_worse_of_both_results() {
        let rows = [0, 2].map(|differences| Row { name: "server-tokio".into(), verdicts: verdicts(), differences });
        let summary = summary(&rows);
        let lines: Vec<_> = summary.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>()).collect();
        assert_eq!(lines[0], ["server-tokio", "3", "1", "0", "1", "0", "1", "passed"]);
        assert_eq!(lines[1][..7], ["server-tokio", "3", "1", "0", "1", "0", "1"]);
        assert_eq!(lines[1][7..9], ["FAILED,", "2"]);
    }

    #[test]
    fn what_is_expected_and_what_is_ok_makes_no_difference() {
        let expected = Expected::read(EXPECTED).expect("entries");
        let (suite, asked) = (ids("1.1.1 1.1.2 7.1.6"), ids("1.1.1 7.1.6"));
        assert!(expected.differences(&suite, &asked, &verdicts()).is_empty());
    }

    #[test]
    fn every_difference_is_told() {
        let (suite, asked) = (ids("1.1.1 1.1.2 7.1.6 9.9.9"), ids("1.1.1 1.1.2 7.1.6 9.9.9"));
        for (text, told) in [
            (EXPECTED, vec!["1.1.2: behavior NON-STRICT, behaviorClose UNCLEAN", "9.9.9: has no result"]),
            (
                &EXPECTED.replace("7.1.6", "7.1.7"),
                vec!["7.1.7: expected.json is stale", "1.1.2", "7.1.6: behavior INFO", "9.9.9"],
            ),
            (
                &EXPECTED.replace("\"INFORMATIONAL\",\n", "\"OK\",\n"),
                vec!["1.1.2", "7.1.6: behavior INFORMATIONAL, behaviorClose INFORMATIONAL", "9.9.9"],
            ),
        ] {
            let expected = Expected::read(text).expect("entries");
            let differences = expected.differences(&suite, &asked, &verdicts());
            assert_eq!(differences.len(), told.len(), "{differences:?}");
            for (difference, start) in differences.iter().zip(told) {
                assert!(difference.starts_with(start), "{difference}");
            }
        }
    }

    #[test]
    fn an_entry_says_why_and_is_not_ok() {
        for (from, to) in [
            ("The order is left open.", ""),
            ("reason", "because"),
            ("behaviorClose", "close"),
            ("INFORMATIONAL", "OK"),
            ("7.1.6", "closing"),
        ] {
            assert!(Expected::read(&EXPECTED.replace(from, to)).is_err(), "{from} -> {to}");
        }
    }

    #[test]
    fn the_expected_results_of_this_repository_are_sound() {
        Expected::read(include_str!("../expected.json")).expect("entries with reasons");
    }
}
