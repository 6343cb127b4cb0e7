//! Systems Manager: simulated instances, the document that starts the agent, and Run Command.
//!
//! `send` stores a command in the database (`rows`) and passes it to `deliver`, which starts the agent with `launch` and
//! stores the progress. Everything else reads and writes rows.

mod cancel;
mod capture;
mod check;
mod command;
mod deliver;
mod document;
mod documents;
mod instances;
mod invocation;
mod launch;
mod list;
mod progress;
mod rate;
mod rows;
mod search;
mod send;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;

use crate::LocalError;
use crate::http::AwsError;
use crate::place;
use crate::storage::Worker;

pub(crate) use document::Document;
pub(crate) use instances::Instance;
pub(crate) use launch::Launcher;

use deliver::{Deliverer, Open};

/// The smallest `TimeoutSeconds` on AWS (Systems Manager API reference, `SendCommand`).
const SHORTEST_TIMEOUT: u64 = 30;

/// The embedded Systems Manager.
#[derive(Debug)]
pub(crate) struct Ssm {
    instances: Vec<Arc<Instance>>,
    documents: Vec<Document>,
    /// The smallest `TimeoutSeconds` of `SendCommand`.
    shortest_delivery: u64,
    worker: Worker<Connection>,
    deliverer: Arc<Deliverer>,
    /// `CreatedDate` of the documents: the start of this process.
    started: i64,
}

/// Commands that an earlier process left unfinished.
#[derive(Debug)]
pub(crate) struct Left(Vec<(rows::CommandRow, Vec<rows::InvocationRow>)>);

impl Ssm {
    /// Creates the service with these instances and documents. Commands are stored in a database in `dir`, and started by
    /// `launcher`. A deployment may have a `delivery` that is shorter than AWS allows: delivery takes milliseconds here, and
    /// heartbeats could not be that short otherwise.
    pub(crate) fn open(
        dir: &Path,
        instances: Vec<Instance>,
        documents: Vec<Document>,
        launcher: Launcher,
        delivery: Duration,
    ) -> Result<Self, LocalError> {
        let worker = rows::open(dir)?;
        let instances: Vec<_> = instances.into_iter().map(Arc::new).collect();
        Ok(Self {
            deliverer: Deliverer::new(worker.clone(), launcher, instances.clone()),
            instances,
            documents,
            shortest_delivery: delivery.as_secs().clamp(1, SHORTEST_TIMEOUT),
            worker,
            started: place::now_ms(),
        })
    }

    /// The unfinished commands of an earlier process. Must be called before this process delivers commands.
    ///
    /// # Errors
    /// What the database says.
    pub(crate) async fn left(&self) -> Result<Left, AwsError> {
        Ok(Left(self.worker.run(rows::reopen).await??))
    }

    /// Delivers them again, after the agents can reach the services that they use. A command may be delivered twice, as by
    /// Systems Manager: agents claim a job by its attempt, and the second agent finds it claimed. The time without an
    /// endpoint does not count as delivery time.
    pub(crate) fn resume(&self, left: Left) {
        for (command, invocations) in left.0 {
            let errors = invocations.iter().filter(|row| row.outcome.progress.is_error()).count();
            let open = invocations.iter().filter(|row| row.ended.is_none());
            let open = open.map(|row| Open { id: row.id, instance_id: row.instance_id.clone() }).collect();
            self.deliverer.send(command, open, invocations.len(), errors);
        }
    }

    /// Carries out one operation.
    pub(crate) async fn call(&self, operation: &str, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        match operation {
            "CancelCommand" => self.cancel_command(body).await,
            "DescribeDocument" => self.describe_document(body),
            "DescribeInstanceInformation" => self.describe_instance_information(body),
            "GetCommandInvocation" => self.get_command_invocation(body).await,
            "GetDocument" => self.get_document(body),
            "ListCommandInvocations" => self.list_command_invocations(body).await,
            "ListCommands" => self.list_commands(body).await,
            "ListDocuments" => self.list_documents(body),
            "SendCommand" => self.send_command(body).await,
            _ => Err(AwsError::unknown_operation("Systems Manager", operation)),
        }
    }

    /// Stops starting commands, and waits a limited time for running ones. None is killed.
    pub(crate) async fn close(&self, patience: Duration) {
        self.deliverer.close(patience).await;
    }

    /// Closes the file.
    pub(crate) async fn close_file(&self) {
        self.worker.close().await;
    }
}
