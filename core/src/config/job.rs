//! A job: one script with what belongs to it.

use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::choice::ExecutionFlag;
use super::reader::Cursor;
use super::settings::Settings;
use super::{MAX_ARGUMENT_BYTES, rules};
use crate::Timing;
use crate::problem::ProblemKind;
use crate::template::{self, Names};

/// One script of a stage. A string in `scripts` is a job with nothing but a path.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Job {
    /// Path below the instance's script directory; no `..`, not absolute, at most 1024 bytes.
    #[schemars(length(max = 1024), regex(pattern = rules::SCRIPT_PATTERN))]
    pub script: String,
    /// The script's arguments, passed as such, never through a shell. May hold `{{ name }}`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(inner(regex(pattern = rules::NO_NUL_PATTERN)))]
    pub args: Vec<String>,
    /// Environment variables of the script. Values may hold `{{ name }}`.
    #[serde(default, skip_serializing_if = "Environment::is_empty")]
    pub env: Environment,
    /// The name shown and audited. Default: the file name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 255), regex(pattern = rules::NO_CONTROL_PATTERN))]
    pub job_name: Option<String>,
    /// `n` is planned as `Skipped`.
    #[serde(default)]
    pub execution_flag: ExecutionFlag,
    /// What it says itself instead of inheriting it.
    #[serde(flatten)]
    pub settings: Settings,
}

impl Job {
    /// A job with nothing but a script.
    #[must_use]
    pub fn of_script(script: impl Into<String>) -> Self {
        Self {
            script: script.into(),
            args: Vec::new(),
            env: Environment::default(),
            job_name: None,
            execution_flag: ExecutionFlag::Yes,
            settings: Settings::default(),
        }
    }

    /// The name shown and audited: `job_name`, or the file name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.job_name.as_deref().unwrap_or_else(|| rules::file_name(&self.script))
    }

    pub(super) fn read(cursor: &Cursor<'_>, timing: &Timing, names: &Names<'_>) -> Option<Self> {
        if matches!(cursor.value(), Value::String(_)) {
            return read_script(cursor).map(Self::of_script);
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
        let script = object.required("script", "name the script to run", read_script);
        let args = object.optional("args", |c| c.list_of(|arg| read_passed_on(arg, names)));
        let env = object.optional("env", |c| read_env(c, names));
        let job_name = object.optional("job_name", |c| c.checked_text(rules::job_name));
        let execution_flag = object.optional("execution_flag", |c| c.choice());
        let settings = Settings::read(&mut object, timing);
        object.finish();
        Some(Self {
            script: script?,
            args: args.unwrap_or_default(),
            env: env.unwrap_or_default(),
            job_name,
            execution_flag: execution_flag.unwrap_or_default(),
            settings,
        })
    }
}

fn read_script(cursor: &Cursor<'_>) -> Option<String> {
    let script = cursor.checked_text(rules::script)?;
    if let Err(broken) = rules::script_ends(&script) {
        cursor.refused(&script, &broken);
    }
    Some(script)
}

fn read_env(cursor: &Cursor<'_>, names: &Names<'_>) -> Option<Environment> {
    let read: Vec<_> = cursor
        .entries()?
        .into_iter()
        .map(|(name, value)| {
            match rules::env_name(name) {
                Err(broken) => value.broken(name, &broken),
                Ok(()) => {
                    if let Err(broken) = rules::env_is_data(name) {
                        value.refused(name, &broken);
                    }
                }
            }
            Some((name.to_owned(), read_passed_on(&value, names)?))
        })
        .collect();
    read.into_iter().collect::<Option<_>>().map(Environment)
}

/// An argument or value of a variable. Messages do not show it: people do put secrets there.
fn read_passed_on(cursor: &Cursor<'_>, names: &Names<'_>) -> Option<String> {
    let text = cursor.text()?;
    if let Err(broken) = rules::passed_on(text) {
        cursor.report_hint(ProblemKind::Invalid, broken, "remove it");
        return None;
    }
    if text.len() > MAX_ARGUMENT_BYTES {
        cursor.report_hint(
            ProblemKind::OutOfRange,
            format!("has {} bytes; Linux passes at most {MAX_ARGUMENT_BYTES} to a program", text.len()),
            "put the text into a file beside the script",
        );
        return None;
    }
    let problems = template::check(text, names);
    for problem in &problems {
        cursor.report_hint(ProblemKind::Template, problem.to_string(), problem.hint(names));
    }
    problems.is_empty().then(|| text.to_owned())
}

/// Environment variables. `Debug` shows the names only: people do put secrets there.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Environment(pub BTreeMap<String, String>);

impl Environment {
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Names and values, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl JsonSchema for Environment {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Environment".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "propertyNames": { "pattern": rules::env_name_pattern() },
            "additionalProperties": { "type": "string", "pattern": rules::NO_NUL_PATTERN },
        })
    }
}
