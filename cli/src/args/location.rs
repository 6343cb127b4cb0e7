//! Options that select the backend of a command.

use std::fmt;
use std::path::PathBuf;

use clap::Args;
use serde::{Deserialize, Serialize};

/// The backend options of the command line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Given {
    /// `--state-dir`
    pub state_dir: Option<PathBuf>,
    /// `--endpoint-url`
    pub endpoint_url: Option<String>,
    /// `--profile`
    pub profile: Option<String>,
    /// `--region`
    pub region: Option<String>,
}

/// Backend of a command.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Location")]
pub(crate) struct Location {
    /// State directory of an endpoint on this machine. Default: RSQLFLOW_STATE_DIR, then `.rsqlflow`.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["endpoint_url", "profile", "region"])]
    pub state_dir: Option<PathBuf>,
    /// Account and region, or an endpoint.
    #[command(flatten)]
    pub account: Account,
}

impl Location {
    /// The options, as the selection of the backend takes them.
    #[must_use]
    pub(crate) fn given(&self) -> Given {
        Given { state_dir: self.state_dir.clone(), ..self.account.given() }
    }
}

/// An account and a region, or an endpoint, but not a state directory.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Location")]
pub(crate) struct Account {
    /// Address of a running endpoint, such as http://127.0.0.1:4566. Default: AWS_ENDPOINT_URL.
    #[arg(long, value_name = "URL")]
    pub endpoint_url: Option<String>,
    /// Use AWS with this profile of ~/.aws/config. Default: AWS_PROFILE.
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// Use AWS in this region. Default: AWS_REGION, then the region of the profile.
    #[arg(long, value_name = "NAME")]
    pub region: Option<String>,
}

impl Account {
    /// The options, as the selection of the backend takes them.
    #[must_use]
    pub(crate) fn given(&self) -> Given {
        Given {
            state_dir: None,
            endpoint_url: self.endpoint_url.clone(),
            profile: self.profile.clone(),
            region: self.region.clone(),
        }
    }
}

/// The state directory of an endpoint in this process.
#[derive(Debug, Args)]
pub(crate) struct StateDir {
    /// State directory of the embedded endpoint. It contains tables, logs and the agents' files.
    #[arg(long, value_name = "DIR", env = "RSQLFLOW_STATE_DIR", default_value = ".rsqlflow")]
    pub state_dir: PathBuf,
}

/// Options of an embedded endpoint.
#[derive(Debug, Args)]
pub(crate) struct Embedded {
    /// The state directory.
    #[command(flatten)]
    pub backend: StateDir,
    /// Number of simulated EC2 instances.
    #[arg(long, value_name = "N", default_value_t = 1, allow_negative_numbers = true, value_parser = clap::value_parser!(u16).range(1..=50))]
    pub instances: u16,
    /// Store a secret. The file is a JSON object with host, port, username, password and dbname. The first secret is the
    /// default for jobs that do not name one. May be repeated.
    #[arg(long, value_name = "NAME=FILE", value_parser = secret)]
    pub secret: Vec<(String, PathBuf)>,
    /// A server that stands for the Redshift cluster and workgroup NAME. URL is
    /// postgres://USER:PASSWORD@HOST:PORT/DATABASE, or file:PATH or env:VARIABLE with such a URL, which keeps the
    /// password out of the list of processes. May be repeated.
    #[arg(long, value_name = "NAME=URL")]
    pub warehouse: Vec<WarehouseSource>,
    /// Lose the completion events of SQL statements, as AWS may. For tests.
    #[arg(long, hide = true)]
    pub drop_statement_events: bool,
}

/// A warehouse's name and URL, or where the URL is. It is not checked here: clap would repeat a value that is refused,
/// with its password.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct WarehouseSource(String);

impl WarehouseSource {
    /// As it was given.
    #[must_use]
    pub(crate) fn text(&self) -> &str {
        &self.0
    }

    /// Whether it only says where the URL is.
    #[must_use]
    pub(crate) fn is_reference(&self) -> bool {
        self.0.split_once('=').is_some_and(|(_, url)| url.starts_with("file:") || url.starts_with("env:"))
    }
}

impl From<String> for WarehouseSource {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for WarehouseSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.split_once('=').map_or("…", |(name, _)| name))
    }
}

/// `NAME=VALUE`
pub(super) fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write it as NAME=VALUE".to_owned()),
    }
}

fn secret(text: &str) -> Result<(String, PathBuf), String> {
    match pair(text) {
        Ok((name, file)) if !file.is_empty() => Ok((name, file.into())),
        _ => Err("write it as NAME=FILE, where the file holds the secret's JSON".to_owned()),
    }
}
