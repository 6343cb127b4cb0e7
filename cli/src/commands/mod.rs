//! The commands, one file for each.

pub(crate) mod cancel;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod cost;
pub(crate) mod deploy;
pub(crate) mod diff;
pub(crate) mod doctor;
pub(crate) mod get;
pub(crate) mod graph;
pub(crate) mod history;
pub(crate) mod jobs;
pub(crate) mod list;
pub(crate) mod local;
pub(crate) mod logs;
pub(crate) mod man;
pub(crate) mod mark;
pub(crate) mod migrate;
pub(crate) mod put;
pub(crate) mod restart;
pub(crate) mod run;
pub(crate) mod schema;
pub(crate) mod start;
pub(crate) mod status;
pub(crate) mod sweep;
pub(crate) mod validate;
pub(crate) mod watch;
