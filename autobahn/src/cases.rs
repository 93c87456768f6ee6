//! The numbers of the suite's cases: reading, ordering, choosing.

use std::fmt;

/// The number of a case, such as 6.4.1. Cases are ordered as the suite runs them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Id(Vec<u32>);

impl Id {
    /// Reads `6.4.1`. Anything but numbers and dots is `None`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        text.split('.').map(|part| part.parse().ok()).collect::<Option<_>>().map(Self)
    }

    /// The first number: what the case is about.
    pub(crate) fn section(&self) -> u32 {
        self.0.first().copied().unwrap_or_default()
    }

    /// The number at `index`, or zero beyond the last.
    pub(crate) fn part(&self, index: usize) -> u32 {
        self.0.get(index).copied().unwrap_or_default()
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, part) in self.0.iter().enumerate() {
            let dot = if index == 0 { "" } else { "." };
            write!(f, "{dot}{part}")?;
        }
        Ok(())
    }
}

/// Reads the suite's own list, the line `Cases = ['1.1.1', '1.1.2', ...]` of its output.
pub(crate) fn listed(output: &str) -> Vec<Id> {
    let Some(list) = output.lines().find_map(|line| line.strip_prefix("Cases = ")) else {
        return Vec::new();
    };
    let digits = |c: char| c.is_ascii_digit() || c == '.';
    list.split(|c| !digits(c)).filter_map(Id::parse).collect()
}

/// The cases of `suite` that a pattern names: `6.4.1`, `1.*`, `*`. A pattern that names none is
/// an error, and so a misspelt one cannot pass.
pub(crate) fn chosen(suite: &[Id], patterns: &[String]) -> Result<Vec<Id>, String> {
    for pattern in patterns {
        if !suite.iter().any(|id| matches(pattern, &id.to_string())) {
            return Err(format!("no case of the suite matches `{pattern}`; try `6.4.1` or `6.*`"));
        }
    }
    let named = |id: &&Id| patterns.iter().any(|pattern| matches(pattern, &id.to_string()));
    Ok(suite.iter().filter(named).cloned().collect())
}

/// Whether `text` is `pattern`, where `*` stands for any text.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, tail)) => text.strip_prefix(head).is_some_and(|rest| {
            rest.char_indices().map(|(at, _)| at).chain([rest.len()]).any(|at| matches(tail, &rest[at..]))
        }),
    }
}

/// The suite's sections, by their first number.
pub(crate) const SECTIONS: [(u32, &str); 11] = [
    (1, "Framing"),
    (2, "Pings"),
    (3, "Reserved bits"),
    (4, "Opcodes"),
    (5, "Fragmentation"),
    (6, "UTF-8"),
    (7, "Closing"),
    (9, "Limits"),
    (10, "Auto-fragmentation"),
    (12, "Compression"),
    (13, "Compression parameters"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(text: &str) -> Vec<Id> {
        text.split_whitespace().filter_map(Id::parse).collect()
    }

    #[test]
    fn ids_are_ordered_by_number_and_printed_as_read() {
        let mut cases = ids("10.1.1 2.10 2.2 1.1.1");
        cases.sort();
        assert_eq!(cases, ids("1.1.1 2.2 2.10 10.1.1"));
        assert_eq!(cases[2].to_string(), "2.10");
        assert_eq!(Id::parse("6.x"), None);
        assert_eq!(Id::parse(""), None);
    }

    #[test]
    fn the_list_is_read_from_the_line_that_holds_it() {
        let output = "Ok, will run 2 test cases against 1 servers\n\
                      Cases = ['1.1.1', u'12.1.10']\n\
                      Servers = [u'ws://127.0.0.1:1']\n";
        assert_eq!(listed(output), ids("1.1.1 12.1.10"));
        assert_eq!(listed("Traceback (most recent call last):\n"), []);
    }

    #[test]
    fn patterns_choose_in_the_order_of_the_suite() {
        let suite = ids("1.1.1 1.1.2 2.1 6.4.1 10.1.1");
        for (patterns, expected) in [
            ("*", "1.1.1 1.1.2 2.1 6.4.1 10.1.1"),
            ("1.*", "1.1.1 1.1.2"),
            ("6.4.1 2.1 2.*", "2.1 6.4.1"),
            ("*.1.1", "1.1.1 10.1.1"),
            ("1*.1", "1.1.1 10.1.1"),
        ] {
            let patterns: Vec<_> = patterns.split(' ').map(String::from).collect();
            assert_eq!(chosen(&suite, &patterns), Ok(ids(expected)), "{patterns:?}");
        }
    }

    #[test]
    fn a_pattern_without_a_case_is_an_error() {
        for pattern in ["8.*", "6.4", "1.1.1.1", ""] {
            let chosen = chosen(&ids("1.1.1 6.4.1"), &[pattern.into(), "1.*".into()]);
            assert!(chosen.is_err(), "{pattern}");
        }
    }
}
