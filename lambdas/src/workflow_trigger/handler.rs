//! The steps of the trigger, in order.

use rsqlflow_core::config::ConcurrencyPolicy;
use rsqlflow_core::message::{RestartRequest, TriggerAnswer, TriggerRequest, TriggerStatus};
use rsqlflow_core::plan::{Plan, Snapshot, Trigger};
use rsqlflow_core::{ExecutionId, Timestamp, WorkflowId, WorkflowStatus};
use rsqlflow_store::{Opened, WorkflowRow};
use serde_json::Value;

use super::{lock, restart, start};
use crate::aws::execution_arn;
use crate::context::now;
use crate::{Context, HandlerError};

/// Maximum number of job names in the run's row, because of its size.
const MOST_NAMES: usize = 1_000;
const MOST_NAME_BYTES: usize = 64 * 1024;

/// Starts a run, or finds that it was already started.
///
/// # Errors
/// `WorkflowNotFound`; `InvalidWorkflow` with every problem; `WorkflowAlreadyRunning` under `forbid`;
/// `ExecutionIdTaken`; of a restart also `ExecutionNotFound`, `NotRestartable` and `WorkflowChanged`;
/// `ServiceUnavailable` if the same call can be repeated.
pub async fn handle(
    context: &Context,
    request: TriggerRequest,
    request_id: &str,
) -> Result<TriggerAnswer, HandlerError> {
    let now = now();
    // Lambda repeats a failed asynchronous invocation, so a request without an id needs an id that the repetition generates
    // again.
    let id = request
        .workflow_execution_id
        .unwrap_or_else(|| ExecutionId::of_request(&request.workflow_id, request_id));
    // Checked first, because nothing can be started without it.
    let arn = execution_arn(&context.deployment.machines.master, id.as_str())?;
    let call = Call { context, workflow: request.workflow_id, id, arn, now };
    if let Some(row) = context.store.workflows().get(&call.id).await? {
        return call.resume(row).await;
    }
    let origin = match (&request.restart, &request.parameters) {
        (Some(_), Some(_)) => {
            return Err(HandlerError::InvalidRequest(
                "a restart keeps the parameters of the run that ended; start a new run to change them"
                    .to_owned(),
            ));
        }
        (Some(of), None) => Origin::Restart(of),
        (None, parameters) => Origin::Begin(parameters.as_ref()),
    };
    call.begin(&origin).await
}

/// The origin of a new run's plan.
enum Origin<'r> {
    /// The item of the config table, with these parameters.
    Begin(Option<&'r Value>),
    /// The unfinished jobs of a run that has ended.
    Restart(&'r RestartRequest),
}

struct Call<'c> {
    context: &'c Context,
    workflow: WorkflowId,
    id: ExecutionId,
    /// ARN of the master execution, whether it exists or not.
    arn: String,
    now: Timestamp,
}

impl Call<'_> {
    /// Continues with an existing row.
    async fn resume(self, row: WorkflowRow) -> Result<TriggerAnswer, HandlerError> {
        if row.workflow_id != self.workflow {
            return Err(self.taken_by(row.workflow_id));
        }
        if row.execution_status.is_closed() {
            return Ok(self.answer(TriggerStatus::AlreadyStarted, row.execution_status));
        }
        self.start(TriggerStatus::AlreadyStarted).await
    }

    async fn begin(self, origin: &Origin<'_>) -> Result<TriggerAnswer, HandlerError> {
        let (snapshot, plan) = self.plan(origin).await?;
        if plan.concurrency_policy == ConcurrencyPolicy::Forbid {
            lock::take(self.context, &self.workflow, &self.id).await?;
        }
        match self.record(snapshot).await {
            Ok(Opened::New) => self.start(TriggerStatus::Started).await,
            // The SDK sent it twice, and the first sending created the row.
            Ok(Opened::Existing(row))
                if row.execution_start_ts == self.now && row.workflow_id == self.workflow =>
            {
                self.start(TriggerStatus::Started).await
            }
            Ok(Opened::Existing(row)) => {
                if row.execution_status.is_closed() {
                    // The run ended while this call planned it, so this call must release the lock.
                    self.release().await;
                }
                self.resume(*row).await
            }
            Err(error) => {
                // Another call with this id may be running. A later call with the id, or a take-over, releases the lock.
                if matches!(error, HandlerError::ExecutionIdTaken { .. }) {
                    self.release().await;
                }
                Err(error)
            }
        }
    }

    /// Reads and validates the item, before anything is written.
    async fn plan(&self, origin: &Origin<'_>) -> Result<(Snapshot, Plan), HandlerError> {
        match origin {
            Origin::Begin(parameters) => self.take(*parameters).await,
            Origin::Restart(of) => restart::plan(self.context, &self.workflow, &self.id, of).await,
        }
    }

    async fn take(&self, parameters: Option<&Value>) -> Result<(Snapshot, Plan), HandlerError> {
        let deployment = &self.context.deployment;
        let item = self.context.store.config().get(&self.workflow).await?;
        let item = item.ok_or_else(|| HandlerError::WorkflowNotFound {
            workflow: self.workflow.clone(),
            table: deployment.tables.config.clone(),
        })?;
        let invalid = |problems| HandlerError::InvalidWorkflow { workflow: self.workflow.clone(), problems };
        let trigger = Trigger {
            execution_id: &self.id,
            now: self.now,
            parameters,
            defaults: &deployment.defaults,
            timing: &deployment.timing,
        };
        Snapshot::take(&item, trigger).map_err(invalid)
    }

    /// Writes snapshot and row, unless an earlier call did.
    async fn record(&self, snapshot: Snapshot) -> Result<Opened, HandlerError> {
        let jobs = self.context.store.jobs();
        jobs.put_snapshot(&self.id, &snapshot).await?;
        // An earlier call may have written it. Then its plan is used.
        let snapshot = jobs.get_snapshot(&self.id).await?.unwrap_or(snapshot);
        let plan = Plan::from_snapshot(&snapshot).map_err(|problems| HandlerError::CorruptPlan {
            execution: self.id.clone(),
            reason: problems.to_string(),
        })?;
        if plan.workflow_id != self.workflow {
            return Err(self.taken_by(plan.workflow_id));
        }
        let names: Vec<String> = plan.jobs().map(|(_, job)| job.job_name.clone()).collect();
        let bytes: usize = names.iter().map(String::len).sum();
        let names = (names.len() <= MOST_NAMES && bytes <= MOST_NAME_BYTES).then_some(names);
        let row = WorkflowRow {
            workflow_execution_id: self.id.clone(),
            workflow_id: self.workflow.clone(),
            execution_status: WorkflowStatus::Running,
            execution_start_ts: self.now,
            execution_end_ts: None,
            rsql_jobs: names,
            job_counts: None,
            error_message: None,
            state_machine_execution_arn: Some(self.arn.clone()),
            closing_since: None,
            restarted_from: snapshot.restarted_from,
            parameters: snapshot.parameters,
            not_delivered: None,
            notification: None,
            checked_at: None,
            // Set when the run is closed: an open row must not expire.
            expires_at: None,
        };
        Ok(self.context.store.workflows().open(&row).await?)
    }

    async fn start(self, status: TriggerStatus) -> Result<TriggerAnswer, HandlerError> {
        start::start(self.context, &self.workflow, &self.id, &self.arn).await?;
        tracing::info!(workflow_execution_id = %self.id, workflow_id = %self.workflow, ?status, "triggered");
        Ok(self.answer(status, WorkflowStatus::Running))
    }

    async fn release(&self) {
        if let Err(error) = self.context.store.workflows().release_lock(&self.workflow, &self.id).await {
            tracing::warn!(%error, "the lock could not be released; a later trigger takes it over");
        }
    }

    fn taken_by(&self, by: WorkflowId) -> HandlerError {
        HandlerError::ExecutionIdTaken { execution: self.id.clone(), by }
    }

    fn answer(self, status: TriggerStatus, workflow_status: WorkflowStatus) -> TriggerAnswer {
        TriggerAnswer { workflow_execution_id: self.id, execution_arn: self.arn, status, workflow_status }
    }
}
