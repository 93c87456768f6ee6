//! The command line.
#![cfg(unix)]

mod common;

use std::process::Command;

#[test]
fn help_says_how_to_start_it() {
    let output = Command::new(common::PROGRAM).arg("--help").output().unwrap();
    assert!(output.status.success());
    assert!(String::from_utf8(output.stdout).unwrap().contains("cargo run --release -p chat [-- HOST:PORT]"));
}

#[test]
fn what_cannot_be_done_is_said_in_a_sentence() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    for (words, sentence) in [
        (&["--loud"][..], "`chat --help` says how to start it"),
        (&["127.0.0.1:0", "127.0.0.1:0"], "`chat --help` says how to start it"),
        (&["nowhere"], "cannot listen on nowhere"),
        (&[&taken], "give another HOST:PORT, or port 0 for a free one"),
    ] {
        let output = Command::new(common::PROGRAM).args(words).output().unwrap();
        assert!(!output.status.success(), "{words:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.starts_with("chat: ") && said.contains(sentence) && said.lines().count() == 1, "{said}");
    }
}
