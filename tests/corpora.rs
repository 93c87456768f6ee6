//! The seeds of the fuzz targets, and the inputs that once broke something, through the same bodies: see `fuzz/README.md`.

mod bodies;
mod common;

use std::fs;
use std::path::PathBuf;

use bodies::{TARGETS, Target};

/// Runs every file of the target's folder.
#[track_caller]
fn replay(name: &str) {
    let Target { run, .. } = target(name);
    let mut files: Vec<_> = fs::read_dir(folder(name)).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 15, "{name} has {} seeds", files.len());
    for file in files {
        // To be seen where the body panics.
        println!("{}", file.display());
        run(&fs::read(file).unwrap());
    }
}

fn target(name: &str) -> &'static Target {
    TARGETS.iter().find(|target| target.name == name).unwrap()
}

fn folder(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "fuzz", "seeds", name].iter().collect()
}

#[test]
fn server_receive() {
    replay("server_receive");
}

#[test]
fn client_receive() {
    replay("client_receive");
}

#[test]
fn request() {
    replay("request");
}

#[test]
fn response() {
    replay("response");
}

#[test]
fn extensions() {
    replay("extensions");
}

#[test]
fn inflate() {
    replay("inflate");
}

#[test]
fn utf8() {
    replay("utf8");
}

#[test]
fn mask() {
    replay("mask");
}

#[test]
fn session() {
    replay("session");
}

/// What the bodies say of their input's form holds for the files.
#[test]
fn the_seeds_are_what_the_bodies_make() {
    for Target { name, seeds, .. } in TARGETS {
        for (file, bytes) in seeds() {
            let there = fs::read(folder(name).join(&file)).ok();
            assert!(
                there.as_ref() == Some(&bytes),
                "{name}/{file} differs: cargo test --test corpora -- --ignored write_the_seeds"
            );
        }
    }
}

#[test]
#[ignore = "writes to the sources"]
fn write_the_seeds() {
    for Target { name, seeds, .. } in TARGETS {
        fs::create_dir_all(folder(name)).unwrap();
        for (file, bytes) in seeds() {
            fs::write(folder(name).join(file), bytes).unwrap();
        }
    }
}
