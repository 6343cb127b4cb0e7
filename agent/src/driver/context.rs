//! What all parts of the driver need.

use std::fmt;
use std::sync::Arc;

use rsqlflow_core::{ExecutionId, JobId, Owner};
use rsqlflow_store::{JobAudit, Store};

use crate::aws::{Clients, Tokens};
use crate::config::AgentConfig;
use crate::spool::Results;

/// Which job the command was for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The run.
    pub execution: ExecutionId,
    /// The job.
    pub job: JobId,
    /// The attempt: what makes a late command of an earlier one lose.
    pub attempt: u32,
    /// Of the job as it was planned. Functions of version 0.1.0 send none.
    pub digest: Option<String>,
}

impl fmt::Display for Assignment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "job {} of {}, attempt {}", self.job, self.execution, self.attempt)
    }
}

/// One agent process.
#[derive(Debug)]
pub struct Context {
    /// Its configuration.
    pub config: AgentConfig,
    /// The services.
    pub clients: Arc<Clients>,
    /// Rows.
    pub jobs: JobAudit,
    /// Tokens.
    pub tokens: Tokens,
    /// Undelivered results.
    pub results: Results,
    /// Who this process is to the rows.
    pub owner: Owner,
}

/// The system gives no random bytes, so this process cannot be told apart from others, and may not claim a job.
#[derive(Debug, thiserror::Error)]
#[error("the system gives no random bytes: {0}")]
pub struct NoRandomBytes(getrandom::Error);

impl Context {
    /// For a process that begins.
    ///
    /// # Errors
    /// [`NoRandomBytes`].
    pub async fn load(config: AgentConfig) -> Result<Self, NoRandomBytes> {
        let clients = Arc::new(Clients::load(&config).await);
        let jobs = Store::new(clients.dynamodb().clone(), config.tables.clone()).agent_jobs();
        Ok(Self {
            jobs,
            tokens: Tokens::new(clients.sfn().clone()),
            results: Results::new(&config.spool_dir),
            owner: random_owner()?,
            clients,
            config,
        })
    }

    /// What this instance is called in the row.
    #[must_use]
    pub fn instance(&self) -> String {
        let host = || {
            let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
            if name.trim().is_empty() { "unknown".to_owned() } else { name.trim().to_owned() }
        };
        self.config.instance_id.clone().unwrap_or_else(host)
    }
}

/// 128 random bits: two processes must never have the same.
fn random_owner() -> Result<Owner, NoRandomBytes> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(NoRandomBytes)?;
    Ok(Owner::new(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()))
}
