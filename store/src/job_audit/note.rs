//! Descriptive columns of a job, which decide nothing.

use aws_sdk_dynamodb::types::AttributeValue;
use rsqlflow_core::protocol::cut;
use rsqlflow_core::{ExecutionId, JobId, Timestamp};

use super::{ChangeError, JobAudit, Try};
use crate::StoreError;
use crate::item::{number, text};
use crate::update::{Sent, Update};

/// Maximum size of the messages of all tries of a job, in bytes. A row also has space for a job of the largest size, its
/// message and the columns of launchers and agents.
const MAX_TRIES_BYTES: usize = 48 * 1024;

/// Maximum size of the message of one try.
const MAX_TRY_MESSAGE_BYTES: usize = 4 * 1024;

/// Maximum size of the note of one try. With the maximum number of tries: 26 KB.
const MAX_TRY_NOTE_BYTES: usize = 256;

/// Maximum size of another descriptive text.
const MAX_TEXT_BYTES: usize = 4 * 1024;

/// Replaces the message of a try if the row has no space for it.
const NOT_KEPT: &str = "(the message was dropped: the row has space only for those of the last tries)";

/// Columns that can be removed.
const DETAILS: [&str; 3] = ["tries", "log_error", "late_result"];

/// Descriptive columns to write, separately ([`JobAudit::note`]) or with a change.
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

    /// The script that was started.
    #[must_use]
    pub fn script_sha256(self, digest: &str) -> Self {
        self.with("script_sha256", text(digest))
    }

    /// The destination of the output.
    #[must_use]
    pub fn log(self, group: &str, stream: &str) -> Self {
        self.with("log_group", text(group)).with("log_stream", text(stream))
    }

    /// The size of the output, and why some of it was not delivered, if so.
    #[must_use]
    pub fn log_end(self, bytes: u64, trouble: Option<&str>) -> Self {
        let mut note = self
            .with("log_bytes", number(bytes))
            .with("log_complete", AttributeValue::Bool(trouble.is_none()));
        match trouble {
            Some(trouble) => note.with("log_error", text(cut(trouble, MAX_TEXT_BYTES))),
            None => {
                note.removes.push("log_error");
                note
            }
        }
    }

    /// All of the output has arrived later.
    #[must_use]
    pub fn log_arrived(self) -> Self {
        let mut note = self.with("log_complete", AttributeValue::Bool(true));
        note.removes.push("log_error");
        note
    }

    /// All tries of the script: the list is written as a whole, so that a repeated write is harmless. If their messages need
    /// more space than a row has, those of the first tries are dropped and replaced by a text.
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
        let tries = bounded(tries).iter().map(one).collect();
        self.with("tries", AttributeValue::L(tries))
    }

    /// A result that arrived too late.
    #[must_use]
    pub fn late_result(self, what: &str) -> Self {
        self.with("late_result", text(cut(what, MAX_TEXT_BYTES)))
    }

    /// Whether it writes nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sets.is_empty() && self.removes.is_empty()
    }

    /// The note without the removable columns.
    pub(super) fn without_details(mut self) -> Self {
        self.sets.retain(|(column, _)| !DETAILS.contains(column));
        self.removes.retain(|column| !DETAILS.contains(column));
        self
    }

    /// Removes the removable columns, and records that in the row.
    pub(super) fn drop_details(update: &mut Update) {
        for column in DETAILS {
            update.remove(column);
        }
        update.set("details_dropped", AttributeValue::Bool(true));
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

/// The tries with messages that fit into a row: the last ones keep theirs.
fn bounded(tries: &[Try]) -> Vec<Try> {
    let mut left = MAX_TRIES_BYTES;
    let mut kept: Vec<Try> = tries
        .iter()
        .rev()
        .map(|t| {
            let message = t.error_message.as_deref().map(|message| cut(message, MAX_TRY_MESSAGE_BYTES));
            let message = message.map(|message| match left.checked_sub(message.len()) {
                Some(rest) => {
                    left = rest;
                    message
                }
                None => {
                    left = 0;
                    NOT_KEPT.to_owned()
                }
            });
            let note = t.note.as_deref().map(|note| cut(note, MAX_TRY_NOTE_BYTES));
            Try { error_message: message, note, ..t.clone() }
        })
        .collect();
    kept.reverse();
    kept
}

impl JobAudit {
    /// Writes descriptive columns, if the row is in that attempt (or, for `None`, if it exists). `false` if it is not.
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
        let sort = job.to_string();
        let describe = |update: &mut Update| {
            match attempt {
                Some(attempt) => update.only_if("attempt", "=", number(attempt)),
                None => update.only_if("job_id", "=", text(&sort)),
            }
            Ok(())
        };
        match self.write(id, &sort, &note, describe).await {
            Ok(sent) => Ok(matches!(sent, Sent::Made(_))),
            Err(ChangeError::Store(error)) => Err(error),
            // A descriptive write has no other possible error.
            Err(_) => Ok(false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_tries_keep_their_messages_and_the_first_say_that_theirs_are_gone() {
        let at = Timestamp::from_millis(0);
        let message = "ERROR: 工資表の列が見つかりません ".repeat(200);
        let a_try =
            Try { start_ts: at, end_ts: at, exit_code: Some(1), error_message: Some(message), note: None };
        let kept = bounded(&vec![a_try; 101]);
        let bytes: usize = kept.iter().filter_map(|t| t.error_message.as_ref()).map(String::len).sum();
        assert_eq!(kept.len(), 101);
        assert!(bytes <= MAX_TRIES_BYTES + 101 * NOT_KEPT.len(), "{bytes}");
        assert_eq!(kept.first().unwrap().error_message.as_deref(), Some(NOT_KEPT));
        assert!(kept.last().unwrap().error_message.as_deref().unwrap().ends_with(" more bytes)"));
        let short = Try { error_message: Some("exit code 1".to_owned()), ..kept[0].clone() };
        assert_eq!(bounded(std::slice::from_ref(&short)), [short]);
    }
}
