//! The workflow item.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::choice::{ConcurrencyPolicy, NotifyOn};
use super::limits::json_bytes;
use super::reader::Cursor;
use super::settings::Settings;
use super::stage::Stage;
use super::{MAX_ITEM_BYTES, MAX_JOBS, MAX_STAGES, rules};
use crate::problem::{ProblemKind, Problems, Report, did_you_mean, quoted};
use crate::template::Names;
use crate::{Timing, WorkflowId, zone};

/// A workflow as its user wrote it, with every field checked.
///
/// Serialised it is an item that reads back as the same.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(
    deny_unknown_fields,
    title = "rsqlflow workflow",
    description = "Scripts of Amazon Redshift RSQL, run stage by stage."
)]
pub struct Workflow {
    /// The workflow's name and key.
    #[schemars(with = "String", length(max = 255), regex(pattern = rules::WORKFLOW_ID_PATTERN))]
    pub workflow_id: WorkflowId,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workflow_description: Option<String>,
    /// The stages, in order. None is fine: the workflow is a no-op that succeeds.
    #[serde(default)]
    #[schemars(length(max = 1500))]
    pub workflow_stages: Vec<Stage>,
    /// What every job inherits.
    #[serde(default)]
    pub defaults: Settings,
    /// Named values with their defaults, overridable at the trigger, used as `{{ name }}`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "parameters_schema")]
    pub parameters: BTreeMap<String, String>,
    /// IANA time zone that decides the date of `{{ ds }}`. Default UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// What happens when it is triggered while it runs. Default `forbid`.
    #[serde(default)]
    pub concurrency_policy: ConcurrencyPolicy,
    /// Notifications. Default: the deployment's topic, on failure.
    #[serde(default)]
    pub notify: Notify,
}

/// Notifications of a workflow's end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Notify {
    /// On which ends; an empty list is never. Default only on failure.
    #[serde(default = "on_failure")]
    pub on: Vec<NotifyOn>,
    /// ARN of the SNS topic. Default: the deployment's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = rules::TOPIC_ARN_PATTERN))]
    pub topic_arn: Option<String>,
}

fn on_failure() -> Vec<NotifyOn> {
    vec![NotifyOn::Failure]
}

impl Default for Notify {
    fn default() -> Self {
        Self { on: on_failure(), topic_arn: None }
    }
}

impl Notify {
    fn read(cursor: &Cursor<'_>) -> Option<Self> {
        let mut object = cursor.object(Some(r#"write {"topic_arn": "arn:aws:sns:…"}"#))?;
        let on = object.optional("on", |c| c.list_of(|end| end.choice()));
        let topic_arn = object.optional("topic_arn", |c| c.checked_text(rules::is_topic_arn));
        object.finish();
        Some(Self { on: on.unwrap_or_else(on_failure), topic_arn })
    }
}

impl Workflow {
    /// Reads an item, from the table or from a file.
    ///
    /// `timing` is the deployment's: it decides which heartbeats are long enough.
    ///
    /// # Errors
    /// Every problem of the item, in the order of its fields.
    pub fn from_json(item: &Value, timing: &Timing) -> Result<Self, Problems> {
        let report = Report::default();
        let read = Self::read(&Cursor::root(item, &report), timing);
        report.finish(read)
    }

    /// Reads the item of a run that has begun. Rules that came later than the first version are not applied.
    ///
    /// # Errors
    /// As [`Self::from_json`].
    pub(crate) fn from_stored(item: &Value, timing: &Timing) -> Result<Self, Problems> {
        let report = Report::default();
        let read = Self::read(&Cursor::root(item, &report), timing);
        report.finish_stored(read)
    }

    /// How many jobs it has, skipped ones included.
    #[must_use]
    pub fn job_count(&self) -> usize {
        self.workflow_stages.iter().map(|stage| stage.scripts.len()).sum()
    }

    fn read(cursor: &Cursor<'_>, timing: &Timing) -> Option<Self> {
        let bytes = json_bytes(cursor.value());
        if bytes > MAX_ITEM_BYTES {
            cursor.report_hint(
                ProblemKind::OutOfRange,
                format!("has {bytes} bytes as JSON; the maximum is {MAX_ITEM_BYTES}"),
                "split it into several workflows",
            );
        }
        let mut object = cursor.object(None)?;
        let workflow_id = object.required("workflow_id", "name the workflow", read_id);
        let workflow_description = object.optional("workflow_description", |c| c.text().map(str::to_owned));

        // Read before the stages, whose templates may use them; a broken entry still counts as a name, so that
        // one mistake is not reported once for every use.
        let parameter_names = object.keys_of("parameters");
        let names = Names::with_parameters(parameter_names.iter().copied());

        let workflow_stages = object.optional("workflow_stages", |c| read_stages(c, timing, &names));
        let defaults = object.optional("defaults", |c| {
            let mut object = c.object(None)?;
            let settings = Settings::read(&mut object, timing);
            object.finish();
            Some(settings)
        });
        let parameters = object.optional("parameters", read_parameters);
        let time_zone = object.optional("time_zone", read_zone);
        let concurrency_policy = object.optional("concurrency_policy", |c| c.choice());
        let notify = object.optional("notify", Notify::read);
        object.finish();
        Some(Self {
            workflow_id: workflow_id?,
            workflow_description,
            workflow_stages: workflow_stages.unwrap_or_default(),
            defaults: defaults.unwrap_or_default(),
            parameters: parameters.unwrap_or_default(),
            time_zone,
            concurrency_policy: concurrency_policy.unwrap_or_default(),
            notify: notify.unwrap_or_default(),
        })
    }
}

fn read_id(cursor: &Cursor<'_>) -> Option<WorkflowId> {
    let text = cursor.text()?;
    match WorkflowId::new(text) {
        Ok(id) => Some(id),
        Err(invalid) => {
            let message = format!("{} is not a valid workflow_id", quoted(text));
            cursor.report_hint(ProblemKind::Invalid, message, format!("write {}", invalid.rule));
            None
        }
    }
}

fn read_stages(cursor: &Cursor<'_>, timing: &Timing, names: &Names<'_>) -> Option<Vec<Stage>> {
    let stages = cursor.list_of(|stage| Stage::read(stage, timing, names));
    // Counted as written, so that it is known even when a stage cannot be read.
    let given = cursor.value().as_array().map_or(0, Vec::len);
    if given > MAX_STAGES {
        cursor.report_hint(
            ProblemKind::OutOfRange,
            format!("has {given} stages; the maximum is {MAX_STAGES}"),
            "split it into several workflows",
        );
    }
    let jobs: usize = cursor
        .value()
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|stage| stage.get("scripts")?.as_array().map(Vec::len))
        .sum();
    if jobs > MAX_JOBS {
        cursor.report_hint(
            ProblemKind::OutOfRange,
            format!("has {jobs} jobs; the maximum is {MAX_JOBS}"),
            "split it into several workflows",
        );
    }
    stages
}

fn read_parameters(cursor: &Cursor<'_>) -> Option<BTreeMap<String, String>> {
    let read: Vec<_> = cursor
        .entries()?
        .into_iter()
        .map(|(name, value)| {
            if let Err(broken) = rules::parameter_name(name) {
                value.broken(name, &broken);
            }
            Some((name.to_owned(), read_parameter(&value)?))
        })
        .collect();
    read.into_iter().collect()
}

/// A parameter's value, in the item or as an override at the trigger.
pub(crate) fn read_parameter(value: &Cursor<'_>) -> Option<String> {
    let text = value.text()?;
    match rules::passed_on(text) {
        Ok(()) => Some(text.to_owned()),
        Err(broken) => {
            value.report(ProblemKind::Invalid, broken);
            None
        }
    }
}

fn read_zone(cursor: &Cursor<'_>) -> Option<String> {
    let name = cursor.text()?;
    if zone::find(name).is_some() {
        return Some(name.to_owned());
    }
    let message = format!("{} is not an IANA time zone", quoted(name));
    let known = zone::names();
    let hint = match did_you_mean(name, known.iter().map(String::as_str)) {
        Some(meant) => format!("did you mean {meant:?}?"),
        None => r#"use a name such as "UTC" or "Europe/Berlin""#.to_owned(),
    };
    cursor.report_hint(ProblemKind::NotOneOf, message, hint);
    None
}

fn parameters_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "propertyNames": { "pattern": rules::PARAMETER_NAME_PATTERN },
        "additionalProperties": { "type": "string", "pattern": rules::NO_NUL_PATTERN },
    })
}
