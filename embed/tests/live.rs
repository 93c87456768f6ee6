//! The program that kills connections, for a moment: nothing is lost, and every connection is accounted for.

#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

#[test]
fn connections_that_are_not_killed_lose_nothing_on_tokio() {
    lose_nothing(env!("CARGO_BIN_EXE_tokio"));
}

#[test]
fn connections_that_are_not_killed_lose_nothing_on_smol() {
    lose_nothing(env!("CARGO_BIN_EXE_smol"));
}

#[test]
fn connections_that_are_not_killed_lose_nothing_on_epoll() {
    lose_nothing(env!("CARGO_BIN_EXE_epoll"));
}

#[test]
fn connections_that_are_not_killed_lose_nothing_on_threads() {
    lose_nothing(env!("CARGO_BIN_EXE_threads"));
}

fn lose_nothing(program: &str) {
    let output = live(Path::new(program), "5");
    let (table, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{table}\n{errors}");
    let killed = number(&table, "connections killed");
    // A place is killed once where it is chosen again before it has died.
    assert!((100..=150).contains(&killed), "{table}");
    assert_eq!(number(&table, "connections opened"), 300 + killed - number(&table, "... before they were open"));
    assert_eq!(number(&table, "connections that lived to the end, closed in order"), 300);
    assert_eq!(number(&table, "messages lost"), 0);
    assert!(number(&table, "messages echoed") > 300, "{table}");
}

/// A server that ends connections which nobody has killed is found out.
#[test]
fn a_server_that_ends_a_connection_breaks_the_claim() {
    let server = script("refusing", &format!("exec {} \"$1\" --max-message 5000", env!("CARGO_BIN_EXE_tokio")));
    let output = live(&server, "1");
    let table = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{table}");
    assert!(table.contains("BROKEN: expected no failure of a connection that was not killed"), "{table}");
}

/// What is no server is an error of another kind.
#[test]
fn what_is_no_server_is_named() {
    let output = live(&script("silent", ""), "1");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert!(errors.contains("expected `listening on URL`"), "{errors}");
}

fn live(program: &Path, seconds: &str) -> Output {
    let mut live = Command::new(env!("CARGO_BIN_EXE_live"));
    live.arg("--program").arg(program);
    live.args(["--connections", "300", "--seconds", seconds, "--rate", "1500"]).output().expect("the program runs")
}

/// A program of one line.
fn script(name: &str, line: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, format!("#!/bin/sh\n{line}\n")).expect("a file");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a file that can be run");
    path
}

fn number(table: &str, row: &str) -> u64 {
    let mut rows = table.lines().map(|line| line.split('|').map(str::trim));
    let found = rows.find_map(|mut cells| (cells.nth(1) == Some(row)).then(|| cells.next()).flatten());
    found.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("expected a row `{row}` in\n{table}"))
}
