//! The three tables and their operations, with the AWS SDK.
//!
//! One module for each table: [`Config`] (workflows of users), [`WorkflowAudit`] (one row for each run, and the locks of
//! workflows), [`JobAudit`] (one row for each job, and the run's plan). Every write that decides something is conditional,
//! and every read that decides something is consistent.

mod aws_error;
mod config;
mod error;
mod item;
mod job_audit;
mod schema;
mod update;
mod workflow_audit;

use aws_sdk_dynamodb::Client;
use rsqlflow_core::{AGENT_ATTRIBUTES, Tables};

pub use aws_error::{ErrorClass, ServiceError, causes, is_token_closed};
pub use config::Config;
pub use error::StoreError;
pub use job_audit::{
    CancelState, ChangeError, Changed, JobAudit, JobRow, JobStanding, JobSummary, Note, RowToClose, Try,
};
pub use workflow_audit::{
    Attention, Closed, Lock, Notification, Opened, RunEnd, RunToClose, WorkflowAudit, WorkflowRow,
};

/// The three tables. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    client: Client,
    names: Tables,
}

impl Store {
    /// Over a client and the deployment's table names.
    #[must_use]
    pub fn new(client: Client, names: Tables) -> Self {
        Self { client, names }
    }

    /// The config table.
    #[must_use]
    pub fn config(&self) -> Config {
        Config { client: self.client.clone(), table: self.names.config.clone() }
    }

    /// The workflow audit table.
    #[must_use]
    pub fn workflows(&self) -> WorkflowAudit {
        WorkflowAudit { client: self.client.clone(), table: self.names.workflow_audit.clone() }
    }

    /// The job audit table.
    #[must_use]
    pub fn jobs(&self) -> JobAudit {
        JobAudit { client: self.client.clone(), table: self.names.job_audit.clone(), attributes: None }
    }

    /// The job audit table for an agent: updates name only the attributes that the instance's role allows.
    #[must_use]
    pub fn agent_jobs(&self) -> JobAudit {
        JobAudit { attributes: Some(&AGENT_ATTRIBUTES), ..self.jobs() }
    }

    /// Creates missing tables and waits until they can be used. On AWS, the deployment does this. The embedded endpoint and the
    /// tests use this function.
    ///
    /// # Errors
    /// The service's error, with the table's name.
    pub async fn create_tables(&self) -> Result<(), StoreError> {
        schema::create(&self.client, &self.names).await
    }
}
