//! The command line.

use crate::suite::Role;
use std::path::PathBuf;

/// What the command line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Arguments {
    pub(crate) roles: Vec<Role>,
    pub(crate) adapter: String,
    pub(crate) shards: usize,
    /// A program to test in place of ours.
    pub(crate) testee: Option<PathBuf>,
    /// The patterns of the cases to run.
    pub(crate) cases: Vec<String>,
}

impl Arguments {
    /// Reads the arguments that follow the name of the program.
    pub(crate) fn read(arguments: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let mut read = Self {
            roles: vec![Role::Server, Role::Client],
            adapter: "tokio".into(),
            shards: SHARDS,
            testee: None,
            cases: Vec::new(),
        };
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("`{argument}` needs a value"));
            match argument.as_str() {
                "--role" => read.roles = vec![role(&value()?)?],
                "--adapter" => read.adapter = adapter(value()?)?,
                "--shards" => read.shards = shards(&value()?)?,
                "--testee" => read.testee = Some(value()?.into()),
                option if option.starts_with('-') => {
                    return Err(format!("no option `{option}`; `--help` lists them"));
                }
                _ => read.cases.push(argument),
            }
        }
        if read.cases.is_empty() {
            read.cases.push("*".into());
        }
        if read.testee.is_some() && read.roles.len() > 1 {
            return Err("`--testee` needs `--role`".into());
        }
        Ok(read)
    }
}

fn role(value: &str) -> Result<Role, String> {
    let known = [Role::Server, Role::Client];
    let role = known.into_iter().find(|role| role.name() == value);
    role.ok_or(format!("the role is server or client, not `{value}`"))
}

fn adapter(value: String) -> Result<String, String> {
    if ["tokio", "blocking"].contains(&value.as_str()) {
        return Ok(value);
    }
    Err(format!("the adapter is tokio or blocking, not `{value}`"))
}

fn shards(value: &str) -> Result<usize, String> {
    match value.parse() {
        Ok(count @ 1..=64) => Ok(count),
        _ => Err(format!("the shards are 1 to 64, not `{value}`")),
    }
}

pub(crate) const HELP: &str = "\
Runs the Autobahn test suite against sockeye.

Usage: autobahn/run [OPTIONS] [CASES...]

CASES are numbers or patterns, such as 6.4.1 or '1.*'; all of them if there is none.

  --role server|client       test one role; both if not given
  --adapter tokio|blocking   test sockeye in this adapter; tokio if not given
  --shards N                 run N processes of the suite at the same time; 4 if not given
  --testee PROGRAM           test PROGRAM, which takes the arguments of our testees; needs --role
";

/// How many processes of the suite run at the same time. On two cores, four take a little more
/// than half the time of one, and eight are no faster than four.
const SHARDS: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Arguments, String> {
        Arguments::read(line.split_whitespace().map(String::from))
    }

    #[test]
    fn everything_has_a_default() {
        let expected = Arguments {
            roles: vec![Role::Server, Role::Client],
            adapter: "tokio".into(),
            shards: SHARDS,
            testee: None,
            cases: vec!["*".into()],
        };
        assert_eq!(read(""), Ok(expected));
        assert!(HELP.contains(&format!("; {SHARDS} if not given")));
    }

    #[test]
    fn options_and_cases_may_be_mixed() {
        let expected = Arguments {
            roles: vec![Role::Client],
            adapter: "blocking".into(),
            shards: 2,
            testee: Some("./echo".into()),
            cases: vec!["1.*".into(), "6.4.1".into()],
        };
        let line = "1.* --role client --adapter blocking --shards 2 --testee ./echo 6.4.1";
        assert_eq!(read(line), Ok(expected));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for line in
            ["--role", "--role peer", "--adapter smol", "--shards 0", "--shards many", "--testee ./echo", "--fast"]
        {
            assert!(read(line).is_err(), "{line}");
        }
    }
}
