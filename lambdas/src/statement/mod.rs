//! Jobs that are statements of the Redshift Data API: what launcher and clock do with their rows.
//!
//! The decisions are those of [`rsqlflow_core::protocol::keeper`]; here they meet the services. `service` has the calls
//! to the Data API, `log` what a job's log says.

mod log;
mod service;

use rsqlflow_core::plan::{ResolvedJob, SqlJob};
use rsqlflow_core::protocol::keeper::{self, Description, Limits, Sent, Step, Then};
use rsqlflow_core::protocol::{Answer, Change, JobStatus, Reply};
use rsqlflow_core::sql::request::{client_token, statement_name};
use rsqlflow_core::{JobId, StatementId, Timestamp};
use rsqlflow_store::{ChangeError, JobRow, Note, Try, is_token_closed};

use crate::context::now;
use crate::{Context, HandlerError, ServiceError, token};
use log::Log;
use service::Described;

/// How often a step may follow another in one invocation. A statement that ends at once takes seven, and each write that
/// is refused one more.
const ROUNDS: usize = 24;

/// How an invocation left a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    /// It is closed, and its token was told.
    Answered,
    /// A later try of the state is known.
    Superseded,
    /// It waits or runs; the clock looks at it again.
    Open {
        /// The attempt that its row shows.
        attempt: u32,
    },
}

/// A launcher's part: starts the first attempt of a job, or leaves its token.
///
/// # Errors
/// When a table or the plan cannot be read or written.
pub(crate) async fn launch(context: &Context, row: JobRow, reply: &Reply) -> Result<Kept, HandlerError> {
    Box::pin(Keeper::of(context, row).await?.run(Some(reply))).await
}

/// The clock's part: whatever the row needs by now.
///
/// # Errors
/// As [`launch`].
pub(crate) async fn tend(context: &Context, row: JobRow) -> Result<Kept, HandlerError> {
    Box::pin(Keeper::of(context, row).await?.run(None)).await
}

/// One invocation's work on one job.
struct Keeper<'c> {
    context: &'c Context,
    row: JobRow,
    /// As the plan has it, not as the row has it: whoever can write to the row cannot change what runs.
    job: ResolvedJob,
    sql: SqlJob,
    limits: Limits,
    /// Whether this invocation has asked the service to cancel.
    asked_to_cancel: bool,
    /// What is to be written of a statement that has ended, with the change that follows from it.
    ended: Option<Ended>,
}

/// A statement that has ended.
struct Ended {
    described: Described,
    log: Log,
}

impl<'c> Keeper<'c> {
    async fn of(context: &'c Context, row: JobRow) -> Result<Self, HandlerError> {
        let (run, id) = (&row.workflow_execution_id, row.job_id);
        let plan = context.plan(run).await?;
        let corrupt = |reason: String| HandlerError::CorruptPlan { execution: run.clone(), reason };
        let job = plan.job(id).ok_or_else(|| corrupt(format!("it has no job {id}")))?.clone();
        let sql = job.sql.clone().ok_or_else(|| corrupt(format!("job {id} is no SQL")))?;
        let timing = &context.deployment.timing;
        let millis = |time: std::time::Duration| i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
        let limits = Limits::over(millis(timing.clock_timeout()), millis(timing.clock_margin));
        Ok(Self { context, row, job, sql, limits, asked_to_cancel: false, ended: None })
    }

    async fn run(mut self, reply: Option<&Reply>) -> Result<Kept, HandlerError> {
        let mut step = self.decide(reply);
        for _ in 0..ROUNDS {
            step = match step {
                Step::Answer(answer) => return self.answer(reply, &answer).await,
                Step::Superseded => return Ok(Kept::Superseded),
                Step::Wait => return self.leave(reply).await,
                Step::Cancel(_) if self.asked_to_cancel => return self.leave(reply).await,
                Step::Cancel(statement) => {
                    self.asked_to_cancel = true;
                    self.cancel(&statement).await;
                    self.describe(&statement).await
                }
                Step::Describe(statement) => self.describe(&statement).await,
                Step::List => self.list().await,
                Step::Write(change, then) => match self.write(&change).await? {
                    Err(refused) => {
                        self.row = *refused;
                        self.ended = None;
                        self.decide(reply)
                    }
                    Ok(row) => {
                        self.row = row;
                        match then {
                            Then::Send => self.send(&change).await?,
                            Then::Answer => match self.row.state.answer() {
                                Some(answer) => Step::Answer(answer),
                                None => Step::Wait,
                            },
                            Then::GoOn => keeper::tick(&self.row.state, &self.limits, now()),
                            Then::Leave => Step::Wait,
                        }
                    }
                },
            };
        }
        Err(HandlerError::Contended { execution: self.row.workflow_execution_id, job: self.row.job_id })
    }

    fn decide(&self, reply: Option<&Reply>) -> Step {
        let state = &self.row.state;
        match reply {
            Some(reply) => keeper::launch(state, reply, now()),
            // Its sender may be at work still. It is not looked for before that has surely ended: two that send at once
            // would both be right, but a refusal of one of them would then have to wait for the list.
            None if state.status == JobStatus::Running
                && state.statement_id.is_none()
                && state.last_sent.is_some_and(|sent| {
                    now().millis_since(sent) < self.limits.lambda + self.limits.margin
                }) =>
            {
                Step::Wait
            }
            None => keeper::tick(state, &self.limits, now()),
        }
    }

    async fn write(&self, change: &Change) -> Result<Result<JobRow, Box<JobRow>>, HandlerError> {
        let (run, job) = (&self.row.workflow_execution_id, self.row.job_id);
        match self.context.store.jobs().change(run, job, change, self.note_of(change)).await {
            Ok(row) => {
                tracing::info!(
                    workflow_execution_id = %run, job_id = %job, attempt = row.state.attempt,
                    status = %row.state.status, "kept"
                );
                Ok(Ok(row))
            }
            Err(ChangeError::Refused(other)) => Ok(Err(other)),
            Err(error) => Err(HandlerError::of_change(error)),
        }
    }

    /// What the row is to say beside a change.
    fn note_of(&self, change: &Change) -> Note {
        match change {
            Change::Start { attempt, at, .. } => {
                let stream = self.row.job_id.log_stream(&self.row.workflow_execution_id, attempt + 1);
                Note::new().start(*at).log(&self.context.deployment.log_group, &stream)
            }
            Change::CloseUnclaimed { .. } | Change::CloseWaiting { .. } => Note::new().end(now()),
            Change::Finish { outcome, .. } => {
                self.of_attempt(Note::new().end(now()), outcome.error_message.as_deref())
            }
            Change::Return { .. } => match &self.ended {
                Some(ended) => self.of_attempt(Note::new(), ended.described.error.as_deref()),
                None => Note::new(),
            },
            _ => Note::new(),
        }
    }

    /// A note with the statement that has ended as one more try.
    fn of_attempt(&self, note: Note, error: Option<&str>) -> Note {
        let Some(ended) = &self.ended else { return note };
        let this = Try {
            start_ts: ended.described.created,
            end_ts: ended.described.ended,
            exit_code: None,
            error_message: error.map(str::to_owned),
            note: None,
        };
        let tries: Vec<Try> = self.row.tries.iter().cloned().chain([this]).collect();
        note.tries(&tries).log_end(ended.log.bytes, ended.log.trouble.as_deref())
    }

    /// After a write that shows the sending: sends the statement of the attempt.
    async fn send(&self, change: &Change) -> Result<Step, HandlerError> {
        let run = &self.row.workflow_execution_id;
        if matches!(change, Change::Start { .. }) {
            // After the write: either the closer of the run sees this row as running and asks for its end, or this sees
            // that the run is being closed.
            let workflow = self.context.store.workflows().get(run).await?;
            if !workflow.is_some_and(|w| !w.execution_status.is_closed() && w.closing_since.is_none()) {
                return Ok(keeper::not_sent(&self.row.state, "not started: its run is being closed"));
            }
        }
        let attempt = self.row.state.attempt;
        let name = statement_name(run, self.row.job_id, attempt);
        let token = client_token(run, self.row.job_id, attempt);
        let sent = match service::send(self.context, &self.sql, &name, &token).await {
            Ok(statement) => {
                tracing::info!(workflow_execution_id = %run, job_id = %self.row.job_id, attempt, %statement, "sent");
                Sent::Accepted(statement)
            }
            Err(error) if error.is_transient() => {
                tracing::warn!(%error, "the clock sends the statement again");
                Sent::Unknown
            }
            Err(error) => {
                Sent::Refused(format!("could not be sent to warehouse {}: {error}", self.sql.warehouse))
            }
        };
        Ok(keeper::sent(&self.row.state, &sent))
    }

    async fn describe(&mut self, statement: &StatementId) -> Step {
        let described = match service::describe(self.context, statement).await {
            Ok(Some(described)) => described,
            Ok(None) => {
                return keeper::described(&self.row.state, &Description::Unknown, 0, None, now());
            }
            Err(error) => {
                tracing::warn!(%error, %statement, "how the statement stands is not known now");
                return Step::Wait;
            }
        };
        let timeout = i64::from(self.job.timeout.get()) * 1_000;
        let retries = u32::try_from(self.row.tries.len()).unwrap_or(u32::MAX);
        let retry = self.job.retry_policy().delay_before(retries.saturating_add(1));
        let retry = retry.map(|delay| i64::try_from(delay.as_millis()).unwrap_or(i64::MAX));
        let step = keeper::described(&self.row.state, &described.description, timeout, retry, now());
        if let Step::Write(Change::Finish { .. } | Change::Return { .. }, _) = &step {
            let log = log::write(self.context, &self.row, &self.sql, &described).await;
            self.ended = Some(Ended { described, log });
        }
        step
    }

    async fn cancel(&self, statement: &StatementId) {
        // What it answers decides nothing.
        if let Err(error) = service::cancel(self.context, statement).await {
            tracing::info!(%error, %statement, "the request to cancel was not taken");
        }
    }

    async fn list(&self) -> Step {
        let asked = now();
        let name = statement_name(&self.row.workflow_execution_id, self.row.job_id, self.row.state.attempt);
        match service::find(self.context, &name).await {
            Ok(found) => keeper::listed(&self.row.state, found.as_ref(), &self.limits, asked),
            Err(error) => {
                tracing::warn!(%error, name, "whether the statement is there is not known now");
                Step::Wait
            }
        }
    }

    /// The clock keeps the waiting task alive, on the token of the row as it was read or written last.
    async fn leave(&self, reply: Option<&Reply>) -> Result<Kept, HandlerError> {
        let state = &self.row.state;
        if reply.is_none()
            && state.is_kept()
            && let Some(task_token) = &state.task_token
        {
            let sent = self.context.sfn.send_task_heartbeat().task_token(task_token.expose()).send().await;
            let sent = sent.map_err(|error| ServiceError::of("SendTaskHeartbeat", "", &error));
            if let Err(error) = sent
                && !error.code.as_deref().is_some_and(is_token_closed)
            {
                tracing::warn!(%error, "the waiting task could not be kept alive");
            }
        }
        Ok(Kept::Open { attempt: state.attempt })
    }

    /// A launcher answers its own token, the clock that of the row.
    async fn answer(&self, reply: Option<&Reply>, answer: &Answer) -> Result<Kept, HandlerError> {
        let own = reply.map(|reply| &reply.token);
        if let Some(task_token) = own.or(self.row.state.task_token.as_ref()) {
            token::answer(self.context, task_token, answer).await?;
        }
        Ok(Kept::Answered)
    }
}

/// The place of a statement's name, `<run>/<job>/<attempt>`, if it is one of ours.
pub(crate) fn place_of(name: &str) -> Option<(rsqlflow_core::ExecutionId, JobId)> {
    let mut parts = name.split('/');
    let (run, job, attempt) = (parts.next()?, parts.next()?, parts.next()?);
    attempt.parse::<u32>().ok()?;
    let run = rsqlflow_core::ExecutionId::new(run).ok()?;
    parts.next().is_none().then_some((run, job.parse().ok()?))
}

/// A moment of the service.
fn moment(at: Option<&aws_smithy_types::DateTime>) -> Option<Timestamp> {
    at.and_then(|at| at.to_millis().ok()).map(Timestamp::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_statements_lead_back_to_their_jobs() {
        let run = rsqlflow_core::ExecutionId::new("nightly-1").unwrap();
        let job = JobId::new(3, 17);
        assert_eq!(place_of(&statement_name(&run, job, 2)), Some((run, job)));
        for other in [
            "",
            "nightly-1",
            "nightly-1/0003#00017",
            "a/b/c",
            "nightly-1/0003#00017/1/2",
            "nightly-1/0003#00017/x",
        ] {
            assert_eq!(place_of(other), None, "{other}");
        }
    }
}
