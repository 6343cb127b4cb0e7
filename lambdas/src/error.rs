//! What goes wrong in a handler, and the name by which machines and callers know it.

use rsqlflow_core::message::Refusal;
use rsqlflow_core::{ErrorName, ExecutionId, JobId, Problems, WorkflowId};
use rsqlflow_store::{ChangeError, StoreError};

use crate::ServiceError;

/// A handler's refusal or failure.
#[derive(Debug, thiserror::Error)]
pub enum HandlerError {
    /// The payload is not what the function takes.
    #[error("the request is not valid: {0}")]
    InvalidRequest(String),
    /// An event does not fit the start that it is for. All problems, one a line.
    #[error("the request is not valid:\n{0}")]
    InvalidEvent(Problems),
    /// The deployment lacks what the function needs.
    #[error("{what}: check the function's environment")]
    Misconfigured {
        /// What is missing.
        what: String,
    },
    /// The config table has no such item.
    #[error("there is no workflow {workflow:?} in the table {table}: put it there first, or check the name")]
    WorkflowNotFound {
        /// As asked for.
        workflow: WorkflowId,
        /// Where it was looked for.
        table: String,
    },
    /// The item, or the parameters given with it, break rules. All problems, one a line.
    #[error("the workflow {workflow:?} cannot be run:\n{problems}")]
    InvalidWorkflow {
        /// Which.
        workflow: WorkflowId,
        /// All of them.
        problems: Problems,
    },
    /// `concurrency_policy` is `forbid`, and another run holds the workflow's lock.
    #[error(
        "the workflow {workflow:?} is running as {holder}{detail}: wait for its end, stop it, or let runs overlap \
         with \"concurrency_policy\": \"allow\""
    )]
    WorkflowAlreadyRunning {
        /// Which workflow.
        workflow: WorkflowId,
        /// Which run.
        holder: ExecutionId,
        /// How that run stands, if it is not simply running.
        detail: String,
    },
    /// An id names one run for ever.
    #[error("the execution id {execution} belongs to a run of the workflow {by:?}: choose another")]
    ExecutionIdTaken {
        /// The id.
        execution: ExecutionId,
        /// Whose it is.
        by: WorkflowId,
    },
    /// No row of such a run, or it is closed and has nothing to do any more.
    #[error("there is no open run {0}")]
    ExecutionNotFound(ExecutionId),
    /// No row of the run that is to be restarted.
    #[error("there is no run {0}: check its id, or whether its audit rows have expired")]
    NoSuchRun(ExecutionId),
    /// The config table has another item than the run to be restarted had, and nobody said which one to run.
    #[error(
        "the workflow {workflow:?} is another in the config table than {execution} ran: say \"config\": \
         \"snapshot\" to run again what it ran, or \"current\" to run what the table has now"
    )]
    WorkflowChanged {
        /// Which workflow.
        workflow: WorkflowId,
        /// The run to be restarted.
        execution: ExecutionId,
    },
    /// The run cannot be restarted so.
    #[error("{execution} cannot be restarted: {reason}")]
    NotRestartable {
        /// The run to be restarted.
        execution: ExecutionId,
        /// Why, and what to do.
        reason: String,
    },
    /// The plan of a run is missing or cannot be read.
    #[error("the plan of {execution} cannot be read: {reason}")]
    CorruptPlan {
        /// The run.
        execution: ExecutionId,
        /// What is wrong with it.
        reason: String,
    },
    /// A job is to be launched that was not handed out.
    #[error("the job {job} of {execution} has no row")]
    JobNotFound {
        /// The run.
        execution: ExecutionId,
        /// The job.
        job: JobId,
    },
    /// Rows are still open; ask again.
    #[error("{execution} still has open jobs: {} being stopped", count_jobs(*open))]
    StageNotSettled {
        /// The run.
        execution: ExecutionId,
        /// How many.
        open: usize,
    },
    /// Jobs of a chunk failed.
    #[error("{0}")]
    StageFailed(String),
    /// The run is closed and did not complete.
    #[error("{0}")]
    WorkflowFailed(String),
    /// Nobody knows whether the command was sent.
    #[error("whether the command for {job} was sent is not known: {source}")]
    LaunchNotConfirmed {
        /// The job.
        job: JobId,
        /// What the service or the network said.
        source: ServiceError,
    },
    /// A start whose outcome is not known. The same call may be made again.
    #[error(
        "whether {execution} was started is not known ({source}): call again with this workflow_execution_id, \
         which never makes a second run"
    )]
    StartNotConfirmed {
        /// The run.
        execution: ExecutionId,
        /// What the service or the network said.
        source: ServiceError,
    },
    /// A row changes faster than it can be read and written.
    #[error("the job {job} of {execution} keeps changing")]
    Contended {
        /// The run.
        execution: ExecutionId,
        /// The job.
        job: JobId,
    },
    /// An answer that cannot be written as JSON: a bug.
    #[error("the answer cannot be written: {0}")]
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
    /// `errorType` of the function's answer.
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

    /// Whether it is how the function works, rather than something for an operator to look into.
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

    /// The error as an answer, with each problem by itself.
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

    /// A change that was neither made nor refused.
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
