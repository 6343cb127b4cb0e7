//! The services, one folder for each.

mod dispatch;
pub(crate) mod dynamodb;
pub(crate) mod lambda;
pub(crate) mod logs;
pub(crate) mod redshift_data;
pub(crate) mod secrets;
pub(crate) mod sns;
pub(crate) mod ssm;
pub(crate) mod stepfunctions;
mod sts;

pub(crate) use dispatch::Services;
