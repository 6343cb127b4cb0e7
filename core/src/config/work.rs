//! What a job runs: a script on an instance, or SQL by the Redshift Data API, written as such or as a load or an unload.

use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::load::{Copy, Unload};
use super::reader::{Cursor, Object};
use super::{MAX_ARGUMENT_BYTES, rules};
use crate::problem::ProblemKind;
use crate::sql::{self, BindProblem, SplitProblem, Transaction};
use crate::template::{self, Names};

/// The field that says what a job runs. A job has exactly one of them.
const KINDS: [&str; 4] = ["script", "sql", "copy", "unload"];

/// Fields that only jobs of some kinds have.
const FIELDS: [(&str, &[&str]); 11] = [
    ("args", &["script"]),
    ("env", &["script"]),
    ("secret", &["script"]),
    ("target", &["script"]),
    ("heartbeat", &["script"]),
    ("linger", &["script"]),
    ("ok_exit_codes", &["script"]),
    ("on_lost", &["script"]),
    ("transaction", &["sql"]),
    ("log_rows", &["sql"]),
    ("warehouse", &["sql", "copy", "unload"]),
];

/// Most rows of a result that a log shows.
const MOST_LOG_ROWS: u32 = 1_000;

/// What a job runs.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Work {
    /// A script, on an instance.
    Script(Script),
    /// SQL, without an instance.
    Sql(Sql),
    /// A load from S3, without an instance.
    Copy {
        /// Its fields.
        copy: Copy,
    },
    /// An unload to S3, without an instance.
    Unload {
        /// Its fields.
        unload: Unload,
    },
}

/// A script with what it is given.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Script {
    /// Path below the instance's script directory; no `..`, not absolute, at most 1024 bytes.
    pub script: String,
    /// The script's arguments, passed as such, never through a shell. May hold `{{ name }}`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,
    /// Environment variables of the script. Values may hold `{{ name }}`.
    #[serde(default, skip_serializing_if = "Environment::is_empty")]
    pub env: Environment,
}

/// Statements that the Redshift Data API runs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Sql {
    /// Their text. May hold `:name` for values, and `{{ name }}` for names and dates.
    pub sql: SqlSource,
    /// Whether several statements are one transaction. Default: they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transaction: Option<bool>,
    /// How many rows of the last result the log shows, at most 1,000. Default 20.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_rows: Option<u32>,
}

/// Where the text of statements is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum SqlSource {
    /// Here: one or more statements.
    Text(String),
    /// Here, in several texts.
    List(Vec<String>),
    /// In a file. `rsqlflow` puts its text in its place when it reads a workflow.
    File {
        /// Path of the file, below the directory of scripts.
        file: String,
    },
}

impl SqlSource {
    /// The texts, or the path of the file that they are in.
    ///
    /// # Errors
    /// The path.
    pub fn texts(&self) -> Result<Vec<&str>, &str> {
        match self {
            Self::Text(text) => Ok(vec![text]),
            Self::List(texts) => Ok(texts.iter().map(String::as_str).collect()),
            Self::File { file } => Err(file),
        }
    }
}

impl Sql {
    /// How its statements are committed.
    #[must_use]
    pub fn transaction(&self) -> Transaction {
        if self.transaction.unwrap_or(true) { Transaction::One } else { Transaction::Each }
    }

    /// How many rows of the last result the log shows.
    #[must_use]
    pub fn log_rows(&self) -> u32 {
        self.log_rows.unwrap_or(20)
    }
}

impl Script {
    /// A script without arguments.
    #[must_use]
    pub fn new(script: impl Into<String>) -> Self {
        Self { script: script.into(), args: Vec::new(), env: Environment::default() }
    }
}

impl Work {
    /// The script, if it is one.
    #[must_use]
    pub const fn script(&self) -> Option<&Script> {
        match self {
            Self::Script(script) => Some(script),
            Self::Sql(_) | Self::Copy { .. } | Self::Unload { .. } => None,
        }
    }

    /// The statements of a load or an unload as they would be without parameters: none where a template decides them.
    #[must_use]
    pub fn compiled(&self) -> Vec<String> {
        let none = BTreeMap::new();
        match self {
            Self::Copy { copy } => copy.compile(&none).unwrap_or_default(),
            Self::Unload { unload } => unload.compile(&none).unwrap_or_default(),
            Self::Script(_) | Self::Sql(_) => Vec::new(),
        }
    }

    /// The name of a job that says none.
    pub(super) fn default_name(&self) -> &str {
        match self {
            Self::Script(script) => rules::file_name(&script.script),
            Self::Sql(_) => "sql",
            Self::Copy { copy } => &copy.table,
            Self::Unload { unload } => unload.table.as_deref().unwrap_or("unload"),
        }
    }

    /// Reads whatever kinds the object has, so that each of their mistakes is found.
    pub(super) fn read(cursor: &Cursor<'_>, object: &mut Object<'_>, names: &Names<'_>) -> Option<Self> {
        let given: Vec<&str> = KINDS.into_iter().filter(|kind| object.has(kind)).collect();
        let script = if given.is_empty() {
            object.required(
                "script",
                "name the script to run, or write `sql`, `copy` or `unload`",
                read_script,
            )
        } else {
            object.optional("script", read_script)
        };
        let args = object.optional("args", |c| c.list_of(|arg| read_passed_on(arg, names)));
        let env = object.optional("env", |c| read_env(c, names));
        let transaction = object.optional("transaction", Cursor::flag);
        let log_rows = object.optional("log_rows", |c| c.whole(0..=MOST_LOG_ROWS));
        let each = transaction == Some(false);
        let sql = object
            .optional("sql", |c| read_sql(c, if each { Transaction::Each } else { Transaction::One }, names));
        let copy = object.optional("copy", |c| Copy::read(c, names));
        let unload = object.optional("unload", |c| Unload::read(c, names));
        if given == ["sql"] && !object.has("job_name") {
            object.report_missing("job_name", "name the job: SQL has no file name");
        }
        match given.as_slice() {
            ["script"] => Some(Self::Script(Script {
                script: script?,
                args: args.unwrap_or_default(),
                env: env.unwrap_or_default(),
            })),
            ["sql"] => Some(Self::Sql(Sql { sql: sql?, transaction, log_rows })),
            ["copy"] => Some(Self::Copy { copy: copy? }),
            ["unload"] => Some(Self::Unload { unload: unload? }),
            [] => None,
            several => {
                cursor.report_hint(
                    ProblemKind::Conflict,
                    format!("has {}", several.join(" and ")),
                    format!("a job has exactly one of {}", KINDS.join(", ")),
                );
                None
            }
        }
    }
}

/// Reports fields that jobs of this kind do not have.
pub(super) fn refuse_fields_of_others(object: &Object<'_>) {
    let given: Vec<&str> = KINDS.into_iter().filter(|kind| object.has(kind)).collect();
    let [kind] = given.as_slice() else { return };
    for (field, of) in FIELDS.iter().filter(|(field, of)| !of.contains(kind) && object.has(field)) {
        object.report_conflict(
            field,
            format!("has no meaning for a job with `{kind}`"),
            format!("it belongs to a job with `{}`: leave it out", of.join("` or `")),
        );
    }
}

/// For the JSON Schema: a job has exactly one kind.
pub(super) fn exactly_one_kind() -> Value {
    KINDS.into_iter().map(|kind| json!({ "required": [kind] })).collect()
}

/// For the JSON Schema: what a job of a kind must have, and must not.
pub(super) fn rules_of_kinds() -> Value {
    let of_kind = |kind: &str| {
        let foreign = FIELDS.into_iter().filter(|(_, of)| !of.contains(&kind));
        let foreign: serde_json::Map<String, Value> =
            foreign.map(|(field, _)| (field.to_owned(), Value::Bool(false))).collect();
        let required: &[&str] = if kind == "sql" { &["job_name"] } else { &[] };
        json!({ "properties": foreign, "required": required })
    };
    KINDS.into_iter().map(|kind| (kind.to_owned(), of_kind(kind))).collect::<serde_json::Map<_, _>>().into()
}

pub(super) fn read_script(cursor: &Cursor<'_>) -> Option<String> {
    let script = cursor.checked_text(rules::script)?;
    if let Err(broken) = rules::script_ends(&script) {
        cursor.refused(&script, &broken);
    }
    Some(script)
}

fn read_sql(cursor: &Cursor<'_>, transaction: Transaction, names: &Names<'_>) -> Option<SqlSource> {
    match cursor.value() {
        Value::String(text) => {
            check_sql(cursor, &[(cursor, text.as_str())], transaction, names);
            Some(SqlSource::Text(text.clone()))
        }
        Value::Array(_) => {
            let list = cursor.list()?;
            let texts: Vec<Option<&str>> = list.iter().map(Cursor::text).collect();
            let texts: Vec<&str> = texts.into_iter().collect::<Option<_>>()?;
            let places: Vec<_> = list.iter().zip(texts.iter().copied()).collect();
            check_sql(cursor, &places, transaction, names);
            Some(SqlSource::List(texts.into_iter().map(str::to_owned).collect()))
        }
        Value::Object(_) => {
            let mut object = cursor.object(None)?;
            let file = object.required("file", "name the file with the SQL", read_script);
            object.finish();
            Some(SqlSource::File { file: file? })
        }
        _ => {
            cursor.report_hint(
                ProblemKind::WrongType,
                "must be SQL, a list of SQL texts, or a file",
                r#"write "insert into …", ["…", "…"] or {"file": "load.sql"}"#,
            );
            None
        }
    }
}

/// Reports what is wrong with texts of SQL, each at its place. Messages do not show the SQL.
fn check_sql(whole: &Cursor<'_>, texts: &[(&Cursor<'_>, &str)], transaction: Transaction, names: &Names<'_>) {
    let only_texts: Vec<&str> = texts.iter().map(|(_, text)| *text).collect();
    if let Err(problems) = sql::split_all(&only_texts, transaction) {
        for (place, problem) in problems {
            let at = place.and_then(|place| texts.get(place)).map_or(whole, |(cursor, _)| cursor);
            let kind = match problem {
                SplitProblem::TooLong(_) | SplitProblem::TooMany(_) => ProblemKind::OutOfRange,
                _ => ProblemKind::Invalid,
            };
            at.report_hint(kind, problem.to_string(), problem.hint());
        }
    }
    for (cursor, text) in texts {
        for problem in template::check(text, names) {
            cursor.report_hint(ProblemKind::Template, problem.to_string(), problem.hint(names));
        }
        for problem in unset(text, names) {
            cursor.report_hint(ProblemKind::Template, problem.to_string(), problem.hint());
        }
    }
}

/// Values of SQL that nobody gives.
fn unset(text: &str, names: &Names<'_>) -> Vec<BindProblem> {
    // Each statement by itself: what is a value depends on what the statement is.
    let statements = sql::split(text, Transaction::Each).unwrap_or_default();
    let used: std::collections::BTreeSet<String> =
        statements.iter().flat_map(|statement| sql::names(statement)).collect();
    used.into_iter().filter(|name| !names.contains(name)).map(BindProblem::Unset).collect()
}

/// Reports values that nobody gives in the SQL of a field.
pub(super) fn check_values(cursor: &Cursor<'_>, field: &str, text: &str, names: &Names<'_>) {
    for problem in unset(text, names) {
        let hint = problem.hint().to_owned();
        cursor.report_below(field, ProblemKind::Template, problem.to_string(), Some(hint));
    }
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

/// The fields of every kind. [`super::Job`] says which of them go together.
impl JsonSchema for Work {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Work".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let environment = generator.subschema_for::<Environment>();
        let copy = generator.subschema_for::<Copy>();
        let unload = generator.subschema_for::<Unload>();
        let text = json!({ "type": "string", "minLength": 1, "pattern": rules::NO_NUL_PATTERN });
        let path = json!({ "type": "string", "maxLength": 1024, "pattern": rules::SCRIPT_PATTERN });
        json_schema!({
            "type": "object",
            "properties": {
                "script": {
                    "description": "Path below the instance's script directory; no `..`, not absolute, at most 1024 bytes.",
                    "type": "string", "maxLength": 1024, "pattern": rules::SCRIPT_PATTERN,
                },
                "args": {
                    "description": "The script's arguments, passed as such, never through a shell. May hold `{{ name }}`.",
                    "type": "array", "items": { "type": "string", "pattern": rules::NO_NUL_PATTERN },
                },
                "env": {
                    "description": "Environment variables of the script. Values may hold `{{ name }}`.",
                    "allOf": [environment],
                },
                "sql": {
                    "description": "SQL that the Redshift Data API runs, without an instance: a text, a list of texts, or a file. At most 40 statements and 100 KB. May hold `:name` for values, and `{{ name }}` for names and dates.",
                    "anyOf": [
                        text,
                        { "type": "array", "items": text, "minItems": 1 },
                        {
                            "type": "object", "properties": { "file": path }, "required": ["file"],
                            "additionalProperties": false,
                        },
                    ],
                },
                "copy": copy,
                "unload": unload,
                "transaction": {
                    "description": "Whether several statements are one transaction. Default: they are.",
                    "type": "boolean",
                },
                "log_rows": {
                    "description": "How many rows of the last result the log shows. Default 20.",
                    "type": "integer", "minimum": 0, "maximum": MOST_LOG_ROWS,
                },
            },
        })
    }
}
