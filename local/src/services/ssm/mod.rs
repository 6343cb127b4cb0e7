//! Systems Manager: pretended instances, the document that starts the agent, and Run Command.

mod capture;
mod commands;
mod document;
mod instances;
mod invocation;
mod launch;
mod send;

use std::sync::Arc;
use std::time::Duration;

use tokio_util::task::TaskTracker;

use crate::http::AwsError;

pub(crate) use document::Document;
pub(crate) use instances::Instance;
pub(crate) use launch::Launcher;

use commands::Commands;

/// The least `TimeoutSeconds` on AWS (Systems Manager API reference, `SendCommand`).
const SHORTEST_TIMEOUT: u64 = 30;

/// The embedded Systems Manager.
#[derive(Debug)]
pub(crate) struct Ssm {
    instances: Vec<Arc<Instance>>,
    documents: Vec<Arc<Document>>,
    launcher: Arc<Launcher>,
    /// The least `TimeoutSeconds` of `SendCommand`.
    shortest_delivery: u64,
    commands: Arc<Commands>,
    running: TaskTracker,
}

impl Ssm {
    /// With these instances and documents; commands are started as `launcher` says. A deployment whose
    /// `delivery` is shorter than AWS allows may use it here, where delivery takes milliseconds: its heartbeats
    /// could not be as short otherwise.
    pub(crate) fn new(
        instances: Vec<Instance>,
        documents: Vec<Document>,
        launcher: Launcher,
        delivery: Duration,
    ) -> Self {
        Self {
            instances: instances.into_iter().map(Arc::new).collect(),
            documents: documents.into_iter().map(Arc::new).collect(),
            launcher: Arc::new(launcher),
            shortest_delivery: delivery.as_secs().clamp(1, SHORTEST_TIMEOUT),
            commands: Arc::new(Commands::default()),
            running: TaskTracker::new(),
        }
    }

    /// Carries out one operation.
    pub(crate) async fn call(&self, operation: &str, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        match operation {
            "DescribeInstanceInformation" => self.describe_instance_information(body),
            "GetCommandInvocation" => self.get_command_invocation(body),
            "SendCommand" => self.send_command(body),
            _ => Err(AwsError::unknown_operation("Systems Manager", operation)),
        }
    }

    /// Starts no more commands, and gives those that run a little time to end. None is killed.
    pub(crate) async fn close(&self, patience: Duration) {
        self.commands.close();
        self.running.close();
        if tokio::time::timeout(patience, self.running.wait()).await.is_err() {
            tracing::warn!(commands = self.running.len(), "commands go on without the endpoint");
        }
    }
}
