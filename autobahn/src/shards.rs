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

/// About how many milliseconds a case takes. Most of them are spent by the suite itself, so that
/// a faster testee changes the sum more than the proportions.
fn cost(id: &Id) -> u32 {
    match (id.section(), id.part(1), id.part(2)) {
        (5, 19 | 20, _) => 1000,
        (6, 4, _) => 2000,
        (9, ..) => 120,
        // Of these, the large messages hardly shrink.
        (12, 2 | 3 | 5, size) => 3 * compression(size),
        (12 | 13, _, size) => compression(size),
        _ => 1,
    }
}

/// The cost of a case of sections 12 and 13, which all have the same 18 sizes of messages.
fn compression(size: u32) -> u32 {
    let index = usize::try_from(size).unwrap_or_default().saturating_sub(1);
    COMPRESSION.get(index).copied().unwrap_or(1000)
}

const COMPRESSION: [u32; 18] =
    [400, 450, 500, 500, 600, 800, 1000, 1400, 2200, 3900, 800, 1100, 1600, 2700, 5000, 4200, 3900, 3900];

#[cfg(test)]
mod tests {
    use super::*;

    /// All the cases of sections 6.4, 12.1 to 12.5 and 13.1 to 13.7, and some of section 1.
    fn cases() -> Vec<Id> {
        let numbers = |prefix: &str, last: u32| -> Vec<Id> {
            (1..=last).filter_map(|last| Id::parse(&format!("{prefix}.{last}"))).collect()
        };
        let mut cases = numbers("1.1", 8);
        cases.extend(numbers("6.4", 4));
        cases.extend((1..=5).flat_map(|series| numbers(&format!("12.{series}"), 18)));
        cases.extend((1..=7).flat_map(|series| numbers(&format!("13.{series}"), 18)));
        cases
    }

    fn load(shard: &[Id]) -> u32 {
        shard.iter().map(cost).sum()
    }

    #[test]
    fn every_case_is_in_one_shard() {
        for count in 1..=9 {
            let shards = divide(&cases(), count);
            assert_eq!(shards.len(), count);
            let mut joined = shards.concat();
            joined.sort();
            assert_eq!(joined, cases(), "{count} shards");
            assert!(shards.iter().all(|shard| shard.is_sorted()));
        }
    }

    #[test]
    fn the_shards_take_equally_long() {
        for count in 2..=8 {
            let loads: Vec<_> = divide(&cases(), count).iter().map(|shard| load(shard)).collect();
            let longest = cases().iter().map(cost).max();
            let (least, most) = (loads.iter().min(), loads.iter().max());
            assert!(most.zip(least).map(|(most, least)| most - least) <= longest, "{loads:?}");
        }
    }

    #[test]
    fn every_shard_gets_its_share_of_the_waiting_cases() {
        for shard in divide(&cases(), 4) {
            assert_eq!(shard.iter().filter(|id| id.section() == 6).count(), 1);
        }
    }

    #[test]
    fn there_is_no_empty_shard() {
        let cases = cases();
        assert_eq!(divide(&cases[..3], 8).len(), 3);
        assert!(divide(&[], 8).is_empty());
    }
}
