//! The agent on the EC2 instance: runs one job, updates its row, sends its log, and answers its task token.
//!
//! - [`process`]: one try of one script, from its path to its end.
//! - [`guard`]: a small process that ends the script if the agent cannot.
//! - [`cgroup`]: the control group of a job's processes.
//! - [`imds`]: blocks the credentials of the instance for scripts.
//! - [`lease`], [`clock`]: the lease of a claimed job.
//! - [`doctor`]: checks of this machine and its access to AWS.

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
