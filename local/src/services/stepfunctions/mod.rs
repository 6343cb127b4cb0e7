//! Step Functions: a driver around the pure interpreter of the crate `asl`.
//!
//! Each execution is owned by a task of its own (`actor`), so nothing is locked while it steps. The actor is the
//! one place where inputs enter an execution and effects leave it. `effects` carries them out, in tasks that send
//! their answers back to the actor's mailbox. `registry` finds machines, executions and task tokens; the other
//! modules are the API's operations.

mod actor;
mod describe;
mod effects;
mod history;
mod integrations;
mod machines;
mod names;
mod page;
mod registry;
mod rules;
mod start;
mod stop;
mod tokens;

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::http::AwsError;
use crate::services::eventbridge::EventBridge;
use crate::services::lambda::Lambda;
use crate::services::link::Link;
use crate::services::sns::Sns;

pub(crate) use names::machine_arn;

/// The embedded Step Functions. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct StepFunctions {
    shared: Arc<Shared>,
}

/// What actors, effects and operations share.
#[derive(Debug)]
struct Shared {
    registry: registry::Registry,
    /// What Task states call.
    lambda: Lambda,
    sns: Sns,
    /// Where the status of executions is published.
    events: EventBridge,
    /// All services, for the integrations.
    link: Link,
    closing: CancellationToken,
}

impl StepFunctions {
    /// Without machines. Task states call `lambda` and `sns`; what becomes of executions is published to `events`.
    pub(crate) fn new(lambda: Lambda, sns: Sns, events: EventBridge, link: Link) -> Self {
        let registry = registry::Registry::default();
        Self {
            shared: Arc::new(Shared {
                registry,
                lambda,
                sns,
                events,
                link,
                closing: CancellationToken::new(),
            }),
        }
    }

    /// Carries out one operation.
    pub(crate) async fn call(&self, operation: &str, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        match operation {
            "CreateStateMachine" => self.create_state_machine(body),
            "DescribeExecution" => self.describe_execution(body),
            "DescribeStateMachine" => self.describe_state_machine(body),
            "GetExecutionHistory" => self.get_execution_history(body).await,
            "ListExecutions" => self.list_executions(body),
            "ListStateMachines" => self.list_state_machines(body),
            "SendTaskFailure" => self.send_task_failure(body).await,
            "SendTaskHeartbeat" => self.send_task_heartbeat(body).await,
            "SendTaskSuccess" => self.send_task_success(body).await,
            "StartExecution" => self.start_execution(body),
            "StopExecution" => self.stop_execution(body).await,
            _ => Err(AwsError::unknown_operation("Step Functions", operation)),
        }
    }

    /// Stops all executions where they are: nothing more is started for them.
    pub(crate) fn close(&self) {
        self.shared.closing.cancel();
    }
}
