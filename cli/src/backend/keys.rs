//! With which keys an endpoint of this machine is used.

use std::path::{Path, PathBuf};

use rsqlflow_core::env::STATE_DIR;
use rsqlflow_local::Credentials;

use super::choice::DEFAULT_STATE_DIR;
use super::last_endpoint::last_address;

/// The keys of an endpoint that is known by its address: those of the state directory that it serves, where that is the one
/// of this directory or of the environment; else those of the environment, as `rsqlflow local` prints them. An endpoint
/// that checks no keys takes any.
#[must_use]
pub(crate) fn of_endpoint(url: &str) -> Credentials {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let dirs = [variable(STATE_DIR).map(PathBuf::from), Some(PathBuf::from(DEFAULT_STATE_DIR))];
    let dirs: Vec<PathBuf> = dirs.into_iter().flatten().collect();
    let serves = |dir: &&PathBuf| last_address(dir).is_some_and(|last| is_same(&last, url));
    let of_dir = |dir: &PathBuf| Credentials::read(dir).ok().flatten();
    let set = || {
        let (id, secret) = (variable("AWS_ACCESS_KEY_ID")?, variable("AWS_SECRET_ACCESS_KEY")?);
        Some(Credentials::new(&id, &secret))
    };
    dirs.iter()
        .find(serves)
        .and_then(of_dir)
        .or_else(set)
        // The endpoint may be behind another address.
        .or_else(|| dirs.iter().find_map(of_dir))
        .unwrap_or_else(any)
}

/// The keys of the endpoint of a state directory.
#[must_use]
pub(super) fn of_state_dir(dir: &Path) -> Credentials {
    Credentials::read(dir).ok().flatten().unwrap_or_else(any)
}

/// For endpoints that check none; clients must have some.
fn any() -> Credentials {
    Credentials::new("local", "local")
}

fn is_same(one: &str, other: &str) -> bool {
    let plain = |url: &str| url.trim_end_matches('/').replace("://localhost:", "://127.0.0.1:");
    plain(one) == plain(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_be_written_in_several_ways() {
        for other in ["http://127.0.0.1:4566", "http://127.0.0.1:4566/", "http://localhost:4566/"] {
            assert!(is_same("http://127.0.0.1:4566", other), "{other}");
        }
        assert!(!is_same("http://127.0.0.1:4566", "http://127.0.0.1:45667"));
    }
}
