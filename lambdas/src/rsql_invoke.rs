//! Sends a job to an instance, or finds that this is not what a try of its task needs.
//!
//! The order of writes is what makes a function that may die anywhere, or run twice, safe: the row first, then
//! the command. A command without its row does not exist; a row without its command is found by the next try,
//! whose new attempt the old command cannot harm.

use rsqlflow_core::RUN_JOB_PARAMETERS;
use rsqlflow_core::message::{InvokeAnswer, InvokeRequest, LAUNCHED};
use rsqlflow_core::plan::ResolvedJob;
use rsqlflow_core::protocol::launcher::{Step, Then, decide};
use rsqlflow_core::protocol::{Answer, Change, JobStatus, Outcome, Reply};
use rsqlflow_store::{ChangeError, JobRow, Note};

use crate::context::now;
use crate::{Context, HandlerError, ServiceError, instance, token};

/// How often a refused write is decided anew. Each refusal means that another writer moved the row on, and an
/// agent that renews at every one of our writes is not plausible.
const ROUNDS: usize = 8;

/// Decides by the job's row, as `rsqlflow_core::protocol::launcher` says.
///
/// # Errors
/// `LaunchNotConfirmed` if nobody knows whether the command was sent: the machine tries again with a new token.
pub async fn handle(context: &Context, request: InvokeRequest) -> Result<InvokeAnswer, HandlerError> {
    let (run, job, reply) = (&request.workflow_execution_id, request.job(), request.reply());
    let found = context.store.jobs().get(run, job).await?;
    let mut row = found.ok_or_else(|| HandlerError::JobNotFound { execution: run.clone(), job })?;
    for _ in 0..ROUNDS {
        match step(context, row, &reply).await? {
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

async fn step(context: &Context, row: JobRow, reply: &Reply) -> Result<Done, HandlerError> {
    let (run, job) = (row.workflow_execution_id.clone(), row.job_id);
    let patience = row.job.times().lost_after().as_millis();
    let patience = i64::try_from(patience).unwrap_or(i64::MAX);
    let now = now();
    let (change, then) = match decide(&row.state, reply, row.job.on_lost, patience, now) {
        Step::Answer(answer) => return tell(context, reply, &answer).await,
        Step::Superseded => return Ok(Done::With(InvokeAnswer::Superseded)),
        Step::Write(change, then) => (change, then),
    };
    // Before the write, so that the row names the instance even if this function ends right after it.
    let instance = match then {
        Then::SendCommand => Some(place(context, &row).await?),
        Then::LeaveToAgent | Then::Answer => None,
    };
    let note = match (&instance, then) {
        (Some(Ok(id)), _) => Note::new().instance(id),
        (_, Then::Answer) => Note::new().end(now),
        _ => Note::new(),
    };
    let row = match context.store.jobs().change(&run, job, &change, note).await {
        Ok(row) => row,
        Err(ChangeError::Refused(other)) => return Ok(Done::Refused(other)),
        Err(error) => return Err(HandlerError::of_change(error)),
    };
    match instance {
        Some(instance) => launch(context, &row, reply, instance).await,
        None => match row.state.answer() {
            Some(answer) => tell(context, reply, &answer).await,
            None => Ok(Done::With(InvokeAnswer::LeftToAgent { attempt: row.state.attempt })),
        },
    }
}

/// Where the next attempt goes, or why it can go nowhere.
async fn place(context: &Context, row: &JobRow) -> Result<Result<String, String>, HandlerError> {
    match &row.job.target {
        Some(target) => {
            let next = row.state.attempt.saturating_add(1);
            match instance::choose(context, target, &row.workflow_execution_id, row.job_id, next).await {
                // Asking again would be refused again; the job's row says why better than an execution's history.
                Err(HandlerError::Service(refusal)) if !refusal.is_transient() => {
                    Ok(Err(format!("could not be sent: {refusal}")))
                }
                chosen => chosen,
            }
        }
        None => Ok(Err("could not be sent: it has no target".to_owned())),
    }
}

/// Sends the command for the attempt that the row now shows.
async fn launch(
    context: &Context,
    row: &JobRow,
    reply: &Reply,
    instance: Result<String, String>,
) -> Result<Done, HandlerError> {
    // After the write: either the closer of the run sees this row as triggered and closes it, or this sees that
    // the run is being closed.
    let run = &row.workflow_execution_id;
    let workflow = context.store.workflows().get(run).await?;
    if !workflow.is_some_and(|w| !w.execution_status.is_closed() && w.closing_since.is_none()) {
        let outcome = Outcome::without_exit(JobStatus::Cancelled, "not started: its run is being closed");
        return give_up(context, row, reply, outcome).await;
    }
    let instance = match instance {
        Ok(instance) => instance,
        Err(why) => {
            let outcome = Outcome::without_exit(JobStatus::Failed, why);
            return give_up(context, row, reply, outcome).await;
        }
    };
    let digest = planned_digest(context, row).await?;
    match send(context, row, &instance, digest).await {
        Ok(command) => {
            let attempt = row.state.attempt;
            let note = Note::new().command(&command);
            // Only for people: the job runs whether or not its row names the command.
            if let Err(error) = context.store.jobs().note(run, row.job_id, Some(attempt), note).await {
                tracing::warn!(%error, "the command's id could not be recorded");
            }
            tracing::info!(attempt, instance, command, "sent");
            Ok(Done::With(InvokeAnswer::Sent { attempt }))
        }
        Err(source) if source.is_transient() => {
            Err(HandlerError::LaunchNotConfirmed { job: row.job_id, source })
        }
        Err(refusal) => {
            let why = format!("could not be sent to {instance}: {}", refusal.reason);
            give_up(context, row, reply, Outcome::without_exit(JobStatus::Failed, why)).await
        }
    }
}

/// The digest of the job as the run's plan has it, not as its row has it: whoever can write to the row can change what it
/// says, but not what is run.
async fn planned_digest(context: &Context, row: &JobRow) -> Result<String, HandlerError> {
    let (run, id) = (&row.workflow_execution_id, row.job_id);
    let plan = context.cached_plan(run).await?;
    let job = plan.job(id).ok_or_else(|| HandlerError::CorruptPlan {
        execution: run.clone(),
        reason: format!("it has no job {id}"),
    })?;
    // A row that was handed out by version 0.1.0 has no times.
    let job = ResolvedJob { times: job.times.filter(|_| row.job.times.is_some()), ..job.clone() };
    Ok(job.digest(&plan.workflow_id, run, id))
}

async fn send(
    context: &Context,
    row: &JobRow,
    instance: &str,
    digest: String,
) -> Result<String, ServiceError> {
    let deployment = &context.deployment;
    let (run, job) = (&row.workflow_execution_id, row.job_id);
    let values = [run.to_string(), job.to_string(), row.state.attempt.to_string(), digest];
    let parameters =
        RUN_JOB_PARAMETERS.iter().zip(values).map(|(one, value)| (one.name.to_owned(), vec![value]));
    let timeout = deployment.timing.delivery_timeout(row.job.heartbeat).get();
    let sent = context
        .ssm
        .send_command()
        .document_name(&deployment.ssm_document)
        .instance_ids(instance)
        .set_parameters(Some(parameters.collect()))
        .timeout_seconds(i32::try_from(timeout).unwrap_or(i32::MAX))
        .send()
        .await
        .map_err(|e| ServiceError::of("SendCommand", instance, &e))?;
    Ok(sent.command().and_then(|c| c.command_id()).unwrap_or_default().to_owned())
}

/// Closes a job that no agent can have claimed, unless one has: a command that was refused may have been sent
/// before, by a sending whose answer was lost.
async fn give_up(
    context: &Context,
    row: &JobRow,
    reply: &Reply,
    outcome: Outcome,
) -> Result<Done, HandlerError> {
    let answer = outcome.answer();
    let change = Change::CloseUnclaimed { from: row.state.status, attempt: row.state.attempt, outcome };
    let note = Note::new().end(now());
    match context.store.jobs().change(&row.workflow_execution_id, row.job_id, &change, note).await {
        Ok(_) => tell(context, reply, &answer).await,
        Err(ChangeError::Refused(other)) => Ok(Done::Refused(other)),
        Err(error) => Err(HandlerError::of_change(error)),
    }
}

async fn tell(context: &Context, reply: &Reply, answer: &Answer) -> Result<Done, HandlerError> {
    token::answer(context, &reply.token, answer).await?;
    Ok(Done::With(InvokeAnswer::Answered))
}
