//! Sends a job to an instance, or finds that this is not what a try of its task needs. A job that is SQL goes to the
//! Redshift Data API instead ([`crate::statement`]).
//!
//! The order of writes is what makes a function that may die anywhere, or run twice, safe: the row first, then
//! the command. A command without its row does not exist; a row without its command is found by the next try,
//! whose new attempt the old command cannot harm.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use rsqlflow_core::RUN_JOB_PARAMETERS;
use rsqlflow_core::message::{InvokeAnswer, InvokeRequest, LAUNCHED};
use rsqlflow_core::plan::ResolvedJob;
use rsqlflow_core::protocol::launcher::{Step, Then, decide};
use rsqlflow_core::protocol::{Answer, Change, JobStatus, Outcome, Reply};
use rsqlflow_store::{ChangeError, ErrorClass, JobRow, Note};

use crate::context::now;
use crate::master_iterator::TASK_TRIES;
use crate::statement::{self, Kept};
use crate::{Context, HandlerError, ServiceError, instance, token};

/// How often a refused write is decided anew. Each refusal means that another writer moved the row on, and an
/// agent that renews at every one of our writes is not plausible.
const ROUNDS: usize = 8;

/// So often the machines call a launcher again that fails; the next failure would end the job. Then it is better to
/// leave the task waiting: it is tried again when its heartbeat is over.
const FAILURES: u16 = 3;

/// First and longest pause before a throttled call is made again. Half to all of it is waited, by chance: many launchers
/// are throttled at once.
const PAUSE: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(2));

/// Decides by the job's row, as `rsqlflow_core::protocol::launcher` says.
///
/// # Errors
/// `LaunchNotConfirmed` if nobody knows whether the command was sent: the machine tries again with a new token.
pub async fn handle(context: &Context, request: InvokeRequest) -> Result<InvokeAnswer, HandlerError> {
    let call = Call { context, reply: request.reply(), retry: request.retry, began: Instant::now() };
    let (run, job) = (&request.workflow_execution_id, request.job());
    let found = context.store.jobs().get(run, job).await?;
    let mut row = found.ok_or_else(|| HandlerError::JobNotFound { execution: run.clone(), job })?;
    if row.job.sql.is_some() {
        let answer = match statement::launch(context, row, &call.reply).await? {
            Kept::Answered => InvokeAnswer::Answered,
            Kept::Superseded => InvokeAnswer::Superseded,
            Kept::Open { attempt } => InvokeAnswer::LeftToClock { attempt },
        };
        tracing::info!(?answer, retry = request.retry, "{LAUNCHED}");
        return Ok(answer);
    }
    for _ in 0..ROUNDS {
        match call.step(row).await? {
            Done::With(answer) => {
                tracing::info!(?answer, retry = request.retry, "{LAUNCHED}");
                return Ok(answer);
            }
            Done::Refused(other) => row = *other,
        }
    }
    Err(HandlerError::Contended { execution: run.clone(), job })
}

enum Done {
    With(InvokeAnswer),
    /// The row is another by now. Decide again.
    Refused(Box<JobRow>),
}

/// One invocation.
struct Call<'c> {
    context: &'c Context,
    reply: Reply,
    /// Which retry of its task this is.
    retry: u16,
    began: Instant,
}

impl Call<'_> {
    async fn step(&self, row: JobRow) -> Result<Done, HandlerError> {
        let context = self.context;
        let (run, job) = (row.workflow_execution_id.clone(), row.job_id);
        let patience = row.job.times().lost_after().as_millis();
        let patience = i64::try_from(patience).unwrap_or(i64::MAX);
        let now = now();
        let (change, then) = match decide(&row.state, &self.reply, row.job.on_lost, patience, now) {
            Step::Answer(answer) => return self.tell(&answer).await,
            Step::Superseded => return Ok(Done::With(InvokeAnswer::Superseded)),
            Step::Write(change, then) => (change, then),
        };
        // Before the write, so that the row names the instance even if this function ends right after it.
        let instances = match then {
            Then::SendCommand => match self.place(&row).await {
                Err(HandlerError::Service(error)) if self.waits(&error) => {
                    return Ok(Done::With(InvokeAnswer::Waiting { attempt: row.state.attempt }));
                }
                found => Some(found?),
            },
            Then::LeaveToAgent | Then::Answer => None,
        };
        let note = match (&instances, then) {
            (Some(Ok(ids)), _) => ids.first().map_or_else(Note::new, |first| Note::new().instance(first)),
            (_, Then::Answer) => Note::new().end(now),
            _ => Note::new(),
        };
        let row = match context.store.jobs().change(&run, job, &change, note).await {
            Ok(row) => row,
            Err(ChangeError::Refused(other)) => return Ok(Done::Refused(other)),
            Err(error) => return Err(HandlerError::of_change(error)),
        };
        match instances {
            Some(instances) => self.launch(&row, instances).await,
            None => match row.state.answer() {
                Some(answer) => self.tell(&answer).await,
                None => Ok(Done::With(InvokeAnswer::LeftToAgent { attempt: row.state.attempt })),
            },
        }
    }

    /// Where the next attempt may go, the best first, or why it can go nowhere.
    async fn place(&self, row: &JobRow) -> Result<Result<Vec<String>, String>, HandlerError> {
        let Some(target) = &row.job.target else {
            return Ok(Err("could not be sent: it has no target".to_owned()));
        };
        let next = row.state.attempt.saturating_add(1);
        let mut pause = PAUSE.0;
        loop {
            let chosen =
                instance::choose(self.context, target, &row.workflow_execution_id, row.job_id, next).await;
            match chosen {
                Err(HandlerError::Service(error)) if error.is_transient() => {
                    if error.class == ErrorClass::Throttled && self.pause(&mut pause).await {
                        continue;
                    }
                    if self.is_last() {
                        return Ok(Err(format!("could not be sent: {error}")));
                    }
                    return Err(error.into());
                }
                // Asking again would be refused again; the job's row says why better than an execution's history.
                Err(HandlerError::Service(error)) => return Ok(Err(format!("could not be sent: {error}"))),
                chosen => return chosen,
            }
        }
    }

    /// Sends the command for the attempt that the row now shows.
    async fn launch(
        &self,
        row: &JobRow,
        instances: Result<Vec<String>, String>,
    ) -> Result<Done, HandlerError> {
        // After the write: either the closer of the run sees this row as triggered and closes it, or this sees that
        // the run is being closed.
        let workflow = self.context.store.workflows().get(&row.workflow_execution_id).await?;
        if !workflow.is_some_and(|w| !w.execution_status.is_closed() && w.closing_since.is_none()) {
            let outcome = Outcome::without_exit(JobStatus::Cancelled, "not started: its run is being closed");
            return self.give_up(row, outcome).await;
        }
        match instances {
            Ok(instances) => self.send_to_one_of(row, &instances).await,
            Err(why) => self.give_up(row, Outcome::without_exit(JobStatus::Failed, why)).await,
        }
    }

    /// Sends the command to the first instance that Systems Manager takes one for. An instance may be terminated
    /// although it still counts as online.
    async fn send_to_one_of(&self, row: &JobRow, instances: &[String]) -> Result<Done, HandlerError> {
        let (run, attempt) = (&row.workflow_execution_id, row.state.attempt);
        let digest = planned_digest(self.context, row).await?;
        let mut refused = Vec::new();
        for instance in instances {
            let error = match self.send(row, instance, &digest).await {
                Ok(command) => {
                    let note = Note::new().command(&command).instance(instance);
                    // Only for people: the job runs whether or not its row names the command.
                    if let Err(error) =
                        self.context.store.jobs().note(run, row.job_id, Some(attempt), note).await
                    {
                        tracing::warn!(%error, "the command's id could not be recorded");
                    }
                    tracing::info!(attempt, instance, command, "sent");
                    return Ok(Done::With(InvokeAnswer::Sent { attempt }));
                }
                Err(error) => error,
            };
            if error.has_code("InvalidInstanceId") {
                tracing::warn!(instance, %error, "Systems Manager does not take commands for the instance");
                refused.push(format!("{instance} ({})", error.reason));
                continue;
            }
            // A throttled call was not made, so the job can be closed; of another that failed nobody knows.
            if error.class == ErrorClass::Throttled && (self.is_last() || self.is_too_late(row)) {
                let why = format!("could not be sent to {instance}: {}", error.reason);
                return self.give_up(row, Outcome::without_exit(JobStatus::Failed, why)).await;
            }
            if self.waits(&error) {
                return Ok(Done::With(InvokeAnswer::Waiting { attempt }));
            }
            if error.is_transient() {
                return Err(HandlerError::LaunchNotConfirmed { job: row.job_id, source: error });
            }
            let why = format!("could not be sent to {instance}: {}", error.reason);
            return self.give_up(row, Outcome::without_exit(JobStatus::Failed, why)).await;
        }
        let why = format!(
            "could not be sent: Systems Manager takes commands for none of its instances: {}",
            refused.join("; ")
        );
        self.give_up(row, Outcome::without_exit(JobStatus::Failed, why)).await
    }

    async fn send(&self, row: &JobRow, instance: &str, digest: &str) -> Result<String, ServiceError> {
        let deployment = &self.context.deployment;
        let timeout = deployment.timing.delivery_timeout(row.job.heartbeat).get();
        let (run, job) = (&row.workflow_execution_id, row.job_id);
        let values = [run.to_string(), job.to_string(), row.state.attempt.to_string(), digest.to_owned()];
        let parameters: HashMap<String, Vec<String>> = RUN_JOB_PARAMETERS
            .iter()
            .zip(values)
            .map(|(one, value)| (one.name.to_owned(), vec![value]))
            .collect();
        let mut pause = PAUSE.0;
        loop {
            let sent = self
                .context
                .ssm
                .send_command()
                .document_name(&deployment.ssm_document)
                .instance_ids(instance)
                .set_parameters(Some(parameters.clone()))
                .timeout_seconds(i32::try_from(timeout).unwrap_or(i32::MAX))
                .send()
                .await
                .map_err(|e| ServiceError::of("SendCommand", instance, &e));
            match sent {
                Err(error) if error.class == ErrorClass::Throttled && self.pause(&mut pause).await => {}
                sent => {
                    let command = sent?.command().and_then(|c| c.command_id().map(str::to_owned));
                    return Ok(command.unwrap_or_default());
                }
            }
        }
    }

    /// Waits before a throttled call is made again; `false` if this function's time is needed for the rest.
    async fn pause(&self, pause: &mut Duration) -> bool {
        let time = self.context.deployment.timing.lambda_timeout * 2 / 5;
        let wait = pause.mul_f64(0.5 + 0.5 * fastrand::f64());
        if self.began.elapsed() + wait > time {
            return false;
        }
        tokio::time::sleep(wait).await;
        *pause = (*pause * 2).min(PAUSE.1);
        true
    }

    /// Whether the task is left waiting although nothing was sent, as far as is known: failing once more would end the
    /// job, and its heartbeat brings the next try.
    fn waits(&self, error: &ServiceError) -> bool {
        error.is_transient() && self.retry >= FAILURES
    }

    /// Whether no try comes after this one.
    fn is_last(&self) -> bool {
        u64::from(self.retry) + 1 >= TASK_TRIES
    }

    /// Whether the job has waited for its start as long as it may run.
    fn is_too_late(&self, row: &JobRow) -> bool {
        now().millis_since(self.reply.entered.at) > i64::from(row.job.timeout.get()) * 1_000
    }

    /// Closes a job that no agent can have claimed, unless one has: a command that was refused may have been sent
    /// before, by a sending whose answer was lost.
    async fn give_up(&self, row: &JobRow, outcome: Outcome) -> Result<Done, HandlerError> {
        let answer = outcome.answer();
        let change = Change::CloseUnclaimed { from: row.state.status, attempt: row.state.attempt, outcome };
        let note = Note::new().end(now());
        let jobs = self.context.store.jobs();
        match jobs.change(&row.workflow_execution_id, row.job_id, &change, note).await {
            Ok(_) => self.tell(&answer).await,
            Err(ChangeError::Refused(other)) => Ok(Done::Refused(other)),
            Err(error) => Err(HandlerError::of_change(error)),
        }
    }

    async fn tell(&self, answer: &Answer) -> Result<Done, HandlerError> {
        token::answer(self.context, &self.reply.token, answer).await?;
        Ok(Done::With(InvokeAnswer::Answered))
    }
}

/// The digest of the job as the run's plan has it, not as its row has it: whoever can write to the row can change what it
/// says, but not what is run.
async fn planned_digest(context: &Context, row: &JobRow) -> Result<String, HandlerError> {
    let (run, id) = (&row.workflow_execution_id, row.job_id);
    let plan = context.plan(run).await?;
    let job = plan.job(id).ok_or_else(|| HandlerError::CorruptPlan {
        execution: run.clone(),
        reason: format!("it has no job {id}"),
    })?;
    // A row that was handed out by version 0.1.0 has no times.
    let job = ResolvedJob { times: job.times.filter(|_| row.job.times.is_some()), ..job.clone() };
    Ok(job.digest(&plan.workflow_id, run, id))
}
