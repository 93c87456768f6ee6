//! The command line.

use crate::embeddings::{self, Embedding};
use crate::suite::Role;
use std::path::PathBuf;

/// What the command line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Arguments {
    /// The one role to test; without it, every role that an embedding has.
    pub(crate) role: Option<Role>,
    /// The embeddings to test, at least one.
    pub(crate) embeddings: Vec<Embedding>,
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
            role: None,
            embeddings: embeddings::named(ADAPTER)?,
            shards: SHARDS,
            testee: None,
            cases: Vec::new(),
        };
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("`{argument}` needs a value"));
            match argument.as_str() {
                "--role" => read.role = Some(role(&value()?)?),
                "--adapter" => read.embeddings = embeddings::named(&value()?)?,
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
        if read.testee.is_some() && read.role.is_none() {
            return Err("`--testee` needs `--role`".into());
        }
        if read.testee.is_some() && read.embeddings.len() > 1 {
            return Err("`--testee` is one program: name one adapter and not `all`".into());
        }
        if read.runs().is_empty() {
            let name = read.embeddings[0].name;
            return Err(format!("{name} has no client: leave out `--role`, or choose threads, tokio or smol"));
        }
        Ok(read)
    }

    /// What is to be run: each embedding in each role that was asked for and that it has.
    pub(crate) fn runs(&self) -> Vec<(Embedding, Role)> {
        let asked = |role: Role| self.role.is_none_or(|only| only == role);
        let has = |embedding: Embedding, role: Role| role == Role::Server || embedding.client.is_some();
        let roles = |&embedding: &Embedding| {
            let roles = [Role::Server, Role::Client].into_iter();
            roles.filter(move |&role| asked(role) && has(embedding, role)).map(move |role| (embedding, role))
        };
        self.embeddings.iter().flat_map(roles).collect()
    }

    /// The embeddings whose clients would be tested as well, if they had one.
    pub(crate) fn without_client(&self) -> impl Iterator<Item = &'static str> {
        let lacking = self.embeddings.iter().filter(|one| self.role != Some(Role::Server) && one.client.is_none());
        lacking.map(|one| one.name)
    }
}

fn role(value: &str) -> Result<Role, String> {
    let known = [Role::Server, Role::Client];
    let role = known.into_iter().find(|role| role.name() == value);
    role.ok_or(format!("the role is server or client, not `{value}`"))
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

  --role server|client  test one role; every role that there is if not given
  --adapter NAME        test sockeye in this embedding; tokio if not given
  --shards N            run N processes of the suite at the same time; 4 if not given
  --testee PROGRAM      test PROGRAM, which takes the arguments of our testees; needs --role

NAME is the name of a server in embed/:
  threads (or blocking), tokio, smol (or futures)                both roles
  epoll, io_uring, hyper, axum, tls, tls_threads                 server only
  all                                                            one after the other
";

const ADAPTER: &str = "tokio";

/// How many processes of the suite run at the same time. On two cores, four take a little more
/// than half the time of one, and eight are no faster than four.
const SHARDS: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embeddings::EMBEDDINGS;

    fn read(line: &str) -> Result<Arguments, String> {
        Arguments::read(line.split_whitespace().map(String::from))
    }

    #[test]
    fn everything_has_a_default() {
        let expected = Arguments {
            role: None,
            embeddings: embeddings::named(ADAPTER).expect("an embedding"),
            shards: SHARDS,
            testee: None,
            cases: vec!["*".into()],
        };
        assert_eq!(read(""), Ok(expected));
        for default in [&SHARDS.to_string(), ADAPTER] {
            assert!(HELP.contains(&format!("; {default} if not given")));
        }
    }

    #[test]
    fn options_and_cases_may_be_mixed() {
        let expected = Arguments {
            role: Some(Role::Client),
            embeddings: embeddings::named("threads").expect("an embedding"),
            shards: 2,
            testee: Some("./echo".into()),
            cases: vec!["1.*".into(), "6.4.1".into()],
        };
        let line = "1.* --role client --adapter blocking --shards 2 --testee ./echo 6.4.1";
        assert_eq!(read(line), Ok(expected));
    }

    #[test]
    fn an_embedding_runs_in_the_roles_that_it_has() {
        let runs = |line: &str| {
            let arguments = read(line)?;
            let names = arguments.runs().into_iter().map(|(embedding, role)| (embedding.name, role));
            Ok::<_, String>((names.collect::<Vec<_>>(), arguments.without_client().collect::<Vec<_>>()))
        };
        let both = vec![("tokio", Role::Server), ("tokio", Role::Client)];
        assert_eq!(runs(""), Ok((both, vec![])));
        assert_eq!(runs("--role client --adapter futures"), Ok((vec![("smol", Role::Client)], vec![])));
        assert_eq!(runs("--adapter epoll"), Ok((vec![("epoll", Role::Server)], vec!["epoll"])));
        assert_eq!(runs("--adapter epoll --role server"), Ok((vec![("epoll", Role::Server)], vec![])));
        let told = runs("--adapter epoll --role client").expect_err("epoll has no client");
        assert!(told.starts_with("epoll has no client"), "{told}");
    }

    #[test]
    fn all_is_every_embedding_in_every_role_that_it_has() {
        let count = |line: &str| read(line).map(|arguments| arguments.runs().len());
        let clients = EMBEDDINGS.iter().filter(|embedding| embedding.client.is_some()).count();
        assert_eq!(count("--adapter all"), Ok(EMBEDDINGS.len() + clients));
        assert_eq!(count("--adapter all --role server"), Ok(EMBEDDINGS.len()));
        assert_eq!(count("--adapter all --role client"), Ok(clients));
    }

    #[test]
    fn the_help_names_every_embedding() {
        assert!(EMBEDDINGS.iter().all(|embedding| HELP.contains(embedding.name)));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for line in [
            "--role",
            "--role peer",
            "--adapter netty",
            "--shards 0",
            "--shards many",
            "--testee ./echo",
            "--testee ./echo --role server --adapter all",
            "--fast",
        ] {
            assert!(read(line).is_err(), "{line}");
        }
    }
}
