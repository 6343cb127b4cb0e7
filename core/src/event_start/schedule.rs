//! A start by a schedule of EventBridge Scheduler.
//!
//! The run is named by the time that the schedule was due, and not by the invocation: Scheduler invokes its target at
//! least once, and a retried invocation has an id of its own (EventBridge Scheduler user guide, "Context attributes").

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::start_name;
use crate::message::TriggerRequest;
use crate::problem::{Problem, ProblemKind, Problems, Report, quoted};
use crate::{ExecutionId, Timestamp, WorkflowId};

/// To workflow-trigger, from a schedule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScheduledRequest {
    /// What the schedule starts.
    pub start: ScheduledStart,
    /// When it was due, in RFC 3339: the context attribute `<aws.scheduler.scheduled-time>`.
    pub scheduled_time: String,
}

/// What a schedule starts, as the configuration has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScheduledStart {
    /// Its name, and how its runs' ids begin: 1 to 20 letters, digits and `-`.
    pub name: String,
    /// Which workflow.
    pub workflow_id: WorkflowId,
    /// Overrides of the workflow's parameters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, String>,
}

impl ScheduledRequest {
    /// The request that starts the run of this time: the same for every invocation, with an id such as
    /// `nightly_20261129T013000Z`.
    ///
    /// # Errors
    /// A name or a time that is not valid.
    pub fn trigger(&self) -> Result<TriggerRequest, Problems> {
        let report = Report::default();
        let start = &self.start;
        if let Err(broken) = start_name(&start.name) {
            report.add(Problem::new("start.name", ProblemKind::Invalid, broken.what));
        }
        let time = self.scheduled_time.parse::<Timestamp>().ok().or_else(|| {
            let message = format!("{} is not a time in RFC 3339", quoted(&self.scheduled_time));
            report.add(Problem::new("scheduled_time", ProblemKind::Invalid, message));
            None
        });
        let id = time.and_then(|time| {
            let second = time.to_jiff().strftime("%Y%m%dT%H%M%SZ");
            match ExecutionId::new(format!("{}_{second}", start.name)) {
                Ok(id) => Some(id),
                Err(invalid) => {
                    report.add(Problem::new("start.name", ProblemKind::Invalid, invalid.to_string()));
                    None
                }
            }
        });
        let parameters: serde_json::Map<_, _> =
            start.parameters.iter().map(|(name, text)| (name.clone(), text.clone().into())).collect();
        let request = id.map(|id| TriggerRequest {
            workflow_id: start.workflow_id.clone(),
            workflow_execution_id: Some(id),
            parameters: (!parameters.is_empty()).then_some(parameters.into()),
            restart: None,
            answer_refusal: false,
        });
        report.finish(request)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn request(name: &str, time: &str) -> ScheduledRequest {
        serde_json::from_value(json!({
            "start": { "name": name, "workflow_id": "w", "parameters": { "region": "$emea" } },
            "scheduled_time": time,
        }))
        .unwrap()
    }

    #[test]
    fn a_run_is_named_by_the_time_it_was_due() {
        let asked = request("nightly", "2026-11-29T01:30:00Z").trigger().unwrap();
        assert_eq!(asked.workflow_execution_id.unwrap().as_str(), "nightly_20261129T013000Z");
        assert_eq!(asked.parameters, Some(json!({ "region": "$emea" })), "a schedule has no paths");
        let longest = request(&"n".repeat(20), "2026-11-29T01:30:00.500+01:00").trigger().unwrap();
        assert_eq!(
            longest.workflow_execution_id.unwrap().as_str(),
            format!("{}_20261129T003000Z", "n".repeat(20))
        );
    }

    #[test]
    fn every_problem_is_reported() {
        let problems = request("a_b", "<aws.scheduler.scheduled-time>").trigger().unwrap_err().to_string();
        assert!(problems.contains("start.name") && problems.contains("scheduled_time"), "{problems}");
    }
}
