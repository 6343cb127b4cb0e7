//! Shared data of the driver.

use std::fmt;
use std::sync::Arc;

use rsqlflow_core::{ExecutionId, JobId, Owner};
use rsqlflow_store::{JobAudit, Store};

use crate::aws::{Clients, Tokens};
use crate::config::AgentConfig;
use crate::spool::Results;

/// The job of the command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The run.
    pub execution: ExecutionId,
    /// The job.
    pub job: JobId,
    /// The attempt. It invalidates late commands of earlier attempts.
    pub attempt: u32,
    /// Digest of the planned job. Functions of version 0.1.0 send none.
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
    /// Identity of this process in rows.
    pub owner: Owner,
}

/// The system provides no random bytes. Without a unique identity, this process must not claim a job.
#[derive(Debug, thiserror::Error)]
#[error("cannot read random bytes: {0}")]
pub struct NoRandomBytes(getrandom::Error);

impl Context {
    /// For a new process.
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

    /// Id of this instance in rows.
    #[must_use]
    pub fn instance(&self) -> String {
        let host = || {
            let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
            if name.trim().is_empty() { "unknown".to_owned() } else { name.trim().to_owned() }
        };
        self.config.instance_id.clone().unwrap_or_else(host)
    }
}

/// 128 random bits, so that two processes never have the same identity.
fn random_owner() -> Result<Owner, NoRandomBytes> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(NoRandomBytes)?;
    Ok(Owner::new(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()))
}
