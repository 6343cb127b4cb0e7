//! The protocol's columns of a job's row.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{ErrorName, InvalidId, Owner, StatementId, TaskToken, Timestamp};

/// Where a job stands: `Pending → Triggered → Running → Completed | Failed | TimedOut | Cancelled | Lost`,
/// or `Skipped` from the start.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
pub enum JobStatus {
    /// Created by an iterator. No command was sent yet.
    Pending,
    /// A command for the current attempt was, or is about to be, sent; no agent has claimed it.
    Triggered,
    /// An agent claimed the current attempt and keeps its beat moving.
    Running,
    /// The script ended with an accepted exit code.
    Completed,
    /// The script ended with another exit code, or could not be started.
    Failed,
    /// The attempt ran longer than its `timeout`, and was ended.
    TimedOut,
    /// Ended or not started, because of a request.
    Cancelled,
    /// The agent disappeared. It is not known how far the script came.
    Lost,
    /// Not to be run: its `execution_flag` is `n`, or an earlier run had completed it.
    Skipped,
}

/// A text that names no status.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a job status")]
pub struct UnknownStatus(pub String);

impl JobStatus {
    /// All of them, in the order of a job's life.
    pub const ALL: [Self; 9] = [
        Self::Pending,
        Self::Triggered,
        Self::Running,
        Self::Completed,
        Self::Failed,
        Self::TimedOut,
        Self::Cancelled,
        Self::Lost,
        Self::Skipped,
    ];

    /// Whether nothing will change it any more.
    #[must_use]
    pub const fn is_closed(self) -> bool {
        !matches!(self, Self::Pending | Self::Triggered | Self::Running)
    }

    /// Whether the stage may continue as after success.
    #[must_use]
    pub const fn is_good(self) -> bool {
        matches!(self, Self::Completed | Self::Skipped)
    }

    /// The name as the tables hold it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Triggered => "Triggered",
            Self::Running => "Running",
            Self::Completed => "Completed",
            Self::Failed => "Failed",
            Self::TimedOut => "TimedOut",
            Self::Cancelled => "Cancelled",
            Self::Lost => "Lost",
            Self::Skipped => "Skipped",
        }
    }

    /// The error that the state machine sees when a job closes so; `None` where it sees success or nothing.
    /// The machines' `Catch` and this are held to each other by a test.
    #[must_use]
    pub const fn error_name(self) -> Option<&'static str> {
        match self {
            Self::Failed => Some("JobFailed"),
            Self::TimedOut => Some("JobTimedOut"),
            Self::Cancelled => Some("JobCancelled"),
            Self::Lost => Some("JobLost"),
            Self::Pending | Self::Triggered | Self::Running | Self::Completed | Self::Skipped => None,
        }
    }
}

impl fmt::Display for JobStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl std::str::FromStr for JobStatus {
    type Err = UnknownStatus;

    fn from_str(text: &str) -> Result<Self, UnknownStatus> {
        Self::ALL.into_iter().find(|s| s.as_str() == text).ok_or_else(|| UnknownStatus(text.to_owned()))
    }
}

/// When the waiting state was entered, and which retry of it this is: what orders task tokens.
///
/// Every try of a state has a new token, and the service says of each when its state was entered
/// (`$$.State.EnteredTime`) and how often it was retried (`$$.State.RetryCount`; Step Functions developer
/// guide, "Context object"). As text it is `2026-11-21T06:15:00.123Z#0003`, which sorts as the tokens came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenEntered {
    /// `$$.State.EnteredTime`.
    pub at: Timestamp,
    /// `$$.State.RetryCount`.
    pub retry: u16,
}

impl fmt::Display for TokenEntered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{:05}", self.at, self.retry)
    }
}

impl std::str::FromStr for TokenEntered {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        text.split_once('#')
            .and_then(|(at, retry)| Some(Self { at: at.parse().ok()?, retry: retry.parse().ok()? }))
            .ok_or_else(|| InvalidId {
                kind: "token_entered",
                value: text.to_owned(),
                rule: "an RFC 3339 time, '#', a count",
            })
    }
}

impl Serialize for TokenEntered {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TokenEntered {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Where to send a result: the token of a waiting try, and its place in the order of tries.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reply {
    /// The reply address.
    pub token: TaskToken,
    /// What orders it among the job's tokens.
    pub entered: TokenEntered,
}

/// The columns that the protocol reads and writes; all others of a row only describe the job.
///
/// Field names are column names.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct JobState {
    /// Column `execution_status`.
    #[serde(rename = "execution_status")]
    pub status: JobStatus,
    /// The fence: how often a launcher has sent for this job. 0 before the first time.
    pub attempt: u32,
    /// The newest waiting try's reply address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_token: Option<TaskToken>,
    /// Orders `task_token` among the job's tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_entered: Option<TokenEntered>,
    /// The sign of life: grows with every claim and renewal, over all attempts, and never restarts.
    pub beat: u64,
    /// The beat as a launcher or closer last saw it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen_beat: Option<u64>,
    /// When it was seen, by the clock of who saw it, read after the row was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen_at: Option<Timestamp>,
    /// The agent process that claimed the current attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Owner>,
    /// Somebody wants this job to end.
    #[serde(default)]
    pub cancel_requested: bool,
    /// The statement of the running attempt, once its id is known. This and the next three columns are only of
    /// jobs that the clock keeps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement_id: Option<StatementId>,
    /// When the attempt was claimed, which is before its statement was first sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_sent: Option<Timestamp>,
    /// No sending of the attempt's statement was decided later than this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_sent: Option<Timestamp>,
    /// From when on the clock has something to do with the row; absent in a closed row. With `owner` it is the key
    /// of the index that the clock reads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wake_at: Option<Timestamp>,
    /// Of a closed row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// Of a closed row; and of a running one whose statement was refused for good when it was sent again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_message: Option<String>,
    /// Of a closed row, where its status alone says too little.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_name: Option<ErrorName>,
}

impl JobState {
    /// As an iterator hands a job out.
    #[must_use]
    pub const fn pending() -> Self {
        Self {
            status: JobStatus::Pending,
            attempt: 0,
            task_token: None,
            token_entered: None,
            beat: 0,
            seen_beat: None,
            seen_at: None,
            owner: None,
            cancel_requested: false,
            statement_id: None,
            first_sent: None,
            last_sent: None,
            wake_at: None,
            exit_code: None,
            error_message: None,
            error_name: None,
        }
    }

    /// The reply address of the newest waiting try.
    #[must_use]
    pub fn reply(&self) -> Option<Reply> {
        Some(Reply { token: self.task_token.clone()?, entered: self.token_entered? })
    }
}
