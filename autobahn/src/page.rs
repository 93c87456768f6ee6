//! The page that joins the shards' reports into one.

use crate::report::{Verdict, Verdicts};
use std::fmt::Write as _;

/// Writes a page with a line for every case, and a link to the suite's own report of the case.
pub(crate) fn page(title: &str, verdicts: &Verdicts) -> String {
    let mut page = format!("{HEAD}<title>{title}</title>\n<h1>{title}</h1>\n<table>\n{COLUMNS}");
    for (id, verdict) in verdicts {
        let Verdict { behavior, close, duration, page: link } = verdict;
        let _ = writeln!(
            page,
            "<tr><td><a href=\"{link}.html\">{id}</a><td class=\"{}\">{behavior}\
             <td class=\"{}\">{close}<td>{duration} ms",
            class(behavior),
            class(close),
        );
    }
    page + "</table>\n"
}

fn class(result: &str) -> &'static str {
    match result {
        "OK" => "ok",
        "NON-STRICT" | "INFORMATIONAL" | "UNIMPLEMENTED" => "note",
        _ => "failed",
    }
}

const HEAD: &str = "\
<!doctype html>
<html lang=\"en\">
<meta charset=\"utf-8\">
<style>
body { font: 15px/1.4 sans-serif; margin: 2em }
td, th { padding: 0.1em 1em; text-align: left }
.ok { background: #cec }
.note { background: #fec }
.failed { background: #fbb }
</style>
";

const COLUMNS: &str = "<tr><th>case<th>behavior<th>behaviorClose<th>duration\n";
