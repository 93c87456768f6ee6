//! Prints what each attack costs, against the bound that is documented. It exits with 1 where a bound is broken.

use std::env;
use std::error::Error;
use std::process::ExitCode;

use attacks::{Attack, Measured, REHEARSAL, Work, count, has_valgrind, measure, rehearse, table};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let ran = match arguments[..] {
        ["-h" | "--help", ..] => {
            println!("{HELP}");
            table().for_each(|attack| println!("  {:<23}  {}", attack.name, attack.about));
            return ExitCode::SUCCESS;
        }
        [REHEARSAL, ref names @ ..] => chosen(names).map(|attacks| {
            attacks.into_iter().for_each(rehearse);
            true
        }),
        ["--memory", ref names @ ..] => chosen(names).and_then(|attacks| run(&attacks, false)),
        ref names => chosen(names).and_then(|attacks| run(&attacks, true)),
    };
    match ran {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("attacks: {error}");
            ExitCode::from(2)
        }
    }
}

/// The attacks of these names; all, where there are none.
fn chosen(names: &[&str]) -> Result<Vec<&'static Attack>, Box<dyn Error>> {
    if names.is_empty() {
        return Ok(table().collect());
    }
    let find = |name: &&str| table().find(|attack| attack.name == *name);
    names
        .iter()
        .map(|name| find(name).ok_or(format!("there is no attack {name:?}; --help names them").into()))
        .collect()
}

/// Measures, prints the table, and says whether every bound holds.
fn run(attacks: &[&'static Attack], counts_work: bool) -> Result<bool, Box<dyn Error>> {
    if counts_work && !has_valgrind() {
        return Err(
            "valgrind counts the instructions, and is not there: install it, or leave them out with --memory".into()
        );
    }
    let program = env::current_exe()?;
    println!(
        "{}",
        row(["attack", "on", "sent", "peak", "at most", "that is", "allocations", "instructions", "growth", "end"])
    );
    let mut faults = Vec::new();
    for (index, attack) in attacks.iter().enumerate() {
        eprint!("\r\x1b[K{} of {}: {}, {}", index + 1, attacks.len(), attack.name, attack.about);
        let mut lines = Vec::new();
        let works = if counts_work { count(&program, attack)? } else { Vec::new() };
        for (index, &role) in attack.roles.iter().enumerate() {
            let (measured, work) = (measure(attack, role), works.get(index));
            let broken = measured.faults(attack).into_iter().chain(work.iter().flat_map(|work| work.faults()));
            faults.extend(broken.map(|fault| format!("{} on a {role:?}: {fault}", attack.name)));
            lines.push(line(attack, &format!("{role:?}").to_lowercase(), &measured, work));
        }
        eprint!("\r\x1b[K");
        lines.iter().for_each(|line| println!("{line}"));
    }
    println!("\n{LEGEND}");
    faults.iter().for_each(|fault| println!("BROKEN {fault}"));
    Ok(faults.is_empty())
}

fn line(attack: &Attack, role: &str, measured: &Measured, work: Option<&Work>) -> String {
    let instructions = |work: &Work| format!("{:.0}", work.instructions[0] as f64 / work.bytes as f64);
    row([
        attack.name,
        role,
        &bytes(measured.bytes),
        &bytes(measured.peak),
        &bytes(attack.memory),
        attack.bound,
        &measured.allocations.to_string(),
        &work.map_or("-".into(), instructions),
        &work.map_or("-".into(), |work| format!("{:.2}", work.growth())),
        &measured.end.to_string(),
    ])
}

fn row(cells: [&str; 10]) -> String {
    let [attack, on, sent, peak, most, bound, allocations, instructions, growth, end] = cells;
    format!(
        "{attack:<23} {on:<6} {sent:>9} {peak:>9} {most:>9}  {bound:<31} {allocations:>11} {instructions:>12} {growth:>6}  {end}"
    )
}

/// Bytes in the largest unit that leaves a digit before the point.
fn bytes(count: usize) -> String {
    match count {
        0..1024 => format!("{count} B"),
        1024..0x10_0000 => format!("{:.1} KiB", count as f64 / 1024.0),
        _ => format!("{:.1} MiB", count as f64 / 1_048_576.0),
    }
}

const HELP: &str = "\
attacks [--memory] [NAME...]

Measures what each attack costs, or those that are named, and prints a table. Exits with 1 where a bound is broken.

  --memory  leave out the count of instructions, for which valgrind has to be there

The attacks:
";

const LEGEND: &str = "\
sent: bytes that the attacker sent, or had the victim send. peak: the most that was allocated at once, with the victim's
connection and buffers; at most: what the documentation allows. instructions: for each byte of a sample of the attack;
growth: of the instructions, for four times the sample: 4 is linear.";
