//! Where a command works, and the way to it.
//!
//! [`choice`] says which place is meant, [`account`] whether its region and profile can be, [`embedded`] starts an endpoint in this process, [`remote`] reaches one that
//! somebody else runs, or AWS, [`keys`] is what it is used with, [`warehouses`] reads the servers that an endpoint knows,
//! [`last_endpoint`] is what an endpoint leaves in its state directory for the next command.

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
pub(crate) use choice::{Choice, Site, choose, is_loopback};
pub(crate) use embedded::Serving;

use crate::args::{self, Given};
use crate::failure::Failure;

/// Services, names and tables that a command works on.
pub(crate) struct Place {
    /// For clients of any service.
    pub sdk: SdkConfig,
    /// The same for tables and logs, which answer soon or not at all. A function may take minutes.
    pub reading: SdkConfig,
    /// Names, times and defaults.
    pub deployment: Deployment,
    /// The tables.
    pub store: Store,
    /// Since when it is ours; what started before was left by an earlier endpoint.
    pub since: Timestamp,
    /// `None` where another process, or AWS, serves it.
    endpoint: Option<Box<Endpoint>>,
    /// `None` where it is not known which directory holds the tables, or none does.
    state_dir: Option<PathBuf>,
    /// For people: `AWS in eu-west-1, profile prod`.
    name: String,
    url: String,
}

/// How long an endpoint may take to end. It waits at most 7 s for requests and commands.
const CLOSING: Duration = Duration::from_secs(10);

/// How often it is looked whether a state directory is still there.
const A_GLANCE: Duration = Duration::from_millis(500);

/// Longest wait for the answer of a table or a log. A connection of which nothing is heard any more, as after a
/// laptop's sleep, would otherwise be waited on for a quarter of an hour.
const ANSWER: Duration = Duration::from_secs(10);

/// What a command wants to do there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Read tables and logs, or write items that no run depends on: an endpoint that executes nothing will do.
    Look,
    /// Have something executed: where nobody serves a state directory, this process does.
    Execute,
}

/// Where the last endpoint of a state directory had its scripts, if that is known and still there.
pub(crate) fn last_scripts(state_dir: &std::path::Path) -> Option<std::path::PathBuf> {
    last_endpoint::started_with(state_dir).map(|with| with.scripts)
}

/// A disk with less room than this is full: SQLite cannot write a transaction.
const FULL: u64 = 64 * 1024;

impl Place {
    /// Finds the place that the command line and the environment mean.
    ///
    /// # Errors
    /// Where there is none, or it cannot be reached or opened.
    pub(crate) async fn find(place: &args::Location, purpose: Purpose) -> Result<Self, Failure> {
        let given = place.given();
        match choice_of(&given).site {
            Site::StateDir(dir) => match purpose {
                Purpose::Look => Box::pin(embedded::look(&dir)).await,
                Purpose::Execute => Box::pin(embedded::serve_or_join(&dir, None)).await,
            },
            Site::Endpoint(url) => remote::endpoint(&url, &given).await,
            Site::Aws => remote::aws(&given).await,
        }
    }

    /// AWS, or the endpoint that stands in for it; never a state directory.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub(crate) async fn of_account(given: &Given) -> Result<Self, Failure> {
        match choice_of(given).site {
            Site::Endpoint(url) => remote::endpoint(&url, given).await,
            Site::StateDir(_) => match std::env::var(rsqlflow_core::env::AWS_ENDPOINT_URL) {
                Ok(url) if !url.is_empty() => remote::endpoint(&url, given).await,
                _ => remote::aws(given).await,
            },
            Site::Aws => remote::aws(given).await,
        }
    }

    /// As [`Self::find`] to execute, with a directory of scripts for an endpoint that this process has to serve.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub(crate) async fn find_with_scripts(
        place: &args::Location,
        scripts: Option<&std::path::Path>,
    ) -> Result<Self, Failure> {
        match choice_of(&place.given()).site {
            Site::StateDir(dir) => Box::pin(embedded::serve_or_join(&dir, scripts)).await,
            _ => Self::find(place, Purpose::Execute).await,
        }
    }

    /// Whether this process serves the endpoint: what runs there stops when it ends.
    #[must_use]
    pub(crate) const fn is_served_here(&self) -> bool {
        self.endpoint.is_some()
    }

    /// The keys of an endpoint that this process serves.
    #[must_use]
    pub(crate) fn credentials(&self) -> Option<&Credentials> {
        self.endpoint.as_deref().map(Endpoint::credentials)
    }

    /// The endpoint's address; empty for AWS.
    #[must_use]
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Whether it is AWS itself.
    #[must_use]
    pub(crate) const fn is_aws(&self) -> bool {
        self.url.is_empty()
    }

    /// Its state directory, where it is known.
    #[must_use]
    pub(crate) fn state_dir(&self) -> Option<&std::path::Path> {
        self.state_dir.as_deref()
    }

    /// What to say when the disk of the state directory is full: nothing that runs there can be recorded.
    #[must_use]
    pub(crate) fn full_disk(&self) -> Option<String> {
        let dir = self.state_dir.as_deref()?;
        let disk = nix::sys::statvfs::statvfs(dir).ok()?;
        let free = disk.blocks_available().saturating_mul(disk.fragment_size());
        (free < FULL).then(|| format!("the disk of the state directory {} is full", dir.display()))
    }

    /// What people call it.
    #[must_use]
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Ends, with what is then to be said, once somebody has removed the place's state directory: whoever has its files
    /// open notices nothing, and waits for rows that nobody will ever see again.
    pub(crate) async fn gone(&self) -> Failure {
        let Some(dir) = &self.state_dir else { return std::future::pending().await };
        while embedded::has_tables(dir) {
            tokio::time::sleep(A_GLANCE).await;
        }
        Failure::environment(
            anyhow::anyhow!("the state directory {} was removed while it was in use", dir.display()),
            "its runs and logs are gone with it; scripts that still run are stopped when their leases end",
        )
    }

    /// Ends the endpoint, if it is this process's. What does not end soon is left to the end of the process: a database of
    /// the endpoint may wait for its disk. The next endpoint finds everything that was acknowledged.
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
        let place =
            Self { sdk, reading, deployment, store, since, endpoint: None, state_dir: None, name, url };
        crate::failure::hint::of_place(place.name(), place.is_aws());
        place
    }
}

/// Waits for the end of something, but not longer than `most`.
async fn within(most: Duration, end: impl Future<Output = ()>) {
    if tokio::time::timeout(most, end).await.is_err() {
        crate::output::remark(
            "the endpoint did not end in time, and was left; the next one goes on with its state",
        );
    }
}

/// What the command line and this process's environment choose.
#[must_use]
pub(crate) fn choice_of(given: &Given) -> Choice {
    choose(given, |name| std::env::var(name).ok(), std::path::Path::is_dir)
}

/// The times that a place's deployment has where nothing else is said.
#[must_use]
pub(crate) fn timing_of(site: &Site) -> Timing {
    match site {
        Site::StateDir(_) => Timing::single_machine(),
        Site::Endpoint(url) if choice::is_loopback(url) => Timing::single_machine(),
        Site::Endpoint(_) | Site::Aws => Timing::default(),
    }
}

/// The deployment as the environment describes it, over these times.
///
/// # Errors
/// Every problem of the environment.
pub(crate) fn deployment(timing: Timing) -> Result<Deployment, Failure> {
    Deployment::read(timing, |name| std::env::var(name).ok())
        .map_err(|problems| Failure::Workflow { what: "the environment".to_owned(), problems })
}

/// The id of a run that is to begin, as the operator typed it. One that begins with `-` would be taken for an option
/// by every later command.
///
/// # Errors
/// Where it cannot be one.
pub(crate) fn new_execution_id(text: &str) -> Result<ExecutionId, Failure> {
    if text.starts_with('-') {
        return Err(Failure::input(
            format!("{text:?} would look like an option wherever the run is named"),
            "choose an --execution-id that begins with a letter, a digit or _",
        ));
    }
    execution_id(text)
}

/// The id of a run as the operator typed it.
///
/// # Errors
/// Where it cannot be one.
pub(crate) fn execution_id(text: &str) -> Result<ExecutionId, Failure> {
    ExecutionId::new(text).map_err(|error| {
        Failure::input(error.to_string(), "`rsqlflow history` lists the runs with their ids")
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
