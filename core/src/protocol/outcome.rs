//! The result of a job, and the answer to its waiting task.

use serde::{Deserialize, Serialize};

use super::{JobState, JobStatus};
use crate::ErrorName;

/// Most bytes of a job's message in its row. What a script wrote is in its log.
pub const MAX_MESSAGE_BYTES: usize = 16 * 1024;

/// How a job ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Outcome {
    /// A closed status.
    pub status: JobStatus,
    /// Of the script, if it ran and ended by itself or by a signal (then 128 + signal, as shells count).
    pub exit_code: Option<i32>,
    /// Message for the operator. Empty only if the job is `Completed` or `Skipped`.
    pub error_message: Option<String>,
    /// What to tell the state machine, where the status alone says too little.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_name: Option<ErrorName>,
}

/// The answer to a waiting task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// `SendTaskSuccess` with an empty object: the row holds all there is to know, and payloads stay small.
    Success,
    /// `SendTaskFailure`.
    Failure {
        /// At most 256 characters (Step Functions API reference, `SendTaskFailure`).
        error: &'static str,
        /// At most 32,768 characters (same page).
        cause: String,
    },
}

impl Outcome {
    /// An end that a script did not bring about itself.
    #[must_use]
    pub fn without_exit(status: JobStatus, message: impl Into<String>) -> Self {
        Self { status, exit_code: None, error_message: Some(message.into()), error_name: None }
    }

    /// The outcome as a row holds it: its message has at most [`MAX_MESSAGE_BYTES`], and says so where it is cut. So
    /// there is always room for it in a row.
    #[must_use]
    pub fn bounded(&self) -> Self {
        let error_message = self.error_message.as_deref().map(|message| cut(message, MAX_MESSAGE_BYTES));
        Self { error_message, ..self.clone() }
    }

    /// The answer to the waiting task.
    #[must_use]
    pub fn answer(&self) -> Answer {
        /// Half of the service's limit: the row has the whole message.
        const MOST_CAUSE: usize = 16_384;
        match self.status.error_name() {
            None => Answer::Success,
            Some(usual) => {
                let error = self.error_name.map_or(usual, ErrorName::as_str);
                let message = self.error_message.as_deref().unwrap_or("no message was recorded");
                Answer::Failure { error, cause: message.chars().take(MOST_CAUSE).collect() }
            }
        }
    }
}

impl JobState {
    /// How the job ended, if it has.
    #[must_use]
    pub fn outcome(&self) -> Option<Outcome> {
        self.status.is_closed().then(|| Outcome {
            status: self.status,
            exit_code: self.exit_code,
            error_message: self.error_message.clone(),
            error_name: self.error_name,
        })
    }

    /// The answer to the waiting task for a closed row. `None` while the row is open.
    #[must_use]
    pub fn answer(&self) -> Option<Answer> {
        self.outcome().map(|outcome| outcome.answer())
    }
}

/// A text of at most `most` bytes. One that is longer keeps its beginning and says how much is missing. Cutting again
/// changes nothing.
#[must_use]
pub fn cut(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    // Room for the note, whose number has at most 20 digits.
    let end = text.floor_char_boundary(most.saturating_sub(40));
    let kept = text.get(..end).unwrap_or_default();
    format!("{kept} … ({} more bytes)", text.len() - end)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_cut_text_fits_and_stays(text in ".{0,300}", most in 60usize..400) {
            let once = cut(&text, most);
            prop_assert!(once.len() <= most.max(text.len().min(most)), "{} bytes", once.len());
            prop_assert_eq!(cut(&once, most), once);
            prop_assert_eq!(cut(&text, most) == text, text.len() <= most);
        }
    }
}
