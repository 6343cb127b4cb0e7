//! The AWS account or endpoint that a command works with.
//!
//! [`choice`] selects the backend, [`account`] checks region and profile, [`embedded`] starts an endpoint in this process,
//! [`remote`] connects to AWS or to an endpoint of another process, and [`last_endpoint`] has the files that an endpoint
//! writes into its state directory for the next command.

mod account;
mod calls;
mod choice;
mod embedded;
pub(crate) mod keys;
mod last_endpoint;
mod remote;
mod warehouses;

use std::path::PathBuf;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::timeout::TimeoutConfig;
use rsqlflow_core::{Deployment, ExecutionId, Timestamp, Timing};
use rsqlflow_local::{Credentials, Endpoint};
use rsqlflow_store::Store;

pub(crate) use calls::failed;
pub(crate) use choice::{BackendKind, Choice, choose, is_loopback};
pub(crate) use embedded::Serving;

use crate::args::{self, Given};
use crate::failure::Failure;

/// The services, names and tables that a command works with.
pub(crate) struct Backend {
    /// Configuration of clients for any service.
    pub sdk: SdkConfig,
    /// The same for tables and logs, with a short timeout. A function may take minutes.
    pub reading: SdkConfig,
    /// Names, times and defaults.
    pub deployment: Deployment,
    /// The tables.
    pub store: Store,
    /// When this process connected to it. Runs that started before were left by an earlier endpoint.
    pub since: Timestamp,
    /// `None` if another process or AWS serves it.
    endpoint: Option<Box<Endpoint>>,
    /// The state directory with the tables. `None` on AWS, and for an endpoint whose state directory is not known.
    state_dir: Option<PathBuf>,
    /// The name in messages: `AWS in eu-west-1, profile prod`.
    name: String,
    url: String,
}

/// How long an endpoint may take to shut down. It waits at most 7 s for requests and commands.
const CLOSING: Duration = Duration::from_secs(10);

/// How often the existence of the state directory is checked.
const EXISTENCE_CHECK_INTERVAL: Duration = Duration::from_millis(500);

/// Longest wait for the answer of a table or a log. Without it, a connection that was lost, as after a laptop's sleep,
/// would be waited on for a quarter of an hour.
const ANSWER: Duration = Duration::from_secs(10);

/// The kind of access that a command needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Reads tables and logs, or writes items that no run depends on. An endpoint that executes nothing is sufficient.
    Read,
    /// Executes something. If no endpoint serves a state directory, this process does.
    Execute,
}

/// The scripts directory of the last endpoint of a state directory, if it is known and exists.
pub(crate) fn last_scripts(state_dir: &std::path::Path) -> Option<std::path::PathBuf> {
    last_endpoint::started_with(state_dir).map(|with| with.scripts)
}

/// A disk with less free space than this is full: SQLite cannot write a transaction.
const FULL: u64 = 64 * 1024;

impl Backend {
    /// Connects to the backend that the command line and the environment select.
    ///
    /// # Errors
    /// The backend does not exist, or cannot be reached or opened.
    pub(crate) async fn find(backend: &args::Location, purpose: Purpose) -> Result<Self, Failure> {
        let given = backend.given();
        match choice_of(&given).site {
            BackendKind::StateDir(dir) => match purpose {
                Purpose::Read => Box::pin(embedded::look(&dir)).await,
                Purpose::Execute => Box::pin(embedded::serve_or_join(&dir, None)).await,
            },
            BackendKind::Endpoint(url) => remote::endpoint(&url, &given).await,
            BackendKind::Aws => remote::aws(&given).await,
        }
    }

    /// Connects to AWS, or to the endpoint that replaces it, but not to a state directory.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub(crate) async fn of_account(given: &Given) -> Result<Self, Failure> {
        match choice_of(given).site {
            BackendKind::Endpoint(url) => remote::endpoint(&url, given).await,
            BackendKind::StateDir(_) => match std::env::var(rsqlflow_core::env::AWS_ENDPOINT_URL) {
                Ok(url) if !url.is_empty() => remote::endpoint(&url, given).await,
                _ => remote::aws(given).await,
            },
            BackendKind::Aws => remote::aws(given).await,
        }
    }

    /// As [`Self::find`] to execute, with the directory of scripts for an endpoint that this process has to serve.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub(crate) async fn find_with_scripts(
        backend: &args::Location,
        scripts: Option<&std::path::Path>,
    ) -> Result<Self, Failure> {
        match choice_of(&backend.given()).site {
            BackendKind::StateDir(dir) => Box::pin(embedded::serve_or_join(&dir, scripts)).await,
            _ => Self::find(backend, Purpose::Execute).await,
        }
    }

    /// Whether this process serves the endpoint. What runs there stops when this process ends.
    #[must_use]
    pub(crate) const fn is_served_here(&self) -> bool {
        self.endpoint.is_some()
    }

    /// The keys of an endpoint that this process serves.
    #[must_use]
    pub(crate) fn credentials(&self) -> Option<&Credentials> {
        self.endpoint.as_deref().map(Endpoint::credentials)
    }

    /// The endpoint's address. Empty for AWS.
    #[must_use]
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Whether it is AWS itself.
    #[must_use]
    pub(crate) const fn is_aws(&self) -> bool {
        self.url.is_empty()
    }

    /// Its state directory, if it is known.
    #[must_use]
    pub(crate) fn state_dir(&self) -> Option<&std::path::Path> {
        self.state_dir.as_deref()
    }

    /// The message for a full disk of the state directory. Nothing that runs there can be recorded.
    #[must_use]
    pub(crate) fn full_disk(&self) -> Option<String> {
        let dir = self.state_dir.as_deref()?;
        let disk = nix::sys::statvfs::statvfs(dir).ok()?;
        let free = disk.blocks_available().saturating_mul(disk.fragment_size());
        (free < FULL).then(|| format!("the disk of the state directory {} is full", dir.display()))
    }

    /// The name in messages.
    #[must_use]
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Waits until the state directory of the backend is removed, and returns the error. A process with open files does not
    /// notice the removal, and would wait for rows that never change.
    pub(crate) async fn gone(&self) -> Failure {
        let Some(dir) = &self.state_dir else { return std::future::pending().await };
        while embedded::has_tables(dir) {
            tokio::time::sleep(EXISTENCE_CHECK_INTERVAL).await;
        }
        Failure::environment(
            anyhow::anyhow!("the state directory {} was removed while it was in use", dir.display()),
            "its runs and logs are lost; scripts that still run are stopped when their leases expire",
        )
    }

    /// Stops the endpoint, if this process serves it.
    pub(crate) async fn close(self) {
        if let Some(endpoint) = self.endpoint {
            within(CLOSING, endpoint.shutdown()).await;
        }
    }

    fn over(sdk: SdkConfig, deployment: Deployment, name: String, url: String) -> Self {
        let timeouts = sdk.timeout_config().map(TimeoutConfig::to_builder).unwrap_or_default();
        let reading = sdk.to_builder().timeout_config(timeouts.read_timeout(ANSWER).build()).build();
        let store = Store::new(aws_sdk_dynamodb::Client::new(&reading), deployment.tables.clone());
        let since = jiff::Timestamp::now().into();
        let backend =
            Self { sdk, reading, deployment, store, since, endpoint: None, state_dir: None, name, url };
        crate::failure::hint::set_backend(backend.name(), backend.is_aws());
        backend
    }
}

/// Waits for a shutdown, but not longer than `most`.
async fn within(most: Duration, end: impl Future<Output = ()>) {
    if tokio::time::timeout(most, end).await.is_err() {
        crate::output::remark(
            "the endpoint did not shut down in time; the next one continues with its state",
        );
    }
}

/// The selection by the command line and the environment.
#[must_use]
pub(crate) fn choice_of(given: &Given) -> Choice {
    choose(given, |name| std::env::var(name).ok(), std::path::Path::is_dir)
}

/// The default times of a backend's deployment.
#[must_use]
pub(crate) fn timing_of(site: &BackendKind) -> Timing {
    match site {
        BackendKind::StateDir(_) => Timing::single_machine(),
        BackendKind::Endpoint(url) if choice::is_loopback(url) => Timing::single_machine(),
        BackendKind::Endpoint(_) | BackendKind::Aws => Timing::default(),
    }
}

/// The deployment of the environment, with these times.
///
/// # Errors
/// Every problem of the environment.
pub(crate) fn deployment(timing: Timing) -> Result<Deployment, Failure> {
    Deployment::read(timing, |name| std::env::var(name).ok())
        .map_err(|problems| Failure::Workflow { what: "the environment".to_owned(), problems })
}

/// The id of a new run from the command line. Later commands would take an id that begins with `-` for an option.
///
/// # Errors
/// The id is not valid.
pub(crate) fn new_execution_id(text: &str) -> Result<ExecutionId, Failure> {
    if text.starts_with('-') {
        return Err(Failure::input(
            format!("the id {text:?} begins with \"-\" like an option"),
            "use an --execution-id that begins with a letter, a digit or \"_\"",
        ));
    }
    execution_id(text)
}

/// The id of a run from the command line.
///
/// # Errors
/// The id is not valid.
pub(crate) fn execution_id(text: &str) -> Result<ExecutionId, Failure> {
    ExecutionId::new(text).map_err(|error| {
        Failure::input(error.to_string(), "run `rsqlflow history` to see the ids of the runs")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_endpoint_that_does_not_end_is_left() {
        let began = std::time::Instant::now();
        within(Duration::from_millis(20), std::future::pending()).await;
        within(Duration::from_secs(60), async {}).await;
        assert!(began.elapsed() < Duration::from_secs(60));
    }
}
