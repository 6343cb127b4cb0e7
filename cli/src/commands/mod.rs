//! One file a command.

pub(crate) mod jobs;
pub(crate) mod local;
pub(crate) mod logs;
pub(crate) mod run;
pub(crate) mod status;
pub(crate) mod validate;
