//! The domain of rsqlflow. Pure: no I/O, no clock, no AWS.

mod id;
pub mod protocol;
mod timestamp;
mod workflow_status;

pub use id::{ExecutionId, InvalidId, JobId, Owner, TaskToken, WorkflowId};
pub use timestamp::Timestamp;
pub use workflow_status::WorkflowStatus;
