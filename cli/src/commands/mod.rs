//! One file a command.

pub mod jobs;
pub mod local;
pub mod logs;
pub mod run;
pub mod status;
pub mod validate;
