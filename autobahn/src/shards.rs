//! Dividing the cases among processes of the suite, which runs its cases one after the other.

use crate::cases::Id;
use std::cmp::Reverse;

/// Divides `cases` into at most `count` shards that take about as long as each other. The same
/// cases are always divided the same way.
///
/// The suite runs the cases of a shard in order. So every shard gets its share of the short cases,
/// some of which wait for an answer for a second only: they all run in the beginning, when no
/// other shard takes the processors for itself.
pub(crate) fn divide(cases: &[Id], count: usize) -> Vec<Vec<Id>> {
    let mut dealt: Vec<_> = cases.iter().collect();
    dealt.sort_by_key(|id| (is_long(id), Reverse(cost(id)), *id));
    let mut shards = vec![(0, Vec::new()); count];
    for id in dealt {
        if let Some((load, shard)) = shards.iter_mut().min_by_key(|(load, _)| *load) {
            *load += cost(id);
            shard.push(id.clone());
        }
    }
    let mut shards: Vec<_> = shards.into_iter().map(|(_, shard)| shard).collect();
    shards.retain(|shard| !shard.is_empty());
    for shard in &mut shards {
        shard.sort();
    }
    shards
}

/// Whether a case is about limits or compression, and keeps a processor busy.
fn is_long(id: &Id) -> bool {
    matches!(id.section(), 9 | 12 | 13)
}

/// About how many milliseconds a case takes, most of them spent by the suite itself.
fn cost(id: &Id) -> u32 {
    10
}
