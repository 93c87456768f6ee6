//! The embeddings that the suite can run against.

/// A server program of the member `embed`, and the client that belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Embedding {
    /// The name of the program.
    pub(crate) name: &'static str,
    /// The name of the adapter that it stands on, where that is another one.
    alias: Option<&'static str>,
    /// What `testee-client` calls its adapter, where there is a client.
    pub(crate) client: Option<&'static str>,
}

/// Every embedding that is a server on a TCP port, in the order in which `all` takes them.
pub(crate) const EMBEDDINGS: [Embedding; 9] = [
    Embedding { name: "threads", alias: Some("blocking"), client: Some("blocking") },
    Embedding { name: "epoll", alias: None, client: None },
    Embedding { name: "io_uring", alias: None, client: None },
    Embedding { name: "tokio", alias: None, client: Some("tokio") },
    Embedding { name: "smol", alias: Some("futures"), client: Some("futures") },
    Embedding { name: "hyper", alias: None, client: None },
    Embedding { name: "axum", alias: None, client: None },
    Embedding { name: "tls", alias: None, client: None },
    Embedding { name: "tls_threads", alias: None, client: None },
];

/// The embeddings that a user calls by `name`, which may be `all`.
///
/// # Errors
/// What names there are, if it is none of them.
pub(crate) fn named(name: &str) -> Result<Vec<Embedding>, String> {
    let found = EMBEDDINGS.into_iter().filter(|one| name == "all" || one.name == name || one.alias == Some(name));
    match found.collect::<Vec<_>>() {
        none if none.is_empty() => {
            let names = EMBEDDINGS.map(|one| one.name).join(", ");
            Err(format!("the adapter is one of {names}, or all, not `{name}`"))
        }
        found => Ok(found),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_found_by_its_names_and_all_by_all() {
        for (index, embedding) in EMBEDDINGS.into_iter().enumerate() {
            assert_eq!(named(embedding.name), Ok(vec![embedding]));
            if let Some(alias) = embedding.alias {
                assert_eq!(named(alias), Ok(vec![embedding]));
            }
            let names = |one: &Embedding| [Some(one.name), one.alias];
            let others = EMBEDDINGS[index + 1..].iter().flat_map(names).flatten();
            for other in others {
                assert!(!names(&embedding).contains(&Some(other)), "`{other}` names two embeddings");
            }
        }
        assert_eq!(named("all"), Ok(EMBEDDINGS.to_vec()));
    }

    #[test]
    fn another_name_is_answered_with_those_that_there_are() {
        let told = named("netty").expect_err("no such embedding");
        assert!(EMBEDDINGS.iter().all(|embedding| told.contains(embedding.name)), "{told}");
    }
}
