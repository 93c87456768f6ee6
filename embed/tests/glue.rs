//! The README's table of the embeddings: every server is in it, with its lines of glue counted.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A row of the table: the program's path in the repository, and the lines of glue that are stated.
struct Row {
    path: String,
    stated: usize,
}

#[test]
fn the_readme_counts_the_lines_of_glue() {
    let rows = rows();
    let counted = rows.iter().map(|row| (row, lines_of_glue(&root().join(&row.path))));
    let wrong: Vec<_> = counted.filter(|(row, count)| row.stated != *count).collect();
    let told: String = wrong
        .iter()
        .map(|(row, count)| format!("{}: {}, and the README says {}\n", row.path, count, row.stated))
        .collect();
    assert!(wrong.is_empty(), "{told}");
}

#[test]
fn every_server_is_in_the_table() {
    let stated: BTreeSet<_> = rows().into_iter().map(|row| row.path).collect();
    let elsewhere = ["examples/echo.rs", "examples/echo_blocking.rs", "embed/bare/src"];
    let mut servers: BTreeSet<_> = elsewhere.map(String::from).into();
    for entry in fs::read_dir(root().join("embed/src/bin")).expect("the programs") {
        let name = entry.expect("an entry").file_name().into_string().expect("a name");
        let program = name.trim_end_matches(".rs");
        if !program.ends_with("_client") && !["idle", "live"].contains(&program) {
            servers.insert(format!("embed/src/bin/{name}"));
        }
    }
    assert_eq!(stated, servers);
}

#[test]
fn blanks_comments_and_tests_are_no_glue() {
    let code = "//! Words.\n\nfn main() {\n    // Why.\n    run();\n}\n\n#[cfg(test)]\nmod tests {\n    #[test]\n    fn one() {}\n}\n";
    assert_eq!(code_lines(code), 3);
    assert_eq!(code_lines("fn one() {}\n#[cfg(test)]\nmod tests;\n\nfn two() {}\n"), 2);
}

/// The rows of the table in the README whose third column is called "lines of glue".
fn rows() -> Vec<Row> {
    let readme = fs::read_to_string(root().join("README.md")).expect("the README");
    let table = readme.lines().skip_while(|line| !line.contains("| lines of glue |")).skip(2);
    let rows: Vec<_> = table.take_while(|line| line.starts_with('|')).map(row).collect();
    assert!(!rows.is_empty(), "expected a table of the embeddings in the README");
    rows
}

fn row(line: &str) -> Row {
    let columns: Vec<_> = line.split('|').map(str::trim).collect();
    let path = columns[2].split_once("](").and_then(|(_, link)| link.strip_suffix(')'));
    let path = path.unwrap_or_else(|| panic!("expected a link to the program: {line}")).trim_end_matches('/').into();
    let stated = columns[3].parse().unwrap_or_else(|_| panic!("expected the lines of glue: {line}"));
    Row { path, stated }
}

/// The lines of code of a program: of its file, or of all the files of its folder, and of the modules of this package that
/// it uses. What the programs share, their arguments, is no glue.
fn lines_of_glue(program: &Path) -> usize {
    let sources: Vec<_> =
        sources(program).into_iter().map(|path| fs::read_to_string(path).expect("a source")).collect();
    let lines = sources.iter().flat_map(|source| source.lines());
    let used = lines.filter_map(|line| line.strip_prefix("use embed::")?.split_once("::"));
    let modules: BTreeSet<_> = used.map(|(module, _)| root().join(format!("embed/src/{module}.rs"))).collect();
    let own = sources.iter().map(|source| code_lines(source)).sum::<usize>();
    own + modules.iter().map(|module| lines_of_glue(module)).sum::<usize>()
}

fn sources(path: &Path) -> Vec<PathBuf> {
    if !path.is_dir() {
        return vec![path.into()];
    }
    let entries = fs::read_dir(path).expect("a folder").map(|entry| entry.expect("an entry").path());
    let programs = entries.filter(|path| path.file_stem().is_none_or(|name| name != "tests"));
    programs.flat_map(|path| sources(&path)).collect()
}

fn code_lines(source: &str) -> usize {
    let mut lines = source.lines();
    let mut count = 0;
    while let Some(line) = lines.next() {
        if line == "#[cfg(test)]" {
            // What it applies to ends with the first brace that is not indented, or at once.
            if lines.next().is_some_and(|line| line.ends_with('{')) {
                lines.by_ref().find(|line| *line == "}");
            }
        } else if !line.trim().is_empty() && !line.trim_start().starts_with("//") {
            count += 1;
        }
    }
    count
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the repository")
}
