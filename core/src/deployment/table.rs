//! The DynamoDB tables of a deployment: names, keys, indexes, expiry. `docs/architecture.md` describes their items.

use serde::{Deserialize, Serialize};

use crate::env;

/// A table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Table {
    /// Workflow items.
    Config,
    /// Runs and locks.
    WorkflowAudit,
    /// Jobs, plan snapshots and marks.
    JobAudit,
}

/// Names of the DynamoDB tables.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tables {
    /// Workflow items.
    pub config: String,
    /// Runs and locks.
    pub workflow_audit: String,
    /// Jobs and plan snapshots.
    pub job_audit: String,
}

impl Tables {
    pub(super) fn named(name: impl Fn(&str) -> String) -> Self {
        let [config, workflow_audit, job_audit] = Table::ALL.map(|table| name(table.shape().suffix));
        Self { config, workflow_audit, job_audit }
    }

    /// Each name with the environment variable that sets it.
    pub(super) fn variables(&mut self) -> impl Iterator<Item = (&'static str, &mut String)> {
        let names = [&mut self.config, &mut self.workflow_audit, &mut self.job_audit];
        Table::ALL.map(Table::variable).into_iter().zip(names)
    }

    /// The name of a table.
    #[must_use]
    pub fn name(&self, table: Table) -> &str {
        match table {
            Table::Config => &self.config,
            Table::WorkflowAudit => &self.workflow_audit,
            Table::JobAudit => &self.job_audit,
        }
    }
}

/// The attribute with the second since 1970 after which DynamoDB may remove an item.
pub const EXPIRY: &str = "expires_at";

/// The index of the workflow audit table: the runs of a workflow, by their start.
pub const BY_WORKFLOW: &str = "workflow_id-index";

/// The index of the job audit table: the runs of a job, by their start.
pub const BY_JOB_NAME: &str = "job_name-index";

/// The index of the workflow audit table: runs that need the clock, by their start. Sparse.
pub const BY_ATTENTION: &str = "attention-index";

/// The index of the job audit table: jobs that the clock keeps, by when it has to look at them. Sparse: rows of agents
/// have no `wake_at`.
pub const BY_WAKE_AT: &str = "wake_at-index";

/// What a table looks like. All keys are strings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct TableShape {
    /// End of the default name, after `<prefix>-`.
    pub suffix: &'static str,
    /// Partition key.
    pub partition: &'static str,
    /// Sort key.
    pub sort: Option<&'static str>,
    /// Global secondary indexes. CloudFormation adds at most one to a table in an update.
    pub indexes: &'static [IndexShape],
    /// Whether items expire by [`EXPIRY`].
    pub expires: bool,
}

/// What a global secondary index looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct IndexShape {
    /// Name.
    pub name: &'static str,
    /// Partition key.
    pub partition: &'static str,
    /// Sort key.
    pub sort: &'static str,
    /// Other attributes that the index holds; without any it holds keys only. None that a renewal changes: each change of a projected attribute costs
    /// another write.
    pub columns: &'static [&'static str],
}

impl Table {
    /// Every table.
    pub const ALL: [Self; 3] = [Self::Config, Self::WorkflowAudit, Self::JobAudit];

    /// The environment variable that holds the table's name.
    #[must_use]
    pub const fn variable(self) -> &'static str {
        match self {
            Self::Config => env::CONFIG_TABLE,
            Self::WorkflowAudit => env::WORKFLOW_AUDIT_TABLE,
            Self::JobAudit => env::JOB_AUDIT_TABLE,
        }
    }

    /// Its shape.
    #[must_use]
    pub const fn shape(self) -> TableShape {
        match self {
            Self::Config => TableShape {
                suffix: "config-table",
                partition: "workflow_id",
                sort: None,
                indexes: &[],
                expires: false,
            },
            Self::WorkflowAudit => TableShape {
                suffix: "workflow-audit-table",
                partition: "workflow_execution_id",
                sort: None,
                indexes: &[
                    IndexShape {
                        name: BY_WORKFLOW,
                        partition: "workflow_id",
                        sort: "execution_start_ts",
                        columns: &["execution_status", "execution_end_ts", "error_message", "restarted_from"],
                    },
                    IndexShape {
                        name: BY_ATTENTION,
                        partition: "attention",
                        sort: "execution_start_ts",
                        columns: &[],
                    },
                ],
                expires: true,
            },
            Self::JobAudit => TableShape {
                suffix: "job-audit-table",
                partition: "workflow_execution_id",
                sort: Some("job_id"),
                indexes: &[
                    IndexShape {
                        name: BY_JOB_NAME,
                        partition: "job_name",
                        sort: "execution_start_ts",
                        columns: &["workflow_id", "execution_status", "execution_end_ts", "exit_code"],
                    },
                    IndexShape { name: BY_WAKE_AT, partition: "owner", sort: "wake_at", columns: &[] },
                ],
                expires: true,
            },
        }
    }
}
