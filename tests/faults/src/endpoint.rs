//! The endpoint's process: the embedded endpoint as it is, with functions that run elsewhere.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use rsqlflow_core::Deployment;
use rsqlflow_local::{Endpoint, Functions, Options};
use serde::{Deserialize, Serialize};

use crate::functions;

/// What it is started with.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Start {
    /// Its port; 0 for any.
    pub port: u16,
    /// Its state.
    pub state_dir: PathBuf,
    /// Its instances.
    pub instances: usize,
    /// What an instance does with a command.
    pub agent: PathBuf,
    /// The scripts.
    pub scripts: PathBuf,
    /// Names, times and defaults.
    pub deployment: Deployment,
    /// Who runs the functions.
    pub functions: SocketAddr,
}

/// Serves until it is killed. Writes its address first.
pub async fn serve(start: &str) -> Result<()> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(false).with_env_filter("warn").init();
    let start: Start = serde_json::from_str(start).context("what the endpoint is started with")?;
    let to = start.functions;
    let by = Functions::By(Arc::new(move |function, event, id| {
        Box::pin(async move { functions::ask(to, function, &event, &id).await })
    }));
    let options = Options {
        port: start.port,
        state_dir: start.state_dir,
        instances: start.instances,
        agent_binary: start.agent,
        script_dir: start.scripts,
        paused: false,
        warehouses: Vec::new(),
        drop_statement_events: false,
        // Cases shift the clocks of agents by more than a signature may be old.
        authenticate: false,
        deployment: start.deployment,
    };
    let endpoint = Endpoint::start_with(options, by).await?;
    println!("{}", endpoint.url());
    let mut ended = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    ended.recv().await;
    endpoint.shutdown().await;
    Ok(())
}
