//! What an endpoint is started with.

use std::path::PathBuf;

use rsqlflow_core::Deployment;

/// How an endpoint is started. It listens on 127.0.0.1, and nothing can make it listen elsewhere.
#[derive(Debug, Clone)]
pub struct Options {
    /// The port; 0 takes any free one.
    pub port: u16,
    /// Where its state is kept. Created if missing, and locked while the endpoint lives.
    pub state_dir: PathBuf,
    /// Number of pretended instances, `i-local000000000001` and so on. They carry the tags of the deployment's
    /// default target.
    pub instances: usize,
    /// The agent.
    pub agent_binary: PathBuf,
    /// Where the agents find the scripts.
    pub script_dir: PathBuf,
    /// Only to be looked at: unfinished executions do not go on, and nothing is started for them.
    pub paused: bool,
    /// Names, times and defaults. ARNs of machines are set by the endpoint. Without a default target it is the
    /// endpoint's instances.
    pub deployment: Deployment,
}
