//! A job with nothing left to inherit.

use serde::{Deserialize, Serialize};

use crate::config::{Environment, OnLost, Target, Warehouse};
use crate::protocol::Contract;
use crate::sql::Bound;
use crate::timing::{JobTimes, RetryPolicy};
use crate::{Seconds, Timing};

/// What the job's row holds and the agent reads: every setting resolved, every template rendered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResolvedJob {
    /// The name shown and audited.
    pub job_name: String,
    /// Path below the instance's script directory. Empty for a job that is SQL.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub script: String,
    /// What the Redshift Data API runs, if it is no script.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sql: Option<SqlJob>,
    /// Arguments, rendered.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,
    /// Environment variables, rendered.
    #[serde(default, skip_serializing_if = "Environment::is_empty")]
    pub env: Environment,
    /// Secrets Manager id of the credentials, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// Where it may run; `None` only for a skipped job and for SQL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
    /// Of one try.
    pub timeout: Seconds,
    /// `HeartbeatSeconds` of its task.
    pub heartbeat: Seconds,
    /// What launcher, agent and closer go by. Rows of version 0.1.0 have none: [`Self::times`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<JobTimes>,
    /// Reruns after a failing exit.
    pub retries: u32,
    /// Delay before the first rerun.
    pub retry_delay: Seconds,
    /// Factor of each further delay.
    pub retry_backoff: f64,
    /// How long what the script leaves running may go on; the agent's own setting where it says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub linger: Option<Seconds>,
    /// Exit codes that count as success.
    pub ok_exit_codes: Vec<u8>,
    /// What happens when the agent vanished.
    pub on_lost: OnLost,
    /// It does not run: its own flag or its stage's says `n`, or a restart carries it over.
    #[serde(default)]
    pub skip: bool,
    /// Why a restart carries it over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skip_reason: Option<String>,
}

/// Statements that the Redshift Data API runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SqlJob {
    /// Name of the warehouse.
    pub warehouse: String,
    /// What that is in the deployment.
    pub at: Warehouse,
    /// SHA-256 of the statements and their values, in hexadecimal.
    pub sha256: String,
    /// Whether several statements are one transaction.
    pub transaction: bool,
    /// How many rows of the last result the log shows.
    pub log_rows: u32,
    /// The statements with their values, at least one. Only in a plan: a row holds their digest.
    #[serde(skip)]
    pub statements: Vec<Bound>,
}

impl ResolvedJob {
    /// Its reruns and delays.
    #[must_use]
    pub const fn retry_policy(&self) -> RetryPolicy {
        RetryPolicy { retries: self.retries, delay: self.retry_delay, backoff: self.retry_backoff }
    }

    /// The times that launcher, agent and closer go by.
    #[must_use]
    pub fn times(&self) -> JobTimes {
        self.times.unwrap_or_else(|| JobTimes::of_older_row(self.heartbeat))
    }

    /// Its timeout, and the time that what its script leaves running may go on.
    #[must_use]
    pub fn longest_try(&self) -> Seconds {
        let linger = self.linger.map_or(0, Seconds::get);
        Seconds::saturating(u64::from(self.timeout.get()) + u64::from(linger))
    }

    /// `TimeoutSeconds` of its task.
    #[must_use]
    pub fn task_timeout(&self, timing: &Timing) -> Seconds {
        timing.task_timeout(self.heartbeat, self.longest_try(), &self.retry_policy())
    }

    /// The oldest contract whose agents run it as it is meant to be.
    #[must_use]
    pub const fn contract(&self) -> Contract {
        match (&self.sql, self.linger) {
            (Some(_), _) => Contract::STATEMENT,
            (None, Some(_)) => Contract::LINGER,
            (None, None) => Contract::FIRST,
        }
    }

    /// Whether a script that ended with `code` succeeded.
    #[must_use]
    pub fn is_success(&self, code: i32) -> bool {
        u8::try_from(code).is_ok_and(|code| self.ok_exit_codes.contains(&code))
    }
}
