//! Measures sockeye beside its peers and beside the limits of the machine: `cargo run --release -p bench -- --help`.

mod chart;
mod growth;
mod load;
mod loopback;
mod measure;
mod options;
mod part;
mod peers;
mod results;
mod server;

use std::process::ExitCode;

use options::Options;
use part::Way;

fn main() -> ExitCode {
    let options = match Options::parse() {
        Ok(Some(options)) => options,
        Ok(None) => return ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}; --help says what there is");
            return ExitCode::from(2);
        }
    };
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), Box<dyn std::error::Error>> {
    std::fs::create_dir_all(&options.out)?;
    let mut peers = peers::build(&options.peers)?;
    for &part in &options.parts {
        let results = match part.way {
            Way::Tasks(tables) => measure::tasks(part, tables(options.quick), &mut peers, options),
            Way::Loopback => loopback::messages(part, &peers, options)?,
            Way::Memory => loopback::memory(part, &peers, options)?,
            Way::Growth => growth::measure(part, &mut peers, options)?,
        };
        print!("{}", results.text());
        results.write(&options.out)?;
        chart::write(&results, &options.out)?;
        println!("\nwrote {0}.md, {0}.json and {0}.svg to {1}\n", part.name, options.out.display());
    }
    Ok(())
}
