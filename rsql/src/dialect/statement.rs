//! From a statement to what is done for it.

use std::fmt;
use std::path::Path;
use std::rc::Rc;

use super::depth::{self, Level};
use super::expression::{Cursor, raw, rewrite};
use super::scope::{self, Catalogue};
use super::{CopyFrom, DialectError, Unload, access, copy, names, routine, semi, setting, table, unload};
use crate::lexer::token::{Token, tokens};

/// Session settings of Redshift that have no meaning elsewhere; their values are kept for SHOW.
const SETTINGS: &[&str] = &[
    "query_group",
    "wlm_query_slot_count",
    "enable_result_cache_for_session",
    "enable_case_sensitive_identifier",
    "enable_case_sensitive_super_attribute",
    "enable_numeric_rounding",
    "error_on_nondeterministic_update",
    "describe_field_name_in_uppercase",
    "downcase_delimited_identifier",
    "json_serialization_enable",
    "json_serialization_parse_nested_strings",
    "max_concurrency_scaling_clusters",
    "max_cursor_result_set_size",
    "mv_enable_aqmv_for_session",
    "navigate_super_null_on_error",
    "parse_super_null_on_error",
    "spectrum_enable_pseudo_columns",
    "stored_proc_log_min_messages",
    "use_fips_ssl",
    "analyze_threshold_percent",
    "auto_analyze",
    "cast_super_null_on_error",
    "default_geometry_encoding",
    "datashare_break_glass_session_var",
    "enable_spectrum_oid",
    "enable_vacuum_boost",
    "interval_forbid_composite_literals",
    "json_parse_dedup_attributes",
    "json_parse_truncate_strings",
    "json_serialization_parse_nested_strings",
    "mv_enable_aqmv_for_session",
    "navigate_super_null_on_error",
    "pg_federation_repeatable_read",
    "spectrum_query_maxerror",
    "sql_syntax_compatibility",
    "statement_timeout_for_superuser",
    "wlm_json_configuration",
];

/// Whether a statement sets that names in quotes keep their case, and to what.
pub(crate) fn sets_case_sensitive(sql: &str) -> Option<bool> {
    const NAME: &str = "enable_case_sensitive_identifier";
    // Most statements need not be read for that.
    sql.get(..3).filter(|verb| verb.eq_ignore_ascii_case("set") || verb.eq_ignore_ascii_case("res"))?;
    let all = tokens(sql, false);
    let words: Vec<&Token> = all.iter().filter(|t| !t.is_quiet() && !t.is_symbol(";")).collect();
    match words.as_slice() {
        [set, name, .., value] if set.is("set") && name.is(NAME) => {
            let value = value.string().unwrap_or_else(|| value.text.clone());
            Some(["true", "on", "1", "yes"].iter().any(|on| value.eq_ignore_ascii_case(on)))
        }
        [reset, name] if reset.is("reset") && (name.is(NAME) || name.is("all")) => Some(false),
        _ => None,
    }
}

/// What is done for a statement.
#[derive(Debug)]
pub enum Step {
    /// This is sent.
    Sql(String),
    /// Nothing is sent; the statement counts as done with this tag.
    Done(String),
    /// Files are loaded.
    CopyFrom(Box<CopyFrom>),
    /// Files are written.
    Unload(Box<Unload>),
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sql(sql) => f.write_str(sql),
            Self::Done(tag) => write!(f, "-- {tag}: nothing to send"),
            Self::CopyFrom(copy) => f.write_str(&copy.shown()),
            Self::Unload(unload) => write!(f, "{} -- to {}", unload.statement, unload.to),
        }
    }
}

/// Translates what a script sends, which under `-c` may be several statements.
///
/// # Errors
/// If something in it has no counterpart.
pub fn translate(sql: &str, s3_root: Option<&Path>) -> Result<Vec<Step>, DialectError> {
    translate_statements(sql, s3_root)
}

/// Translates as [`translate`] does, with a catalogue that knows the columns of tables.
///
/// # Errors
/// If something in it has no counterpart.
pub fn translate_with(
    sql: &str,
    s3_root: Option<&Path>,
    catalogue: Rc<dyn Catalogue>,
) -> Result<Vec<Step>, DialectError> {
    let _scope = scope::With::catalogue(catalogue);
    translate_statements(sql, s3_root)
}

fn translate_statements(sql: &str, s3_root: Option<&Path>) -> Result<Vec<Step>, DialectError> {
    let all = scope::read(sql);
    // Before anything else: what looks for the end of each group would look far in what is nested so deeply.
    depth::check(&all)?;
    let mut steps = Vec::new();
    let mut changed = false;
    for statement in split(&all) {
        let from = statement.first().map_or(0, |t| t.start);
        let original = sql.get(from..statement.last().map_or(from, Token::end)).unwrap_or_default();
        match one(statement, s3_root)? {
            Step::Sql(sql) => {
                changed |= sql != original;
                steps.push(Step::Sql(sql));
            }
            other => {
                changed = true;
                steps.push(other);
            }
        }
    }
    Ok(if changed { steps } else { vec![Step::Sql(sql.to_owned())] })
}

/// The statements, each with its semicolon. Function bodies of SQL's own kind are left whole.
fn split(all: &[Token]) -> Vec<&[Token]> {
    if all.iter().any(|t| t.is("atomic")) {
        return vec![all];
    }
    let mut parts = Vec::new();
    let (mut start, mut depth) = (0, 0_i32);
    for (index, token) in all.iter().enumerate() {
        depth += i32::from(token.is_symbol("(")) - i32::from(token.is_symbol(")"));
        if depth <= 0 && token.is_symbol(";") {
            parts.push(&all[start..=index]);
            start = index + 1;
        }
    }
    if all[start..].iter().any(|t| !t.is_quiet()) || parts.is_empty() {
        parts.push(&all[start..]);
    }
    parts
}

/// What is done for one statement.
///
/// # Errors
/// If something in it has no counterpart.
pub(super) fn one(statement: &[Token], s3_root: Option<&Path>) -> Result<Step, DialectError> {
    let _level = Level::enter()?;
    let words: Vec<String> =
        statement.iter().filter(|t| !t.is_quiet()).take(8).map(|t| t.text.to_ascii_lowercase()).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["copy", ..] if copy::is_from_s3(statement) => {
            Ok(Step::CopyFrom(Box::new(copy::parse(statement, s3_root)?)))
        }
        ["unload", ..] => Ok(Step::Unload(Box::new(unload::parse(statement, s3_root)?))),
        ["set", "session" | "local", name, ..] | ["set" | "reset", name, ..] if SETTINGS.contains(name) => {
            Ok(Step::Sql(setting::kept(statement, name)))
        }
        ["set" | "reset", "query", "_", ..] => Ok(Step::Done("SET".into())),
        ["set", "search_path", ..] | ["set", "session" | "local", "search_path", ..] => {
            Ok(Step::Sql(setting::search_path(statement)?))
        }
        ["reset", "search_path" | "all", ..] | ["discard", "all", ..] => {
            Ok(Step::Sql(setting::reset(words[1])))
        }
        ["show", name, ..] if SETTINGS.contains(name) => {
            Ok(Step::Sql(format!("SELECT redshift.kept_setting('{name}') AS {name}")))
        }
        ["show", "search_path", ..] => Ok(Step::Sql("SELECT redshift.search_path() AS search_path".into())),
        ["vacuum", ..] => vacuum(statement),
        ["delete", name, ..] if *name != "from" => {
            // FROM is optional.
            let at = statement.iter().position(|t| t.is("delete")).map_or(0, |at| at + 1);
            let mut all = statement[..at].to_vec();
            all.extend(tokens(" FROM", false));
            all.extend_from_slice(&statement[at..]);
            Ok(Step::Sql(rewrite(&all)?))
        }
        ["grant" | "revoke", ..] | ["alter", "default", ..] => Ok(Step::Sql(access::grant(statement)?)),
        ["create" | "alter", "user" | "role", ..] | ["drop", "role", ..] => Ok(access::user(statement)?
            .map_or_else(|| Step::Done(format!("{} ROLE", words[0].to_ascii_uppercase())), Step::Sql)),
        ["create" | "alter" | "drop", "database" | "schema", ..] => {
            let tag = || Step::Done(format!("{} {}", words[0], words[1]).to_ascii_uppercase());
            Ok(access::database(statement, &words)?.map_or_else(tag, Step::Sql))
        }
        ["set", "timezone", "interval", ..] | ["set", "timezone", "to" | "=", "interval", ..] => {
            Ok(Step::Sql(access::time_zone(statement).unwrap_or_else(|| raw(statement))))
        }
        ["analyze" | "analyse", "compression", ..] => Err(DialectError::unsupported("ANALYZE COMPRESSION")),
        ["analyze" | "analyse", .., "columns"] | ["analyze" | "analyse", .., "columns", ";"] => {
            analyze(statement)
        }
        ["create", "external", what, ..] => {
            Err(DialectError::unsupported(format!("CREATE EXTERNAL {}", what.to_ascii_uppercase())))
        }
        _ if names::refused_statement(&words).is_some() => {
            Err(DialectError::unsupported(names::refused_statement(&words).unwrap_or_default()))
        }
        ["create", "table", ..]
        | ["create", "temp" | "temporary" | "local" | "global" | "unlogged", ..]
        | ["create", "materialized", ..] => Ok(Step::Sql(table::create(statement)?)),
        ["create", "or", "replace", "view", ..] | ["create", "view", ..] => view(statement),
        ["alter", "table", ..] => alter(statement),
        ["alter", "materialized", "view", ..] if statement.iter().any(|t| t.is("refresh")) => {
            match statement.iter().any(|t| t.is("no")) {
                true => Ok(Step::Done("ALTER MATERIALIZED VIEW".into())),
                false => Err(DialectError::unsupported("AUTO REFRESH YES")),
            }
        }
        ["alter", "materialized", "view", ..] => alter(statement),
        ["create", "or", "replace", "external", what, ..] => {
            Err(DialectError::unsupported(format!("CREATE EXTERNAL {}", what.to_ascii_uppercase())))
        }
        ["create", "or", "replace", "function" | "procedure", ..]
        | ["create", "function" | "procedure", ..] => Ok(Step::Sql(routine::create(statement)?)),
        ["merge", ..] if statement.iter().any(|t| t.is("duplicates")) => {
            Err(DialectError::unsupported("MERGE … REMOVE DUPLICATES"))
        }
        ["insert", "into", ..] if !hierarchical(statement) => {
            let changed = semi::insert(statement);
            Ok(Step::Sql(rewrite(changed.as_deref().unwrap_or(statement))?))
        }
        _ if hierarchical(statement) => Err(DialectError::unsupported("CONNECT BY")),
        _ => Ok(Step::Sql(rewrite(statement)?)),
    }
}

/// Whether a query asks for a hierarchy.
fn hierarchical(statement: &[Token]) -> bool {
    let loud: Vec<&Token> = statement.iter().filter(|t| !t.is_quiet()).collect();
    loud.windows(2).any(|w| w[0].is("connect") && w[1].is("by"))
}

/// Redshift's kinds of VACUUM are all PostgreSQL's plain one.
fn vacuum(statement: &[Token]) -> Result<Step, DialectError> {
    let mut cursor = Cursor::new(statement);
    cursor.word("vacuum");
    let mut kinds = ["full", "sort", "delete", "reindex", "recluster", "only"].iter();
    while kinds.clone().any(|k| cursor.word(k)) {
        if kinds.len() == 0 {
            kinds = ["only"].iter();
        }
    }
    let mut name = String::new();
    while let Some(token) = cursor.peek() {
        if token.is("to") || token.is("boost") || token.is_symbol(";") {
            break;
        }
        name.push_str(&rewrite(std::slice::from_ref(token))?);
        cursor.next();
    }
    Ok(Step::Sql(format!("VACUUM {name}").trim().to_owned()))
}

/// ANALYZE … PREDICATE COLUMNS, ANALYZE … ALL COLUMNS.
fn analyze(statement: &[Token]) -> Result<Step, DialectError> {
    let end = statement.iter().position(|t| t.is("predicate") || t.is("all")).unwrap_or(statement.len());
    Ok(Step::Sql(rewrite(&statement[..end])?.trim_end().to_owned()))
}

/// A late-binding view becomes a plain one.
fn view(statement: &[Token]) -> Result<Step, DialectError> {
    let loud: Vec<&Token> = statement.iter().filter(|t| !t.is_quiet() && !t.is_symbol(";")).collect();
    if let [.., with, no, schema, binding] = loud.as_slice()
        && with.is("with")
        && no.is("no")
        && schema.is("schema")
        && binding.is("binding")
    {
        let end = statement.iter().position(|t| t.start == with.start).unwrap_or(statement.len());
        return Ok(Step::Sql(rewrite(&statement[..end])?));
    }
    Ok(Step::Sql(rewrite(statement)?))
}

fn alter(statement: &[Token]) -> Result<Step, DialectError> {
    let loud: Vec<&Token> = statement.iter().filter(|t| !t.is_quiet()).collect();
    let physical = |t: &&Token| ["distkey", "diststyle", "sortkey", "encode"].iter().any(|w| t.is(w));
    if loud.windows(2).any(|w| w[0].is("alter") && (physical(&w[1]) || w[1].is("compound"))) {
        return Ok(Step::Done("ALTER TABLE".into()));
    }
    // ALTER TABLE … ALTER COLUMN c ENCODE x.
    if loud.iter().any(|t| t.is("column"))
        && loud.iter().any(|t| t.is("encode"))
        && !loud.iter().any(|t| t.is("add"))
    {
        return Ok(Step::Done("ALTER TABLE".into()));
    }
    if let Some(what) = external(&loud) {
        return Err(DialectError::unsupported(format!("ALTER TABLE … {what}")));
    }
    if loud.iter().any(|t| t.is("append")) {
        return Err(DialectError::unsupported("ALTER TABLE … APPEND"));
    }
    Ok(Step::Sql(table::column_attributes(statement)?))
}

/// What ALTER TABLE does to tables of Redshift alone.
fn external(loud: &[&Token]) -> Option<&'static str> {
    const FORMS: [(&[&str], &str); 9] = [
        (&["set", "location"], "SET LOCATION"),
        (&["set", "file", "format"], "SET FILE FORMAT"),
        (&["set", "table", "properties"], "SET TABLE PROPERTIES"),
        (&["add", "partition"], "ADD PARTITION"),
        (&["add", "if", "not", "exists", "partition"], "ADD PARTITION"),
        (&["drop", "partition"], "DROP PARTITION"),
        (&["partition", "("], "PARTITION"),
        (&["row", "level", "security", "on"], "ROW LEVEL SECURITY"),
        (&["row", "level", "security", "off"], "ROW LEVEL SECURITY"),
    ];
    let starts = |at: usize, form: &[&str]| {
        form.iter().enumerate().all(|(i, w)| loud.get(at + i).is_some_and(|t| t.is(w) || t.is_symbol(w)))
    };
    (0..loud.len()).find_map(|at| FORMS.iter().find(|(form, _)| starts(at, form)).map(|(_, name)| *name))
}
