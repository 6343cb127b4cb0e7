//! The domain of rsqlflow. Pure: no I/O, no clock, no AWS.

mod id;
pub mod protocol;
mod timestamp;

pub use id::{ExecutionId, InvalidId, JobId, Owner, TaskToken, WorkflowId};
pub use timestamp::Timestamp;
