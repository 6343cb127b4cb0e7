//! Everything a run depends on, as it was when the run started.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{DeploymentDefaults, Plan};
use crate::config::{Cursor, MAX_SNAPSHOT_BYTES, Workflow, json_bytes, read_parameter};
use crate::problem::{Problem, ProblemKind, Problems, Report, of_unknown};
use crate::restart::Carried;
use crate::{ExecutionId, Timestamp, Timing, zone};

/// Version of [`Snapshot`]'s form, and of what follows from it. Old rows meet new functions: a reader that finds a
/// higher one refuses it. Since 3, chunks are larger ([`super::CHUNK_JOBS`]).
pub const SNAPSHOT_VERSION: u32 = 3;

/// What a trigger adds to the item.
#[derive(Debug, Clone, Copy)]
pub struct Trigger<'a> {
    /// The run's id.
    pub execution_id: &'a ExecutionId,
    /// Moment of the start.
    pub now: Timestamp,
    /// Overrides of parameters as the caller gave them: an object of texts.
    pub parameters: Option<&'a Value>,
    /// The deployment's defaults.
    pub defaults: &'a DeploymentDefaults,
    /// The deployment's times.
    pub timing: &'a Timing,
}

/// Everything a run depends on. Stored beside the run's jobs, below DynamoDB's 400 KB.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Snapshot {
    /// [`SNAPSHOT_VERSION`] of the writer.
    pub version: u32,
    /// The run. A restarted run has its own id.
    pub workflow_execution_id: ExecutionId,
    /// The item as it was.
    pub workflow: Value,
    /// Every parameter with its value.
    pub parameters: BTreeMap<String, String>,
    /// Date of the start in the workflow's time zone: `{{ ds }}`.
    pub ds: String,
    /// Moment of the start: `{{ ts }}`.
    pub ts: Timestamp,
    /// The zone that decided the date.
    pub time_zone: String,
    /// The deployment's defaults.
    pub defaults: DeploymentDefaults,
    /// The deployment's times.
    pub timing: Timing,
    /// The run that this one restarts. It keeps that run's parameters, date and moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restarted_from: Option<ExecutionId>,
    /// Jobs that it does not run, because earlier runs completed them or because they are marked.
    #[serde(default, skip_serializing_if = "Carried::is_empty")]
    pub carried: Carried,
}

impl Snapshot {
    /// Checks an item with all that comes from trigger and deployment, and fixes what the run will do. For one
    /// item and trigger it is always the same.
    ///
    /// # Errors
    /// Every problem. Those of the item itself come first, and alone: what follows from a broken item is not
    /// worth reading.
    pub fn take(item: &Value, trigger: Trigger<'_>) -> Result<(Self, Plan), Problems> {
        let workflow = Workflow::from_json(item, trigger.timing)?;
        let parameters = resolve_parameters(&workflow, trigger.parameters)?;
        let time_zone = workflow.time_zone.clone().unwrap_or_else(|| "UTC".to_owned());
        let ds = date(trigger.now, &time_zone)?;
        let snapshot = Self {
            version: SNAPSHOT_VERSION,
            workflow_execution_id: trigger.execution_id.clone(),
            workflow: item.clone(),
            parameters,
            ds,
            ts: trigger.now,
            time_zone,
            defaults: trigger.defaults.clone(),
            timing: trigger.timing.clone(),
            restarted_from: None,
            carried: Carried::default(),
        };
        snapshot.check_size()?;
        let plan = Plan::resolve(&workflow, &snapshot)?;
        Ok((snapshot, plan))
    }

    /// The same run again under a new id: same item, parameters, date and moment.
    #[must_use]
    pub fn restart(&self, execution_id: ExecutionId) -> Self {
        Self {
            workflow_execution_id: execution_id,
            restarted_from: Some(self.workflow_execution_id.clone()),
            ..self.clone()
        }
    }

    pub(crate) fn check_size(&self) -> Result<(), Problems> {
        match json_bytes(self) {
            0..=MAX_SNAPSHOT_BYTES => Ok(()),
            bytes => Err(Problem::new(
                "",
                ProblemKind::OutOfRange,
                format!("has {bytes} bytes with its parameters; the maximum is {MAX_SNAPSHOT_BYTES}"),
            )
            .hint("shorten the parameters, or split the workflow")
            .into()),
        }
    }
}

fn date(now: Timestamp, time_zone: &str) -> Result<String, Problems> {
    // The reader has checked the name already; this says the same should a snapshot ever be made otherwise.
    match zone::find(time_zone) {
        Some(zone) => Ok(zone::date(now, zone)),
        None => Err(Problem::new("time_zone", ProblemKind::NotOneOf, "is not an IANA time zone").into()),
    }
}

/// The workflow's parameters with the trigger's overrides.
fn resolve_parameters(
    workflow: &Workflow,
    given: Option<&Value>,
) -> Result<BTreeMap<String, String>, Problems> {
    let mut parameters = workflow.parameters.clone();
    let Some(given) = given.filter(|given| !given.is_null()) else {
        return Ok(parameters);
    };
    let report = Report::default();
    for (name, value) in Cursor::at(given, "parameters", &report).entries().unwrap_or_default() {
        let read = read_parameter(&value);
        match parameters.get_mut(name) {
            Some(parameter) => {
                if let Some(read) = read {
                    *parameter = read;
                }
            }
            None => {
                let known = workflow.parameters.keys().map(String::as_str);
                let hint = of_unknown(name, known);
                let hint = hint.unwrap_or_else(|| "the workflow has no `parameters`".to_owned());
                value.report_hint(ProblemKind::UnknownField, "is not a parameter of the workflow", hint);
            }
        }
    }
    report.finish(Some(parameters))
}
