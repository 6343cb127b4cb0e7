//! A start by an event: of a file that arrived in S3, or of anything else that EventBridge carries.
//!
//! The rule's target gets the event and, beside it, what the configuration says of it: which workflow, which fields
//! of the event are its parameters, and which of them tell one event from another. From these the run's id is
//! derived, so an event that is delivered again finds the run that it began: EventBridge and S3 deliver at least
//! once (EventBridge user guide, "How EventBridge retries delivering events"; S3 user guide, "Event notification").
//!
//! Values become texts of parameters, which jobs get as arguments and variables. No text of an event becomes part of
//! a name, a path or a line of a shell.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::config::Checked;
use crate::message::TriggerRequest;
use crate::problem::{Problem, ProblemKind, Problems, Report};
use crate::{ExecutionId, WorkflowId};

mod path;
mod schedule;

pub(crate) use path::PATH_PATTERN;
use path::Path;
pub use schedule::{ScheduledRequest, ScheduledStart};

/// Most bytes of a value that is taken from an event: a key of S3 has at most 1,024 (S3 user guide, "Naming objects").
pub const MAX_EVENT_VALUE_BYTES: usize = 2_048;

/// Longest name of a start. With `_` and 32 characters after it, it fits the 60 of an [`ExecutionId`].
pub(crate) const MAX_NAME: usize = 20;

/// EventBridge's own id of an event, the same at every delivery.
const EVENT_ID: &str = "$.id";

/// To workflow-trigger, from a rule of EventBridge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventRequest {
    /// What the event starts.
    pub start: EventStart,
    /// The whole event.
    pub event: Value,
}

/// What an event starts, as the configuration has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventStart {
    /// Its name, and how its runs' ids begin: 1 to 20 letters, digits and `-`.
    pub name: String,
    /// Which workflow.
    pub workflow_id: WorkflowId,
    /// Overrides of the workflow's parameters: a path into the event, such as `$.detail.object.key`, or any other
    /// text as it is.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, String>,
    /// Paths to the fields that tell one event from another; without any it is the event's `id`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub once_per: Vec<String>,
}

impl EventRequest {
    /// What the trigger is to do: for the same event always the same.
    ///
    /// # Errors
    /// Every path that leads nowhere, and every value that cannot be a parameter.
    pub fn trigger(&self) -> Result<TriggerRequest, Problems> {
        let report = Report::default();
        let id = self.execution_id(&report);
        let parameters: serde_json::Map<String, Value> = self
            .start
            .parameters
            .iter()
            .filter_map(|(name, wanted)| {
                let place = format!("start.parameters.{name}");
                let text = if wanted.starts_with('$') {
                    self.text(&place, wanted, &report)?
                } else {
                    wanted.clone()
                };
                Some((name.clone(), text.into()))
            })
            .collect();
        let request = id.map(|id| TriggerRequest {
            workflow_id: self.start.workflow_id.clone(),
            workflow_execution_id: Some(id),
            parameters: (!parameters.is_empty()).then_some(parameters.into()),
            restart: None,
            answer_refusal: false,
        });
        report.finish(request)
    }

    /// The start's name, and a digest of what tells the event from others.
    fn execution_id(&self, report: &Report) -> Option<ExecutionId> {
        let start = &self.start;
        if let Err(broken) = start_name(&start.name) {
            report.add(Problem::new("start.name", ProblemKind::Invalid, broken.what));
            return None;
        }
        let by_default = [EVENT_ID.to_owned()];
        let paths = if start.once_per.is_empty() { &by_default[..] } else { &start.once_per };
        // All of them before the first that is missing ends it: every problem is told.
        let texts: Vec<_> = paths
            .iter()
            .enumerate()
            .map(|(number, path)| self.text(&format!("start.once_per[{number}]"), path, report))
            .collect();
        let mut digest = Sha256::new();
        for text in texts {
            let text = text?;
            // With its length before it, no text can be taken for two others.
            digest.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
            digest.update(text.as_bytes());
        }
        let mut id = format!("{}_", start.name);
        for byte in digest.finalize().iter().take(16) {
            let _ = write!(id, "{byte:02x}");
        }
        match ExecutionId::new(id) {
            Ok(id) => Some(id),
            Err(invalid) => {
                report.add(Problem::new("start.name", ProblemKind::Invalid, invalid.to_string()));
                None
            }
        }
    }

    /// The text at a path of the event.
    fn text(&self, place: &str, path: &str, report: &Report) -> Option<String> {
        let refuse = |kind, message: String| {
            report.add(Problem::new(place, kind, message));
            None
        };
        let Some(steps) = Path::parse(path) else {
            return refuse(
                ProblemKind::Invalid,
                format!("{path:?} is not a path into an event, such as \"$.detail.object.key\""),
            );
        };
        let text = match steps.find(&self.event) {
            None => return refuse(ProblemKind::Missing, format!("the event has no field {path}")),
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) if number.is_i64() || number.is_u64() => number.to_string(),
            Some(Value::Bool(flag)) => flag.to_string(),
            Some(_) => {
                let message =
                    format!("the field {path} of the event must be a string, a whole number or a boolean");
                return refuse(ProblemKind::WrongType, message);
            }
        };
        if text.len() > MAX_EVENT_VALUE_BYTES {
            let (found, most) = (text.len(), MAX_EVENT_VALUE_BYTES);
            let message = format!("the field {path} of the event has {found} bytes; the maximum is {most}");
            return refuse(ProblemKind::OutOfRange, message);
        }
        // They would forge lines of logs.
        if text.chars().any(char::is_control) {
            return refuse(
                ProblemKind::Invalid,
                format!("the field {path} of the event contains a control character"),
            );
        }
        Some(text)
    }
}

/// The rule of a start's name. It has no `_`, so that the runs of one start are never taken for those of another.
pub(crate) fn start_name(name: &str) -> Checked {
    let is_name =
        (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if is_name {
        Ok(())
    } else {
        Err(format!("is not a name of 1 to {MAX_NAME} letters, digits and -").into())
    }
}

#[cfg(test)]
mod tests;
