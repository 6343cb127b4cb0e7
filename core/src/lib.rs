//! The domain of rsqlflow. Pure: no I/O, no clock, no AWS.

pub mod check;
pub mod config;
mod deployment;
mod duration;
pub mod env;
mod error_name;
pub mod event_start;
pub mod graph;
mod id;
pub mod map;
pub mod message;
pub mod plan;
mod problem;
pub mod protocol;
pub mod restart;
pub mod schema;
pub mod sql;
mod template;
mod timestamp;
pub mod timing;
mod workflow_status;
mod zone;

pub use deployment::{
    AGENT_ATTRIBUTES, BY_ATTENTION, BY_JOB_NAME, BY_WAKE_AT, BY_WORKFLOW, DEFAULT_LOG_GROUP, DEFAULT_PREFIX,
    Deployment, DocumentParameter, EXPIRY, Function, Functions, IndexShape, Machine, MachineKind, Machines,
    Permission, RUN_JOB_PARAMETERS, Resource, Table, TableShape, Tables, UnknownFunction, contract,
};
pub use duration::{ACCEPTED_DURATIONS, InvalidDuration, Seconds, parse_duration, show_duration};
pub use error_name::{ErrorName, UnknownErrorName};
pub use id::{ExecutionId, InvalidId, JobId, Owner, StatementId, TaskToken, WorkflowId};
pub use problem::{NoProblems, Problem, ProblemKind, Problems, did_you_mean, of_unknown};
pub use protocol::{Reply, TokenEntered};
pub use timestamp::Timestamp;
pub use timing::{CANCEL_POLL, JobTimes, LOCAL_LOG_RETENTION, Timing};
pub use workflow_status::WorkflowStatus;
