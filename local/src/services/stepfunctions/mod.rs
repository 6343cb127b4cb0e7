//! Step Functions: a driver around the pure interpreter of the crate `asl`.
//!
//! Each execution is owned by a task of its own (`actor`), so nothing is locked while it steps. The actor is the
//! one place where inputs enter an execution and effects leave it, and it writes each input to the `database` in
//! between. `effects` carries the effects out, in tasks that send their answers back to the actor's mailbox.
//! `ended` reports their ends, `running` finds executions at work, `resume` brings back those that an earlier endpoint left; the other modules
//! are the API's operations, which read what the database has.

mod actor;
mod database;
mod describe;
mod effects;
mod ended;
mod history;
mod machines;
mod names;
mod page;
mod requests;
mod resume;
mod running;
mod start;
mod stop;
mod tokens;

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use tokio_util::sync::CancellationToken;

use crate::LocalError;
use crate::http::AwsError;
use crate::services::lambda::Lambda;
use crate::storage;

pub(crate) use ended::OnEnd;
pub(crate) use names::machine_arn;

/// The embedded Step Functions. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct StepFunctions {
    shared: Arc<Shared>,
}

/// What actors, effects and operations share.
#[derive(Debug)]
struct Shared {
    database: database::Database,
    running: running::Running,
    /// Machines as they were last used, by ARN.
    compiled: Mutex<HashMap<String, Arc<machines::Machine>>>,
    /// Held while an execution is added.
    starting: tokio::sync::Mutex<()>,
    /// What Task states call.
    lambda: Lambda,
    /// Who is informed of the end of executions.
    on_end: OnEnd,
    /// Cancelled when the endpoint serves requests.
    open: CancellationToken,
    /// Cancelled when it stops.
    closing: CancellationToken,
}

impl StepFunctions {
    /// Opens or creates its database in `dir`. Task states call `lambda`.
    pub(crate) fn new(dir: &Path, lambda: Lambda, on_end: OnEnd) -> Result<Self, LocalError> {
        let shared = Shared {
            database: database::Database::open(dir)?,
            running: running::Running::default(),
            compiled: Mutex::default(),
            starting: tokio::sync::Mutex::default(),
            lambda,
            on_end,
            open: CancellationToken::new(),
            closing: CancellationToken::new(),
        };
        let shared = Arc::new(shared);
        tokio::spawn(forget(Arc::clone(&shared)));
        Ok(Self { shared })
    }

    /// Carries out one operation.
    pub(crate) async fn call(&self, operation: &str, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        match operation {
            "CreateStateMachine" => self.create_state_machine(body).await,
            "DeleteStateMachine" => self.delete_state_machine(body).await,
            "DescribeExecution" => self.describe_execution(body).await,
            "DescribeStateMachine" => self.describe_state_machine(body).await,
            "GetExecutionHistory" => self.get_execution_history(body).await,
            "ListExecutions" => self.list_executions(body).await,
            "ListStateMachines" => self.list_state_machines(body).await,
            "SendTaskFailure" => self.send_task_failure(body).await,
            "SendTaskHeartbeat" => self.send_task_heartbeat(body).await,
            "SendTaskSuccess" => self.send_task_success(body).await,
            "StartExecution" => self.start_execution(body).await,
            "StopExecution" => self.stop_execution(body).await,
            "UpdateStateMachine" => self.update_state_machine(body).await,
            _ => Err(AwsError::unknown_operation("Step Functions", operation)),
        }
    }

    /// Stops all executions where they are: nothing more is started for them until the directory is opened again.
    pub(crate) fn stop(&self) {
        self.shared.closing.cancel();
    }

    /// Closes the file.
    pub(crate) async fn close(&self) {
        self.shared.database.close().await;
    }
}

/// Forgets what is old, now and as long as the endpoint runs.
async fn forget(shared: Arc<Shared>) {
    storage::regularly(&shared.closing, || async {
        if let Err(error) = shared.database.forget_old().await {
            // A full disk, perhaps. There is a next time.
            tracing::warn!("old executions stay: {}", error.message);
        }
    })
    .await;
}
