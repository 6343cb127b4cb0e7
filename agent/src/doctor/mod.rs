//! Checks of this machine and of AWS. They change nothing.
//!
//! - [`machine`]: this process, users, directories, disks, clients.
//! - [`access`]: whether the scripts' user may read a path.
//! - [`programs`]: the programs on the `PATH` of scripts.
//! - [`services`]: table, task tokens, logs, secret. Each is called with a key that cannot exist.
//! - [`clock`]: the difference between the clocks of this machine and AWS.

mod access;
mod clock;
mod machine;
mod programs;
mod services;

use std::path::Path;

use rsqlflow_core::check::Check;

use crate::config::AgentConfig;

/// Every check, in the order in which a job needs the parts. `file` is where the settings are, or would be.
pub async fn all(config: &AgentConfig, file: &Path) -> Vec<Check> {
    let mut checks = vec![machine::settings(config, file)];
    // Before the rest: asking for names and services may make threads of its own.
    checks.extend(machine::unused(config, file));
    checks.extend(machine::threads());
    checks.extend(machine::all(config, file));
    checks.extend(Box::pin(services::all(config, file)).await);
    checks
}
