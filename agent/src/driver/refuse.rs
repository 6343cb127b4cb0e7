//! Jobs whose row this agent does not support: they fail at once with the component to update. Otherwise, their task would
//! time out again and again.

use rsqlflow_core::protocol::{Contract, Incompatible, JobStatus, Outcome};
use rsqlflow_store::Note;

use super::{Assignment, Context, NotRun};
use crate::aws::Backoff;
use crate::clock::wall_clock;

/// This agent's version, for the row.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Closes the row as failed and answers its token. Returns why the job was not run.
pub(super) async fn refuse(ctx: &Context, job: &Assignment, why: Incompatible) -> NotRun {
    let message = message(why);
    let outcome = Outcome {
        error_name: Some(why.error_name()),
        ..Outcome::without_exit(JobStatus::Failed, message.clone())
    };
    let mut backoff = Backoff::of_preparation();
    let closed = loop {
        let note = Note::new().end(wall_clock()).instance(&ctx.instance()).agent(VERSION);
        match ctx.jobs.close_unread(&job.execution, job.job, job.attempt, &outcome, note).await {
            Ok(Some(state)) => break state,
            Ok(None) => return NotRun::Another,
            Err(error) if !error.is_transient() || !backoff.pause().await => return NotRun::Store(error),
            Err(_) => {}
        }
    };
    if let (Some(reply), Some(answer)) = (closed.reply(), closed.answer())
        && let Err(error) = ctx.tokens.answer(&reply.token, &answer, Backoff::of_preparation()).await
    {
        // The row is closed: the launcher of the state's next try answers the token.
        tracing::warn!(error = &error as &dyn std::error::Error, "the refusal could not be reported");
    }
    NotRun::Incompatible(message)
}

/// Message for readers of the row.
fn message(why: Incompatible) -> String {
    let known = if Contract::OLDEST == Contract::NEWEST {
        format!("contract {}", Contract::NEWEST)
    } else {
        format!("contracts {} to {}", Contract::OLDEST, Contract::NEWEST)
    };
    match why {
        Incompatible::TooNew(row) => format!(
            "the agent on this instance is too old: the functions handed the job out under contract {row}, and agent \
             {VERSION} knows {known}. Install the agent that was deployed with the functions, then restart the run"
        ),
        Incompatible::TooOld(row) => format!(
            "the agent on this instance is too new: the functions handed the job out under contract {row}, and agent \
             {VERSION} knows {known}. Deploy the functions of the agent's version, then restart the run"
        ),
    }
}
