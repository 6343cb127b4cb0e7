//! Options of an endpoint.

use std::path::PathBuf;

use rsql::{Target, UrlError};
use rsqlflow_core::Deployment;

/// Options of an endpoint. It always listens on 127.0.0.1.
#[derive(Debug, Clone)]
pub struct Options {
    /// The port. 0 selects a free port.
    pub port: u16,
    /// The state directory. It is created if missing, and locked while the endpoint runs.
    pub state_dir: PathBuf,
    /// Number of simulated instances, `i-local000000000001` and so on. They have the tags of the deployment's default target.
    pub instances: usize,
    /// Path of the agent.
    pub agent_binary: PathBuf,
    /// Directory of the scripts.
    pub script_dir: PathBuf,
    /// Read only: unfinished executions are not continued, and nothing is executed.
    pub paused: bool,
    /// Servers of the Redshift Data API.
    pub warehouses: Vec<Warehouse>,
    /// Whether completion events of the Redshift Data API are lost, as they may be on AWS. For tests.
    pub drop_statement_events: bool,
    /// Whether a request must be signed with the keys of the state directory ([`crate::Credentials`]).
    pub authenticate: bool,
    /// Names, times and defaults. ARNs of machines are set by the endpoint. Without a default target it is the
    /// endpoint's instances.
    pub deployment: Deployment,
}

/// A server that stands for the cluster and the workgroup of its name.
#[derive(Debug, Clone)]
pub struct Warehouse {
    pub(crate) name: String,
    pub(crate) target: Target,
}

/// Why a warehouse cannot be used. No message repeats its URL: it may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WarehouseError {
    /// It could not be named in a request.
    #[error("the name of a warehouse must be 3 to 63 lower-case letters, digits and hyphens, but is \"{0}\"")]
    Name(String),
    /// Its URL.
    #[error("warehouse \"{name}\": {error}")]
    Url {
        /// The warehouse.
        name: String,
        /// What is wrong with it.
        error: UrlError,
    },
}

impl Warehouse {
    /// A warehouse by name and URL, such as `postgres://user:password@host:5432/database`.
    ///
    /// # Errors
    /// [`WarehouseError`].
    pub fn new(name: &str, url: &str) -> Result<Self, WarehouseError> {
        // Names that both ClusterIdentifier and WorkgroupName may have.
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        let parts = name.split('-').all(|part| !part.is_empty() && part.bytes().all(plain));
        let first = name.starts_with(|c: char| c.is_ascii_lowercase());
        if !(3..=63).contains(&name.len()) || !first || !parts {
            return Err(WarehouseError::Name(name.to_owned()));
        }
        let target =
            Target::from_url(url).map_err(|error| WarehouseError::Url { name: name.to_owned(), error })?;
        Ok(Self { name: name.to_owned(), target })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warehouse_is_named_as_a_cluster_is() {
        let url = "postgres://u:s3cret@h/db";
        for (name, good) in
            [("night", true), ("a-b", true), ("ab", false), ("Night", false), ("a--b", false), ("2ab", false)]
        {
            assert_eq!(Warehouse::new(name, url).is_ok(), good, "{name}");
        }
        let warehouse = Warehouse::new("night", url).unwrap();
        assert!(!format!("{warehouse:?}").contains("s3cret"));
        let message = Warehouse::new("night", "postgres://u:s3cret@h/db?a=b").unwrap_err().to_string();
        assert!(message.starts_with("warehouse \"night\": ") && !message.contains("s3cret"), "{message}");
    }
}
