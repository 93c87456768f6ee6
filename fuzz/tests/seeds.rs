//! The seeds of `differential`, through its body, on any compiler: `cargo test --manifest-path fuzz/Cargo.toml`. The seeds of
//! the other targets are run by the tests of the crate.

use std::fs;
use std::path::Path;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/seeds/differential");

#[test]
fn differential() {
    let mut files: Vec<_> = fs::read_dir(FOLDER).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 15, "{} seeds", files.len());
    let mut rows: Vec<_> = fuzz::differential::decided_by().map(Some).collect();
    for file in files {
        // To be seen where the body panics.
        println!("{}", file.display());
        for row in fuzz::differential::run(&fs::read(file).unwrap()) {
            rows[row] = None;
        }
    }
    // A row that nothing shows may be stale.
    let untaken: Vec<_> = rows.into_iter().flatten().collect();
    assert!(untaken.is_empty(), "rows that no seed takes: write one, or take the row out: {untaken:#?}");
}

#[test]
fn the_seeds_are_what_the_body_makes() {
    for (file, bytes) in fuzz::differential::seeds() {
        let there = fs::read(Path::new(FOLDER).join(&file)).ok();
        assert!(there.as_ref() == Some(&bytes), "{file} differs: cargo test -- --ignored write_the_seeds");
    }
}

#[test]
#[ignore = "writes to the sources"]
fn write_the_seeds() {
    fs::create_dir_all(FOLDER).unwrap();
    for (file, bytes) in fuzz::differential::seeds() {
        fs::write(Path::new(FOLDER).join(file), bytes).unwrap();
    }
}
