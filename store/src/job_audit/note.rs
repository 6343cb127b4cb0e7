//! Columns that describe a job and decide nothing.

use aws_sdk_dynamodb::types::AttributeValue;
use rsqlflow_core::{ExecutionId, JobId, Timestamp};

use super::{JobAudit, Try};
use crate::StoreError;
use crate::item::{number, text};
use crate::update::{Sent, Update};

/// Descriptive columns to write, alone ([`JobAudit::note`]) or together with a change.
#[derive(Clone, Debug, Default)]
pub struct Note {
    sets: Vec<(&'static str, AttributeValue)>,
    removes: Vec<&'static str>,
}

impl Note {
    /// Writes nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn with(mut self, column: &'static str, value: AttributeValue) -> Self {
        self.sets.push((column, value));
        self
    }

    /// When the attempt was claimed.
    #[must_use]
    pub fn start(self, at: Timestamp) -> Self {
        self.with("execution_start_ts", text(at.to_string()))
    }

    /// When the row was closed.
    #[must_use]
    pub fn end(self, at: Timestamp) -> Self {
        self.with("execution_end_ts", text(at.to_string()))
    }

    /// The instance of the attempt.
    #[must_use]
    pub fn instance(self, id: &str) -> Self {
        self.with("instance_id", text(id))
    }

    /// Version of the agent.
    #[must_use]
    pub fn agent(self, version: &str) -> Self {
        self.with("agent_version", text(version))
    }

    /// The command that was sent.
    #[must_use]
    pub fn command(self, id: &str) -> Self {
        self.with("ssm_command_id", text(id))
    }

    /// The script as it was started.
    #[must_use]
    pub fn script_sha256(self, digest: &str) -> Self {
        self.with("script_sha256", text(digest))
    }

    /// Where the output goes.
    #[must_use]
    pub fn log(self, group: &str, stream: &str) -> Self {
        self.with("log_group", text(group)).with("log_stream", text(stream))
    }

    /// How much output there was, and what kept some of it from being delivered, if anything did.
    #[must_use]
    pub fn log_end(self, bytes: u64, trouble: Option<&str>) -> Self {
        let mut note = self
            .with("log_bytes", number(bytes))
            .with("log_complete", AttributeValue::Bool(trouble.is_none()));
        match trouble {
            Some(trouble) => note.with("log_error", text(trouble)),
            None => {
                note.removes.push("log_error");
                note
            }
        }
    }

    /// All of the output has arrived after all.
    #[must_use]
    pub fn log_arrived(self) -> Self {
        let mut note = self.with("log_complete", AttributeValue::Bool(true));
        note.removes.push("log_error");
        note
    }

    /// The runs of the script so far, all of them: a list that is written whole can be written twice.
    #[must_use]
    pub fn tries(self, tries: &[Try]) -> Self {
        let one = |t: &Try| {
            let mut map = [
                ("start_ts".to_owned(), text(t.start_ts.to_string())),
                ("end_ts".to_owned(), text(t.end_ts.to_string())),
            ]
            .into_iter()
            .collect::<std::collections::HashMap<_, _>>();
            if let Some(code) = t.exit_code {
                map.insert("exit_code".to_owned(), number(code));
            }
            if let Some(message) = &t.error_message {
                map.insert("error_message".to_owned(), text(message));
            }
            if let Some(note) = &t.note {
                map.insert("note".to_owned(), text(note));
            }
            AttributeValue::M(map)
        };
        let tries = tries.iter().map(one).collect();
        self.with("tries", AttributeValue::L(tries))
    }

    /// A result that came too late.
    #[must_use]
    pub fn late_result(self, what: &str) -> Self {
        self.with("late_result", text(what))
    }

    /// Whether it writes nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sets.is_empty() && self.removes.is_empty()
    }

    pub(super) fn onto(self, update: &mut Update) {
        for (column, value) in self.sets {
            update.set(column, value);
        }
        for column in self.removes {
            update.remove(column);
        }
    }
}

impl JobAudit {
    /// Writes descriptive columns, if the row is in that attempt (or, for `None`, if it is there at all).
    /// `false` if it is not.
    ///
    /// # Errors
    /// When the table cannot be written.
    pub async fn note(
        &self,
        id: &ExecutionId,
        job: JobId,
        attempt: Option<u32>,
        note: Note,
    ) -> Result<bool, StoreError> {
        if note.is_empty() {
            return Ok(true);
        }
        let mut update = Update::default();
        match attempt {
            Some(attempt) => update.only_if("attempt", "=", number(attempt)),
            None => update.only_if("job_id", "=", text(job.to_string())),
        }
        note.onto(&mut update);
        let sent = self.update(id, &job.to_string(), update).await?;
        Ok(matches!(sent, Sent::Made(_)))
    }
}
