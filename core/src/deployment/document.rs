//! The SSM document that starts a job.

use serde::Serialize;

/// End of the document's default name, after `<prefix>-`.
pub(super) const RUN_JOB: &str = "run-job";

/// A parameter of the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct DocumentParameter {
    /// Its name in the document.
    pub name: &'static str,
    /// What it is.
    pub description: &'static str,
    /// `allowedPattern`. It must mean the same to Java, which checks it when the command is sent, and to Go, which
    /// checks it on the instance (Systems Manager user guide, "Data elements and parameters").
    pub pattern: &'static str,
    /// The option of the agent's `run` that takes the value.
    pub option: &'static str,
}

/// The parameters of the document that starts a job: run, job, attempt, and the digest of what is to run.
pub const RUN_JOB_PARAMETERS: [DocumentParameter; 4] = [
    DocumentParameter {
        name: "ExecutionId",
        description: "The run: workflow_execution_id",
        pattern: "^[A-Za-z0-9_-]{1,60}$",
        option: "execution-id",
    },
    DocumentParameter {
        name: "JobId",
        description: "The job: stage and position, such as 0003#00017",
        pattern: "^[0-9]{4}#[0-9]{5}$",
        option: "job-id",
    },
    DocumentParameter {
        name: "Attempt",
        description: "The attempt, from 1",
        pattern: "^[0-9]{1,9}$",
        option: "attempt",
    },
    DocumentParameter {
        name: "Digest",
        description: "SHA-256 of the job as it was planned; the agent runs no other",
        pattern: "^[0-9a-f]{64}$",
        option: "digest",
    },
];
