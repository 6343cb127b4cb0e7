//! Step Functions: a driver around the pure interpreter of the crate `asl`.
//!
//! Each execution is owned by a separate task (`actor`), so stepping needs no locks. Only the actor applies inputs to an
//! execution and releases its effects, and it writes each input to the `database` in between. `effects` carries out the
//! effects in tasks that send their answers to the actor's mailbox. `ended` reports the end of executions, `running` finds
//! running executions, and `resume` restores those of an earlier endpoint. The other modules are the API's operations,
//! which read the database.

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

/// Shared by actors, effects and operations.
#[derive(Debug)]
struct Shared {
    database: database::Database,
    running: running::Running,
    /// Recently used state machines, by ARN.
    compiled: Mutex<HashMap<String, Arc<machines::Machine>>>,
    /// Held while an execution is inserted.
    starting: tokio::sync::Mutex<()>,
    /// The functions for Task states.
    lambda: Lambda,
    /// The functions to invoke at the end of executions.
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

    /// Stops all executions without ending them: nothing is started for them until the directory is opened again.
    pub(crate) fn stop(&self) {
        self.shared.closing.cancel();
    }

    /// Closes the file.
    pub(crate) async fn close(&self) {
        self.shared.database.close().await;
    }
}

/// Removes old executions, now and regularly.
async fn forget(shared: Arc<Shared>) {
    storage::regularly(&shared.closing, || async {
        if let Err(error) = shared.database.forget_old().await {
            // For example because of a full disk. It is repeated later.
            tracing::warn!("old executions could not be removed: {}", error.message);
        }
    })
    .await;
}
