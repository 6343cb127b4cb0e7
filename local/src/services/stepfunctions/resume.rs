//! Executions that an earlier endpoint on this state directory left unfinished.

use std::collections::HashSet;
use std::sync::Arc;

use asl::{Execution, Input, Status};
use jiff::Timestamp;

use crate::http::AwsError;
use crate::services::stepfunctions::actor::Actor;
use crate::services::stepfunctions::database::Recording;
use crate::services::stepfunctions::running::{Entry, Message};
use crate::services::stepfunctions::{Shared, StepFunctions, effects, ended, machines};

impl StepFunctions {
    /// Brings every unfinished execution back as it was; they go on when the endpoint is [opened](Self::open).
    /// Ends that were not reported are reported then.
    pub(crate) async fn load_unfinished(&self) -> Result<(), AwsError> {
        let shared = &self.shared;
        let mut awaited = HashSet::new();
        let mut nested = Vec::new();
        for (id, status) in shared.database.unfinished().await? {
            if status != Status::Running {
                let shared = Arc::clone(shared);
                tokio::spawn(async move {
                    shared.open.cancelled().await;
                    ended::report(shared, id).await;
                });
                continue;
            }
            let (execution, position) = match shared.replayed(id).await {
                Ok(replayed) => replayed,
                Err(error) => {
                    tracing::error!(id, "an execution cannot go on: {}", error.message);
                    continue;
                }
            };
            let open = execution.open_tasks();
            awaited
                .extend(open.iter().filter(|t| effects::is_nested(&t.start)).map(|t| (id, t.start.task.0)));
            let parent = shared.database.execution_of(id).await?.and_then(|row| row.parent);
            let (entry, mailbox) = Entry::new(id);
            shared.running.add(Arc::clone(&entry));
            nested.extend(parent.filter(|parent| parent.awaits).map(|parent| (Arc::clone(&entry), parent)));
            let now = execution.history().last().map_or(Timestamp::UNIX_EPOCH, |event| event.timestamp);
            let actor = Actor::new(execution, entry, Arc::clone(shared), position, now);
            tokio::spawn(actor.resume(mailbox));
        }
        // Its parent gave it up, and we were killed before we stopped it.
        nested.retain(|(_, parent)| !awaited.contains(&(parent.execution, parent.task)));
        for (entry, _) in nested {
            let stop = Message::Input { input: Input::Stop { error: None, cause: None }, answer: None };
            tokio::spawn(async move { entry.mailbox.send(stop).await });
        }
        Ok(())
    }

    /// Lets the executions that were brought back go on: their tasks can be answered from now on.
    pub(crate) fn open(&self) {
        self.shared.open.cancel();
    }
}

impl Shared {
    /// An execution as its journal says it is, and the position of its next record. Made in a thread of its own: it
    /// may take as many steps as the execution took.
    pub(super) async fn replayed(&self, id: i64) -> Result<(Execution, i64), AwsError> {
        let recording = self.database.recording(id).await?;
        tokio::task::spawn_blocking(move || replay(&recording)).await.map_err(AwsError::internal)?
    }
}

fn replay(recording: &Recording) -> Result<(Execution, i64), AwsError> {
    let definition = Arc::new(machines::compile(&recording.definition)?);
    let mut execution = Execution::new(definition, recording.context.clone(), recording.seed.clone());
    for record in recording.inputs() {
        let (input, moment) = record?;
        // What it wanted then was done, or is asked for again by who goes on with it.
        let _done = execution.step(input, moment);
    }
    Ok((execution, recording.next_position))
}
