//! A stage: jobs that run together.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;

use super::choice::{ExecutionFlag, ExecutionType, OnFailure};
use super::job::Job;
use super::reader::Cursor;
use super::target::Target;
use super::{MAX_CONCURRENCY, rules};
use crate::Timing;
use crate::problem::ProblemKind;
use crate::template::Names;

/// One stage. The next starts when all its jobs ended.
#[derive(Debug, Clone, PartialEq, Default, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Stage {
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage_description: Option<String>,
    /// `n` plans all its jobs as `Skipped`.
    #[serde(default)]
    pub execution_flag: ExecutionFlag,
    /// One job after the other (default), or at once.
    #[serde(default)]
    pub execution_type: ExecutionType,
    /// The jobs, in order. None is fine: the stage is a no-op that succeeds.
    #[serde(default)]
    #[schemars(schema_with = "scripts_schema")]
    pub scripts: Vec<Job>,
    /// Of a parallel stage: most jobs at once, 1 to 40. Default 40.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 40))]
    pub max_concurrency: Option<u32>,
    /// What a failed job means. Default `finish`.
    #[serde(default)]
    pub on_failure: OnFailure,
    /// As in a job, for all jobs of the stage.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048), regex(pattern = rules::SECRET_PATTERN))]
    pub secret: Option<String>,
    /// As in a job, for all jobs of the stage.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
    /// As in a job, for all jobs of the stage.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = rules::WAREHOUSE_PATTERN))]
    pub warehouse: Option<String>,
}

impl Stage {
    pub(super) fn read(cursor: &Cursor<'_>, timing: &Timing, names: &Names<'_>) -> Option<Self> {
        let mut object = cursor.object(Some(r#"write {"scripts": ["load.sh"]}"#))?;
        let stage_description = object.optional("stage_description", |c| c.text().map(str::to_owned));
        let execution_flag = object.optional("execution_flag", |c| c.choice());
        let has_type = object.has("execution_type");
        let execution_type = object.optional("execution_type", |c| c.choice::<ExecutionType>());
        let scripts = object.optional("scripts", |c| c.list_of(|job| Job::read(job, timing, names)));
        let max_concurrency = object.optional("max_concurrency", |c| {
            // Not if the type is invalid: then it may be parallel.
            let sequential = execution_type == Some(ExecutionType::Sequential) || !has_type;
            if sequential {
                c.report_hint(
                    ProblemKind::Conflict,
                    "is not allowed in a sequential stage",
                    r#"remove it, or set "execution_type": "parallel""#,
                );
            }
            c.whole(1..=MAX_CONCURRENCY)
        });
        let on_failure = object.optional("on_failure", |c| c.choice());
        let secret = object.optional("secret", |c| c.checked_text(rules::secret));
        let target = object.optional("target", Target::read);
        let warehouse = object.optional("warehouse", |c| c.checked_text(rules::warehouse));
        object.finish();
        Some(Self {
            stage_description,
            execution_flag: execution_flag.unwrap_or_default(),
            execution_type: execution_type.unwrap_or_default(),
            scripts: scripts.unwrap_or_default(),
            max_concurrency,
            on_failure: on_failure.unwrap_or_default(),
            secret,
            target,
            warehouse,
        })
    }
}

fn scripts_schema(generator: &mut SchemaGenerator) -> Schema {
    let job = generator.subschema_for::<Job>();
    json_schema!({
        "type": "array",
        "items": {
            "anyOf": [
                { "type": "string", "maxLength": 1024, "pattern": rules::SCRIPT_PATTERN },
                job,
            ],
        },
    })
}
