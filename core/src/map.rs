//! Jobs from data: one template of a job and a list of entries become one job each.
//!
//! `{{ t.name }}` in a text of the template is a field of the entry, where `t` is the name that the map gives its
//! entries. A text that is nothing but one such place becomes the field itself, a list or an object too; within other
//! text a field must be a text, a number or a boolean. Everything else, `{{ ds }}` and `:name` too, stays as it is and
//! means what it means in any job. What is put in is not read again.

use serde_json::Value;

use crate::problem::{Problem, ProblemKind, did_you_mean};

/// Largest manifest in bytes.
pub const MOST_BYTES: usize = 1024 * 1024;

/// Most entries of a manifest: as many as a workflow may have jobs.
pub const MOST_ENTRIES: usize = 10_000;

/// Fields of a job whose texts are SQL. Only names, numbers and dates are put into them.
const SQL: [&str; 4] = ["sql", "query", "where", "columns"];

/// One job for each entry of `manifest`, in its order. `place` is where the manifest comes from, and `job_place` where
/// the template stands, as paths in problems.
///
/// # Errors
/// Every problem, each with its place.
pub fn expand(
    template: &Value,
    name: &str,
    manifest: &Value,
    place: &str,
    job_place: &str,
) -> Result<Vec<Value>, Vec<Problem>> {
    let mut problems = Vec::new();
    let is_name = |text: &str| {
        text.bytes().next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    };
    if !is_name(name) {
        return Err(vec![Problem::new(
            format!("{job_place}.as"),
            ProblemKind::Invalid,
            "must be a name of letters, digits and _ that does not begin with a digit",
        )]);
    }
    let Some(entries) = manifest.as_array() else {
        return Err(vec![
            Problem::new(place, ProblemKind::WrongType, "must be a list of objects")
                .hint(r#"write [{"table": "orders"}, …]"#),
        ]);
    };
    if entries.len() > MOST_ENTRIES {
        problems.push(
            Problem::new(
                place,
                ProblemKind::OutOfRange,
                format!("has {} entries; the maximum is {MOST_ENTRIES}", entries.len()),
            )
            .hint("split it into several workflows"),
        );
        return Err(problems);
    }
    let mut jobs = Vec::with_capacity(entries.len());
    for (i, entry) in entries.iter().enumerate() {
        let place = format!("{place}[{i}]");
        if !entry.is_object() {
            problems.push(Problem::new(place, ProblemKind::WrongType, "must be an object"));
            continue;
        }
        let mut filler = Filler { name, entry, place: &place, problems: &mut problems };
        jobs.push(filler.fill(template, &format!("{job_place}.job"), false));
    }
    if problems.is_empty() { Ok(jobs) } else { Err(problems) }
}

struct Filler<'a> {
    name: &'a str,
    entry: &'a Value,
    place: &'a str,
    problems: &'a mut Vec<Problem>,
}

impl Filler<'_> {
    fn fill(&mut self, value: &Value, at: &str, is_sql: bool) -> Value {
        match value {
            Value::String(text) => self.fill_text(text, at, is_sql),
            Value::Array(list) => {
                let filled =
                    list.iter().enumerate().map(|(i, one)| self.fill(one, &format!("{at}[{i}]"), is_sql));
                Value::Array(filled.collect())
            }
            Value::Object(object) => {
                let filled = object.iter().map(|(key, one)| {
                    let is_sql = is_sql || SQL.contains(&key.as_str());
                    (key.clone(), self.fill(one, &format!("{at}.{key}"), is_sql))
                });
                Value::Object(filled.collect())
            }
            other => other.clone(),
        }
    }

    fn fill_text(&mut self, text: &str, at: &str, is_sql: bool) -> Value {
        let mut filled = String::new();
        let mut rest = text;
        while let Some(open) = rest.find("{{") {
            filled.push_str(&rest[..open]);
            rest = &rest[open..];
            if rest.starts_with("{{{{") {
                // Stays, for whoever reads the text next.
                filled.push_str("{{{{");
                rest = &rest[4..];
                continue;
            }
            let Some(close) = rest.find("}}") else { break };
            let (whole, after) = rest.split_at(close + 2);
            rest = after;
            let path = whole[2..close].trim();
            let Some(field) = path.strip_prefix(self.name).and_then(|path| path.strip_prefix('.')) else {
                filled.push_str(whole);
                continue;
            };
            let Some(found) = self.find(field, at) else { continue };
            if filled.is_empty() && rest.is_empty() && whole.len() == text.len() && !found.is_string() {
                return found;
            }
            match shown(&found) {
                Some(shown) if is_sql && !is_plain(&shown) => self.report(
                    at,
                    ProblemKind::Invalid,
                    &format!(
                        "puts {{{{ {}.{field} }}}} into SQL, where only letters, digits, and _ . : / - are allowed",
                        self.name
                    ),
                    "rename it in the manifest",
                ),
                // Braces in data are no places.
                Some(shown) => filled.push_str(&shown.replace("{{", "{{{{")),
                None => self.report(
                    at,
                    ProblemKind::WrongType,
                    &format!("puts {{{{ {}.{field} }}}} into a string, but it is not a string, a number or a boolean", self.name),
                    "use it alone in this field",
                ),
            }
        }
        filled.push_str(rest);
        Value::String(filled)
    }

    /// The field of the entry, or of an object in it: `a.b`.
    fn find(&mut self, path: &str, at: &str) -> Option<Value> {
        let mut here = self.entry;
        for key in path.split('.') {
            match here.get(key) {
                Some(found) => here = found,
                None => {
                    let known = here.as_object().map(|object| object.keys().map(String::as_str).collect());
                    let known: Vec<&str> = known.unwrap_or_default();
                    let hint = did_you_mean(key, known.iter().copied()).map_or_else(
                        || "add it to the manifest".to_owned(),
                        |near| format!("did you mean {near:?}?"),
                    );
                    self.report(
                        at,
                        ProblemKind::Missing,
                        &format!("uses {path:?}, which the entry does not have"),
                        &hint,
                    );
                    return None;
                }
            }
        }
        Some(here.clone())
    }

    fn report(&mut self, at: &str, kind: ProblemKind, message: &str, hint: &str) {
        let problem = Problem::new(self.place, kind, format!("{at} {message}")).hint(hint);
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }
}

fn shown(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn is_plain(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.:/-".contains(&b)) && !text.contains("--")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn expanded(job: &Value, manifest: &Value) -> Result<Vec<Value>, Vec<Problem>> {
        expand(job, "t", manifest, "tables.json", "workflow_stages[0].scripts[0]")
    }

    #[test]
    fn an_entry_is_a_job() {
        let job = json!({
            "job_name": "load {{ t.table }} of {{ ds }}",
            "copy": { "table": "{{t.schema}}.{{ t.table }}", "columns": "{{ t.columns }}", "from": "{{ t.files.uri }}" },
            "retries": 2, "args": ["{{{{ t.table }}", "{{ t.rows }} rows"],
        });
        let manifest = json!([
            { "schema": "s", "table": "a", "columns": ["x", { "name": "y", "type": "int" }], "files": { "uri": "s3://b/a" }, "rows": 5 },
            { "schema": "s", "table": "b", "columns": [], "files": { "uri": "s3://b/{{b}}" }, "rows": true },
        ]);
        let jobs = expanded(&job, &manifest).unwrap();
        assert_eq!(jobs.len(), 2);
        assert_eq!(
            jobs[0],
            json!({
                "job_name": "load a of {{ ds }}",
                "copy": { "table": "s.a", "columns": ["x", { "name": "y", "type": "int" }], "from": "s3://b/a" },
                "retries": 2, "args": ["{{{{ t.table }}", "5 rows"],
            })
        );
        assert_eq!(jobs[1]["copy"]["from"], "s3://b/{{{{b}}", "braces of data are no places");
        assert_eq!(jobs[1]["args"][1], "true rows");
    }

    #[test]
    fn every_problem_has_its_place() {
        let job = json!({ "sql": "select * from {{ t.table }}", "job_name": "{{ t.tabel }} {{ t.list }}" });
        let manifest = json!([
            { "table": "x; drop table y", "list": [1] },
            7,
            { "tabel": "a", "list": "b", "table": "ok" },
        ]);
        let problems = expanded(&job, &manifest).unwrap_err();
        let shown: Vec<String> = problems.iter().map(|p| format!("{}: {}", p.path, p.message)).collect();
        assert_eq!(shown.len(), 4, "{shown:#?}");
        assert!(problems.iter().any(|p| p.path == "tables.json[1]"));
        assert!(
            shown.iter().any(|p| p.starts_with("tables.json[0]: workflow_stages[0].scripts[0].job.sql puts"))
        );
        assert!(shown.iter().any(|p| p.contains("\"tabel\"")) && !shown.iter().any(|p| p.contains("drop")));
        assert!(expanded(&job, &json!({ "a": 1 })).is_err());
        assert!(expand(&job, "1t", &json!([]), "m", "j").is_err());
        assert_eq!(expanded(&job, &json!([])).unwrap(), Vec::<Value>::new());
        let many = Value::Array(vec![json!({}); MOST_ENTRIES + 1]);
        assert_eq!(expanded(&job, &many).unwrap_err().len(), 1);
    }

    proptest! {
        /// Data stays data: what a field holds is there afterwards as text that no template reads as a place.
        #[test]
        fn data_is_not_read_again(value in "[a-z{} .]{0,20}") {
            let jobs = expanded(&json!({ "args": ["x{{ t.v }}y"] }), &json!([{ "v": value }])).unwrap();
            let text = jobs[0]["args"][0].as_str().unwrap();
            // As `template::render` reads it, four braces stand for two.
            let braces = value.matches("{{").count();
            prop_assert_eq!(text.matches("{{{{").count() >= braces, true);
            prop_assert_eq!(text.replace("{{{{", "{{"), format!("x{value}y"));
        }

        #[test]
        fn nothing_makes_it_panic(text in "[t.{} a-z]{0,30}") {
            let _ = expanded(&json!({ "sql": text }), &json!([{ "a": "b" }]));
        }
    }
}
