//! The agent on the EC2 instance: runs one script, keeps its row, ships its log, returns its token.
//!
//! - [`process`]: one try of one script, from its path to its end.
//! - [`guard`]: the small process that lets no script outlive its keeper.
//! - [`cgroup`]: what holds all processes of a job together, also after agent and guard are gone.
//! - [`imds`]: keeps scripts from the credentials of the instance.
//! - [`lease`], [`clock`]: how long a claimed job is ours.
//! - [`doctor`]: what is wrong with this machine, or with its way to AWS.

pub mod aws;
pub mod cgroup;
pub mod cli;
pub mod clock;
pub mod config;
pub mod doctor;
pub mod driver;
mod fork;
pub mod guard;
pub mod imds;
pub mod inherited;
pub mod lease;
pub mod logs;
pub mod process;
pub mod spool;
pub mod sql;
pub mod tools;
pub mod user;
