//! Counts instructions: this program under callgrind, which counts between the first instruction of a function and its last.

use std::error::Error;
use std::path::Path;
use std::process::{Command, Stdio};
use std::{env, fs, process};

use crate::measure::Work;
use crate::table::Attack;
use crate::victim::{Deed, End, Victim};

/// Whether valgrind is there.
pub fn has_valgrind() -> bool {
    let mut version = Command::new("valgrind");
    version.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    version.status().is_ok_and(|status| status.success())
}

/// Counts the instructions of an attack in each of its roles. `program` is one that calls [`rehearse`] where its arguments are
/// [`REHEARSAL`] and the name of the attack.
///
/// # Errors
/// Where valgrind does not do what it is expected to.
pub fn count(program: &Path, attack: &Attack) -> Result<Vec<Work>, Box<dyn Error>> {
    let folder = env::temp_dir().join(format!("attacks-{}-{}", process::id(), attack.name));
    fs::create_dir_all(&folder)?;
    let counted = count_in(&folder, program, attack);
    fs::remove_dir_all(&folder)?;
    counted
}

fn count_in(folder: &Path, program: &Path, attack: &Attack) -> Result<Vec<Work>, Box<dyn Error>> {
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--quiet", "--collect-atstart=no"]);
    valgrind.args([format!("--toggle-collect={COUNTED}"), format!("--dump-after={COUNTED}")]);
    valgrind.arg(format!("--callgrind-out-file={}", folder.join("part").display()));
    valgrind.arg(program).args([REHEARSAL, attack.name]);
    let output = valgrind.stdin(Stdio::null()).output()?;
    if !output.status.success() {
        return Err(format!("valgrind failed: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    // There is a part for each call, numbered from 1.
    let part = |number: usize| total(&fs::read_to_string(folder.join(format!("part.{number}")))?);
    let mut works = Vec::new();
    for (index, &role) in attack.roles.iter().enumerate() {
        let instructions = [part(2 * index + 1)?, part(2 * index + 2)?];
        works.push(Work { bytes: (attack.deed)(role, attack.sample).bytes(), instructions });
    }
    Ok(works)
}

/// Does what is counted: the sample in each role, and four times as much.
pub fn rehearse(attack: &Attack) {
    for &role in attack.roles {
        for times in [1, 4] {
            let deed = (attack.deed)(role, times * attack.sample);
            count_this(&mut Victim::new(role, attack.manner), &deed);
        }
    }
}

/// Between its first instruction and its last is counted.
#[inline(never)]
fn count_this(victim: &mut Victim, deed: &Deed) -> End {
    victim.suffer(deed)
}

/// The sum that a part of callgrind's output ends with.
fn total(part: &str) -> Result<u64, Box<dyn Error>> {
    let total = part.lines().find_map(|line| line.strip_prefix("totals: "));
    Ok(total.ok_or("a part of callgrind's output has no total")?.trim().parse()?)
}

/// [`count_this`], as callgrind names it.
const COUNTED: &str = "attacks::instructions::count_this";

/// The argument with which a program is asked to do what is counted.
pub const REHEARSAL: &str = "--rehearse";
