//! Runs the Autobahn test suite against sockeye: see `README.md`.

mod arguments;
mod cases;
mod embeddings;
mod page;
mod process;
mod report;
mod shards;
mod suite;
mod wstest;

use arguments::Arguments;
use embeddings::Embedding;
use report::{Expected, Verdicts};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::{env, fs};
use suite::{Role, Suite};
use wstest::Wstest;

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args().skip(1).collect();
    if arguments.iter().any(|argument| matches!(argument.as_str(), "-h" | "--help")) {
        print!("{}", arguments::HELP);
        return ExitCode::SUCCESS;
    }
    match Arguments::read(arguments).and_then(|arguments| run(&arguments)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("\nautobahn: {error}");
            ExitCode::from(2)
        }
    }
}

/// Runs the suite in every embedding and role that is asked for, and says whether all is as expected.
fn run(arguments: &Arguments) -> Result<bool, String> {
    let expected =
        Expected::read(include_str!("../expected.json")).map_err(|error| format!("expected.json: {error}"))?;
    let target = target()?;
    let runs = arguments.runs();
    if arguments.testee.is_none() {
        build(&runs)?;
    }
    for name in arguments.without_client() {
        println!("{name} has no client: its server alone is tested");
    }
    let root = target.join("autobahn");
    let wstest = Wstest::find(&root)?;
    let suite = wstest.cases(&root.join("list"))?;
    let asked = cases::chosen(&suite, &arguments.cases)?;
    let shards = shards::divide(&asked, arguments.shards);
    let mut results = Vec::new();
    for &(embedding, role) in &runs {
        let name = format!("{}-{}", role.name(), embedding.name);
        let own = || target.join("release").join(program(embedding, role));
        let run = Suite {
            wstest: wstest.clone(),
            role,
            embedding,
            testee: arguments.testee.clone().unwrap_or_else(own),
            folder: empty(&root.join(&name))?,
        };
        println!("{name}: {} cases in {} shards", asked.len(), shards.len());
        let verdicts = run.run(&shards)?;
        let differences = expected.differences(&suite, &asked, &verdicts);
        conclude(&name, &run.folder, &verdicts, &differences)?;
        results.push(report::Row { name, verdicts, differences: differences.len() });
    }
    if results.len() > 1 {
        println!("{}", report::summary(&results));
    }
    Ok(results.iter().all(|row| row.differences == 0))
}

/// Prints the tables and what is not as expected, and writes the page.
fn conclude(name: &str, folder: &Path, verdicts: &Verdicts, differences: &[String]) -> Result<(), String> {
    println!("\n{}", report::table("behavior", verdicts, |verdict| &verdict.behavior));
    println!("{}", report::table("behaviorClose", verdicts, |verdict| &verdict.close));
    for difference in differences {
        println!("{difference}");
    }
    let page = folder.join("index.html");
    fs::write(&page, page::page(&format!("Autobahn: {name}"), verdicts))
        .map_err(|error| format!("cannot write {}: {error}", page.display()))?;
    println!("report: {}", page.display());
    match differences.len() {
        0 => println!("{name}: passed\n"),
        count => println!("{name}: FAILED, {count} not as expected.json says\n"),
    }
    Ok(())
}

/// The program that is tested.
fn program(embedding: Embedding, role: Role) -> &'static str {
    match role {
        Role::Server => embedding.name,
        Role::Client => "testee-client",
    }
}

/// Builds the programs of `runs`.
fn build(runs: &[(Embedding, Role)]) -> Result<(), String> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    for (package, role) in [("embed", Role::Server), ("autobahn", Role::Client)] {
        let of_role = runs.iter().filter(|(_, wanted)| *wanted == role);
        let programs: BTreeSet<_> = of_role.map(|&(embedding, role)| program(embedding, role)).collect();
        if programs.is_empty() {
            continue;
        }
        let mut build = Command::new(&cargo);
        build.args(["build", "--release", "--quiet", "--manifest-path", manifest, "--package", package]);
        build.args(programs.iter().flat_map(|program| ["--bin", program]));
        match build.status() {
            Ok(status) if status.success() => {}
            Ok(_) => return Err(format!("not all of these programs of `{package}` can be built: {programs:?}")),
            Err(error) => return Err(format!("cannot run cargo: {error}")),
        }
    }
    Ok(())
}

/// Cargo's target directory, where this program lies two folders deep.
fn target() -> Result<PathBuf, String> {
    let program = env::current_exe().map_err(|error| format!("cannot find myself: {error}"))?;
    let target = program.ancestors().nth(2).map(Path::to_path_buf);
    target.ok_or_else(|| format!("{} is in no target directory", program.display()))
}

/// Makes `folder` exist with nothing in it, so that no result is left from an earlier run.
fn empty(folder: &Path) -> Result<PathBuf, String> {
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(|error| format!("cannot empty {}: {error}", folder.display()))?;
    }
    fs::create_dir_all(folder).map_err(|error| format!("cannot create {}: {error}", folder.display()))?;
    Ok(folder.into())
}
