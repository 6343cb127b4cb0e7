//! One command on one instance, and `GetCommandInvocation`.

use std::sync::{Mutex, PoisonError};

use serde::Deserialize;
use serde_json::json;

use crate::http::{AwsError, answer, parse};
use crate::place;
use crate::services::ssm::Ssm;
use crate::services::ssm::instances::Instance;

/// How far an invocation is: `Status` and `StatusDetails` of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    Pending,
    Started,
    Success,
    Failed,
    DeliveryTimedOut,
    ExecutionTimedOut,
}

impl Progress {
    fn status(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Started => "InProgress",
            Self::Success => "Success",
            Self::Failed => "Failed",
            Self::DeliveryTimedOut | Self::ExecutionTimedOut => "TimedOut",
        }
    }

    fn details(self) -> &'static str {
        match self {
            Self::DeliveryTimedOut => "DeliveryTimedOut",
            Self::ExecutionTimedOut => "ExecutionTimedOut",
            other => other.status(),
        }
    }
}

/// What came out of it.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) progress: Progress,
    /// Exit code; -1 before the end, and where there is none.
    pub(super) response_code: i32,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

impl Outcome {
    /// An end without a process that ended.
    pub(super) fn without_process(progress: Progress, response_code: i32, reason: String) -> Self {
        Self { progress, response_code, stdout: String::new(), stderr: reason }
    }
}

/// One command on one instance.
#[derive(Debug)]
pub(super) struct Invocation {
    pub(super) command_id: String,
    instance_id: String,
    document: String,
    comment: String,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    outcome: Outcome,
    started: Option<i64>,
    ended: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Get {
    command_id: String,
    instance_id: String,
    plugin_name: Option<String>,
}

/// The document's only step.
const PLUGIN: &str = "runJob";

impl Invocation {
    pub(super) fn new(command_id: &str, instance: &Instance, document: &str, comment: &str) -> Self {
        Self {
            command_id: command_id.to_owned(),
            instance_id: instance.id.clone(),
            document: document.to_owned(),
            comment: comment.to_owned(),
            state: Mutex::new(State {
                outcome: Outcome::without_process(Progress::Pending, -1, String::new()),
                started: None,
                ended: None,
            }),
        }
    }

    pub(super) fn key(&self) -> (String, String) {
        (self.command_id.clone(), self.instance_id.clone())
    }

    pub(super) fn start(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.outcome.progress = Progress::Started;
        state.started = Some(place::now_ms());
    }

    pub(super) fn end(&self, outcome: Outcome) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.outcome = outcome;
        state.ended = Some(place::now_ms());
    }
}

impl Ssm {
    pub(super) fn get_command_invocation(&self, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        let request: Get = parse("GetCommandInvocation", body)?;
        if request.plugin_name.as_deref().is_some_and(|name| name != PLUGIN) {
            return Err(AwsError::client("InvalidPluginName", "The plugin name is not valid."));
        }
        let Some(invocation) = self.commands.get(&request.command_id, &request.instance_id) else {
            return Err(AwsError::client(
                "InvocationDoesNotExist",
                "The command ID and managed node ID you \
                specified didn't match any invocations.",
            ));
        };
        let state = invocation.state.lock().unwrap_or_else(PoisonError::into_inner);
        let moment = |ms: Option<i64>| {
            ms.and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok())
                .map(|moment| format!("{moment:.3}"))
                .unwrap_or_default()
        };
        let elapsed = match (state.started, state.ended) {
            (Some(started), Some(ended)) => format!("PT{:.3}S", place::seconds(ended - started)),
            _ => String::new(),
        };
        answer(&json!({
            "CommandId": invocation.command_id,
            "InstanceId": invocation.instance_id,
            "Comment": invocation.comment,
            "DocumentName": invocation.document,
            "DocumentVersion": "$DEFAULT",
            "PluginName": PLUGIN,
            "ResponseCode": state.outcome.response_code,
            "ExecutionStartDateTime": moment(state.started),
            "ExecutionElapsedTime": elapsed,
            "ExecutionEndDateTime": moment(state.ended),
            "Status": state.outcome.progress.status(),
            "StatusDetails": state.outcome.progress.details(),
            "StandardOutputContent": state.outcome.stdout,
            "StandardOutputUrl": "",
            "StandardErrorContent": state.outcome.stderr,
            "StandardErrorUrl": "",
        }))
    }
}
