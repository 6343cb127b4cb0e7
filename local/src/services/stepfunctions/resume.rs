//! Restores executions that an earlier endpoint on this state directory left unfinished.

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
    /// Restores every unfinished execution. They continue when the endpoint is [opened](Self::open). Ends that were not
    /// reported are reported then.
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
                    tracing::error!(id, "an execution cannot be restored: {}", error.message);
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
        // Its parent gave up on it, and the process was killed before it was stopped.
        nested.retain(|(_, parent)| !awaited.contains(&(parent.execution, parent.task)));
        for (entry, _) in nested {
            let stop = Message::Input { input: Input::Stop { error: None, cause: None }, answer: None };
            tokio::spawn(async move { entry.mailbox.send(stop).await });
        }
        Ok(())
    }

    /// Continues the restored executions: their tasks can be answered from now on.
    pub(crate) fn open(&self) {
        self.shared.open.cancel();
    }
}

impl Shared {
    /// An execution from its journal, and the position of its next record. Built in a separate thread, since it may take as
    /// many steps as the execution took.
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
        // These effects were carried out, or are repeated when the execution continues.
        let _done = execution.step(input, moment);
    }
    Ok((execution, recording.next_position))
}
