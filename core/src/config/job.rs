//! A job: what runs, with what belongs to it.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::choice::ExecutionFlag;
use super::reader::Cursor;
use super::rules;
use super::settings::Settings;
use super::work::{self, Script, Work};
use crate::Timing;
use crate::problem::ProblemKind;
use crate::template::Names;

/// One job of a stage: a script, or SQL, a load or an unload. A string in `scripts` is a job with nothing but the path of a script.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields, extend("oneOf" = work::exactly_one_kind(), "dependentSchemas" = work::rules_of_kinds()))]
pub struct Job {
    /// What it runs.
    #[serde(flatten)]
    pub work: Work,
    /// The name shown and audited. Default: the file name of a script, or the table of a load. A job with `sql` must have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 255), regex(pattern = rules::NO_CONTROL_PATTERN))]
    pub job_name: Option<String>,
    /// `n` is planned as `Skipped`.
    #[serde(default)]
    pub execution_flag: ExecutionFlag,
    /// The job's own settings, without inherited ones.
    #[serde(flatten)]
    pub settings: Settings,
}

impl Job {
    /// A job with nothing but a script.
    #[must_use]
    pub fn of_script(script: impl Into<String>) -> Self {
        Self {
            work: Work::Script(Script::new(script)),
            job_name: None,
            execution_flag: ExecutionFlag::Yes,
            settings: Settings::default(),
        }
    }

    /// The name shown and audited: `job_name`, or what stands for it.
    #[must_use]
    pub fn name(&self) -> &str {
        self.job_name.as_deref().unwrap_or_else(|| self.work.default_name())
    }

    pub(super) fn read(cursor: &Cursor<'_>, timing: &Timing, names: &Names<'_>) -> Option<Self> {
        if matches!(cursor.value(), Value::String(_)) {
            return work::read_script(cursor).map(Self::of_script);
        }
        if !matches!(cursor.value(), Value::Object(_)) {
            cursor.report_hint(
                ProblemKind::WrongType,
                "must be the path of a script, or an object",
                r#"write "load.sh" or {"script": "load.sh"}"#,
            );
            return None;
        }
        let mut object = cursor.object(None)?;
        let work = Work::read(cursor, &mut object, names);
        let job_name = object.optional("job_name", |c| c.checked_text(rules::job_name));
        let execution_flag = object.optional("execution_flag", |c| c.choice());
        let settings = Settings::read(&mut object, timing);
        work::refuse_fields_of_others(&object);
        object.finish();
        Some(Self { work: work?, job_name, execution_flag: execution_flag.unwrap_or_default(), settings })
    }
}
