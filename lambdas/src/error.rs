//! Errors of handlers, and the names by which state machines and callers match them.

use rsqlflow_core::message::Refusal;
use rsqlflow_core::{ErrorName, ExecutionId, JobId, Problems, WorkflowId};
use rsqlflow_store::{ChangeError, StoreError};

use crate::ServiceError;

/// A handler's refusal or failure.
#[derive(Debug, thiserror::Error)]
pub enum HandlerError {
    /// The payload is not valid for the function.
    #[error("the request is not valid: {0}")]
    InvalidRequest(String),
    /// An event does not match its start. All problems, one on each line.
    #[error("the request is not valid:\n{0}")]
    InvalidEvent(Problems),
    /// The environment of the function is incomplete.
    #[error("{what}; hint: check the function's environment")]
    Misconfigured {
        /// What is missing.
        what: String,
    },
    /// The config table has no such item.
    #[error("workflow {workflow:?} does not exist in the table {table}")]
    WorkflowNotFound {
        /// The requested id.
        workflow: WorkflowId,
        /// The table.
        table: String,
    },
    /// The item, or the given parameters, have problems. All problems, one on each line.
    #[error("the workflow {workflow:?} cannot be run:\n{problems}")]
    InvalidWorkflow {
        /// The workflow.
        workflow: WorkflowId,
        /// The problems.
        problems: Problems,
    },
    /// `concurrency_policy` is `forbid`, and another run holds the workflow's lock.
    #[error(
        "the workflow {workflow:?} is running as {holder}{detail}: wait for its end, stop it, or let runs overlap \
         with \"concurrency_policy\": \"allow\""
    )]
    WorkflowAlreadyRunning {
        /// The workflow.
        workflow: WorkflowId,
        /// The other run.
        holder: ExecutionId,
        /// The state of that run, if it is not simply running.
        detail: String,
    },
    /// The id belongs to a run of another workflow.
    #[error("the execution id {execution} belongs to a run of the workflow {by:?}; hint: use another id")]
    ExecutionIdTaken {
        /// The id.
        execution: ExecutionId,
        /// The other workflow.
        by: WorkflowId,
    },
    /// The run has no row, or is closed and has nothing left to do.
    #[error("the run {0} does not exist or has ended")]
    ExecutionNotFound(ExecutionId),
    /// The run to restart has no row.
    #[error("the run {0} does not exist; hint: check its id, and whether its audit rows have expired")]
    NoSuchRun(ExecutionId),
    /// The config table has another item than the run to restart used, and none was selected.
    #[error(
        "the workflow {workflow:?} is another in the config table than {execution} ran: say \"config\": \
         \"snapshot\" to run again what it ran, or \"current\" to run what the table has now"
    )]
    WorkflowChanged {
        /// The workflow.
        workflow: WorkflowId,
        /// The run to restart.
        execution: ExecutionId,
    },
    /// The run cannot be restarted in this way.
    #[error("{execution} cannot be restarted: {reason}")]
    NotRestartable {
        /// The run to restart.
        execution: ExecutionId,
        /// The reason, with a hint.
        reason: String,
    },
    /// The plan of a run is missing or cannot be read.
    #[error("the plan of {execution} cannot be read: {reason}")]
    CorruptPlan {
        /// The run.
        execution: ExecutionId,
        /// The problem.
        reason: String,
    },
    /// The job to launch was not created.
    #[error("the job {job} of {execution} has no row")]
    JobNotFound {
        /// The run.
        execution: ExecutionId,
        /// The job.
        job: JobId,
    },
    /// Rows are still open. The caller should try again.
    #[error("{execution} still has open jobs: {} being stopped", count_jobs(*open))]
    StageNotSettled {
        /// The run.
        execution: ExecutionId,
        /// Number of open jobs.
        open: usize,
    },
    /// Jobs of a chunk failed.
    #[error("{0}")]
    StageFailed(String),
    /// The run is closed, but did not complete.
    #[error("{0}")]
    WorkflowFailed(String),
    /// It is not known whether the command was sent.
    #[error("it is not known whether the command for {job} was sent: {source}")]
    LaunchNotConfirmed {
        /// The job.
        job: JobId,
        /// The error of the service or the network.
        source: ServiceError,
    },
    /// It is not known whether the execution was started. The same call can be repeated.
    #[error(
        "whether {execution} was started is not known ({source}): call again with this workflow_execution_id, \
         which never makes a second run"
    )]
    StartNotConfirmed {
        /// The run.
        execution: ExecutionId,
        /// The error of the service or the network.
        source: ServiceError,
    },
    /// The row changes too often between reading and writing.
    #[error("the job {job} of {execution} keeps changing")]
    Contended {
        /// The run.
        execution: ExecutionId,
        /// The job.
        job: JobId,
    },
    /// An answer that cannot be serialized: a bug.
    #[error("the answer cannot be serialized: {0}")]
    Internal(String),
    /// A table could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Another service.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

/// `1 job is`, `2 jobs are`.
pub(crate) fn count_jobs(jobs: usize) -> String {
    if jobs == 1 { "1 job is".to_owned() } else { format!("{jobs} jobs are") }
}

impl HandlerError {
    /// `errorType` of the answer.
    #[must_use]
    pub fn name(&self) -> ErrorName {
        match self {
            Self::InvalidRequest(_) | Self::InvalidEvent(_) => ErrorName::InvalidRequest,
            Self::Misconfigured { .. } => ErrorName::Misconfigured,
            Self::WorkflowNotFound { .. } => ErrorName::WorkflowNotFound,
            Self::InvalidWorkflow { .. } => ErrorName::InvalidWorkflow,
            Self::WorkflowAlreadyRunning { .. } => ErrorName::WorkflowAlreadyRunning,
            Self::ExecutionIdTaken { .. } => ErrorName::ExecutionIdTaken,
            Self::ExecutionNotFound(_) => ErrorName::ExecutionNotFound,
            Self::NoSuchRun(_) => ErrorName::ExecutionNotFound,
            Self::WorkflowChanged { .. } => ErrorName::WorkflowChanged,
            Self::NotRestartable { .. } => ErrorName::NotRestartable,
            Self::CorruptPlan { .. }
            | Self::Store(StoreError::Corrupt { .. } | StoreError::Incompatible { .. }) => {
                ErrorName::CorruptItem
            }
            Self::JobNotFound { .. } => ErrorName::JobNotFound,
            Self::StageNotSettled { .. } => ErrorName::StageNotSettled,
            Self::StageFailed(_) => ErrorName::StageFailed,
            Self::WorkflowFailed(_) => ErrorName::WorkflowFailed,
            Self::LaunchNotConfirmed { .. } => ErrorName::LaunchNotConfirmed,
            Self::StartNotConfirmed { .. } | Self::Contended { .. } => ErrorName::ServiceUnavailable,
            Self::Internal(_) => ErrorName::Internal,
            Self::Store(error) if error.is_transient() => ErrorName::ServiceUnavailable,
            Self::Service(error) if error.is_transient() => ErrorName::ServiceUnavailable,
            Self::Store(_) | Self::Service(_) => ErrorName::ServiceRefused,
        }
    }

    /// Whether this is a normal answer, and not an error that needs attention.
    #[must_use]
    pub fn is_expected(&self) -> bool {
        matches!(
            self.name(),
            ErrorName::ExecutionIdTaken
                | ErrorName::InvalidRequest
                | ErrorName::InvalidWorkflow
                | ErrorName::NotRestartable
                | ErrorName::StageFailed
                | ErrorName::StageNotSettled
                | ErrorName::WorkflowAlreadyRunning
                | ErrorName::WorkflowChanged
                | ErrorName::WorkflowFailed
                | ErrorName::WorkflowNotFound
        )
    }

    /// The error as an answer, with each problem.
    #[must_use]
    pub fn refusal(&self) -> Refusal {
        let (message, problems) = match self {
            Self::InvalidWorkflow { workflow, problems } => {
                (format!("the workflow {workflow:?} cannot be run"), problems.clone().into_vec())
            }
            Self::InvalidEvent(problems) => {
                ("the request is not valid".to_owned(), problems.clone().into_vec())
            }
            other => (other.to_string(), Vec::new()),
        };
        Refusal { error: self.name(), message, problems }
    }

    /// A change whose result is not known.
    pub(crate) fn of_change(error: ChangeError) -> Self {
        match error {
            ChangeError::Store(error) => Self::Store(error),
            ChangeError::Gone { execution, job } => Self::JobNotFound { execution, job },
            ChangeError::Refused(row) => {
                Self::Contended { execution: row.workflow_execution_id.clone(), job: row.job_id }
            }
            ChangeError::Impossible(why) => Self::Internal(why.to_owned()),
        }
    }
}
