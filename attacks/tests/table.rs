//! Holds the engine to the table of attacks.

use std::collections::BTreeSet;
use std::path::Path;

use attacks::{count, has_valgrind, measure, table};

/// Memory within what is documented, and the end that is expected.
#[test]
fn every_attack_is_within_its_bounds() {
    let mut faults = Vec::new();
    for attack in table() {
        for &role in attack.roles {
            let found = measure(attack, role).faults(attack);
            faults.extend(found.into_iter().map(|fault| format!("{} on a {role:?}: {fault}", attack.name)));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Four times the attack is about four times the work.
#[test]
fn the_work_of_every_attack_is_linear() {
    if !has_valgrind() {
        eprintln!("valgrind is not there: the work of the attacks is not counted");
        return;
    }
    let mut faults = Vec::new();
    for attack in table() {
        for (work, role) in count(Path::new(env!("CARGO_BIN_EXE_attacks")), attack).unwrap().iter().zip(attack.roles) {
            faults.extend(work.faults().into_iter().map(|fault| format!("{} on a {role:?}: {fault}", attack.name)));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn names_are_unique() {
    let names: BTreeSet<&str> = table().map(|attack| attack.name).collect();
    assert_eq!(names.len(), table().count());
}
