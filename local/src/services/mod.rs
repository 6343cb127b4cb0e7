//! The services behind the port, one folder each.

pub(crate) mod delivery;
mod dispatch;
pub(crate) mod dynamodb;
pub(crate) mod eventbridge;
pub(crate) mod lambda;
pub(crate) mod link;
pub(crate) mod logs;
pub(crate) mod scheduler;
pub(crate) mod secrets;
pub(crate) mod sns;
pub(crate) mod ssm;
pub(crate) mod stepfunctions;
mod sts;

pub(crate) use dispatch::Services;
