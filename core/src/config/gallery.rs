//! A gallery of mistakes with their messages, to be read as a tired operator would. Whether the JSON Schema
//! sees a mistake too is part of each entry, and checked: what it refuses and the reader accepts, or the other
//! way round for `Sees::Both`, would be a bug.

use serde_json::{Value, json};

use super::{MAX_ITEM_BYTES, MAX_JOBS, MAX_STAGES, Workflow};
use crate::Timing;

/// Who finds a mistake.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Sees {
    /// Reader and schema.
    Both,
    /// Only the reader: a schema cannot say it.
    Reader,
}

/// An item with a single stage that holds `script`.
fn with_script(script: Value) -> Value {
    json!({ "workflow_id": "w", "workflow_stages": [{ "scripts": vec![script] }] })
}

fn with_job(field: &str, value: Value) -> Value {
    let mut job = json!({ "script": "load.sh" });
    job[field] = value;
    with_script(job)
}

fn with_sql(sql: Value, fields: &[(&str, Value)]) -> Value {
    let mut job = json!({ "job_name": "j" });
    job["sql"] = sql;
    for (field, value) in fields {
        job[*field] = value.clone();
    }
    with_script(job)
}

fn with_stage(stage: Value) -> Value {
    json!({ "workflow_id": "w", "workflow_stages": vec![stage] })
}

fn with(field: &str, value: Value) -> Value {
    let mut item = json!({ "workflow_id": "w" });
    item[field] = value;
    item
}

pub(crate) fn mistakes() -> Vec<(&'static str, Sees, Value)> {
    use Sees::{Both, Reader};
    vec![
        ("not an object", Both, json!(["w"])),
        ("empty", Both, json!({})),
        ("workflow_id is a number", Both, with("workflow_id", json!(7))),
        ("workflow_id is empty", Both, with("workflow_id", json!(""))),
        ("workflow_id has a line break", Both, with("workflow_id", json!("a\nb"))),
        ("workflow_id is a lock", Both, with("workflow_id", json!("lock#a"))),
        ("typed JSON of DynamoDB", Both, json!({ "workflow_id": { "S": "w" } })),
        ("misspelt field", Both, json!({ "workflow_id": "w", "workflow_stage": [] })),
        ("unknown field", Both, with("owner", json!("team a"))),
        ("field in the wrong place", Both, with("retries", json!(1))),
        ("strange field", Both, with("a \"b\"\n", json!(1))),
        ("stages are no list", Both, with("workflow_stages", json!({ "scripts": [] }))),
        ("stage is a text", Both, with("workflow_stages", json!(["load.sh"]))),
        (
            "misspelt type",
            Both,
            json!({ "workflow_id": "w", "workflow_stages": [{}, { "execution_type": "paralel" }] }),
        ),
        ("type in capitals", Both, with_stage(json!({ "execution_type": "PARALLEL" }))),
        ("type is null", Both, with_stage(json!({ "execution_type": null }))),
        ("flag is a boolean", Both, with_stage(json!({ "execution_flag": true }))),
        ("flag is yes", Both, with_stage(json!({ "execution_flag": "yes" }))),
        ("timeout in a stage", Both, with_stage(json!({ "timeout": "1h" }))),
        ("scripts is a text", Both, with_stage(json!({ "scripts": "load.sh" }))),
        ("script is a number", Both, with_script(json!(3))),
        ("script is missing", Both, with_script(json!({ "args": ["x"] }))),
        ("script is empty", Both, with_script(json!(""))),
        ("script leaves its directory", Both, with_script(json!("../../etc/passwd"))),
        ("script leaves it half-way", Both, with_script(json!("a/../../b.sh"))),
        ("script is absolute", Both, with_script(json!("/bin/rm"))),
        ("script is a directory", Both, with_script(json!("loads/"))),
        ("script is here", Both, with_script(json!("./."))),
        ("script with a line break", Both, with_script(json!("a.sh\nrm -rf /"))),
        ("script with a NUL", Both, with_script(json!("a.sh\u{0}"))),
        ("script is too long", Both, with_script(json!("x".repeat(1025)))),
        ("script is too long in UTF-8", Reader, with_script(json!("ü".repeat(600)))),
        ("args is a text", Both, with_job("args", json!("--full"))),
        ("args with a number", Both, with_job("args", json!(["--days", 3]))),
        ("args with a NUL", Both, with_job("args", json!(["a\u{0}b"]))),
        ("an argument no program takes", Reader, with_job("args", json!(["x".repeat(131_072)]))),
        ("env with credentials", Both, with_job("env", json!({ "HOST": "x", "RSPASSWORD": "hunter2" }))),
        ("env with our names", Both, with_job("env", json!({ "RSQLFLOW_JOB_ID": "x" }))),
        ("env with code", Both, with_job("env", json!({ "BASH_ENV": "x", "LD_PRELOAD": "x" }))),
        ("env with a strange name", Both, with_job("env", json!({ "A=B": "x", "1": "x", "": "x" }))),
        ("env with a secret number", Both, with_job("env", json!({ "PIN": 1234 }))),
        ("env is a list", Both, with_job("env", json!(["A=1"]))),
        ("job_name is empty", Both, with_job("job_name", json!(""))),
        ("job_name is too long", Both, with_job("job_name", json!("x".repeat(256)))),
        ("job_name forges a log line", Both, with_job("job_name", json!("a\r\n2026 ERROR"))),
        ("misspelt template", Reader, with_job("args", json!(["{{ dss }}"]))),
        ("unknown template", Reader, with_job("args", json!(["{{ execution_date }}"]))),
        ("filter in a template", Reader, with_job("args", json!(["{{ ds | upper }}"]))),
        ("open template", Reader, with_job("env", json!({ "DAY": "{{ ds" }))),
        ("script and sql", Both, with_job("sql", json!("select 1"))),
        ("sql without a name", Both, with_script(json!({ "sql": "select 1" }))),
        ("sql is a number", Both, with_sql(json!(1), &[])),
        ("sql is empty", Both, with_sql(json!(""), &[])),
        ("sql is only a comment", Reader, with_sql(json!(" -- nothing\n;; /* here */ "), &[])),
        ("sql has no text in a list", Both, with_sql(json!([]), &[])),
        ("sql of a list is empty", Reader, with_sql(json!(["select 1", " ; "]), &[])),
        ("sql is too long", Reader, with_sql(json!(format!("select '{}'", "x".repeat(102_400))), &[])),
        ("sql has 41 statements", Reader, with_sql(json!("select 1;".repeat(41)), &[])),
        ("sql of a list has 41 statements", Reader, with_sql(json!(vec!["select 1"; 41]), &[])),
        ("sql with a meta command", Reader, with_sql(json!("select 1;\n\\set a 1\nselect 2;"), &[])),
        ("sql with COPY from stdin", Reader, with_sql(json!("copy t from stdin;\n1\n\\.\n"), &[])),
        ("sql that is not closed", Reader, with_sql(json!("select 1;\nselect 'a"), &[])),
        ("sql with a transaction of its own", Reader, with_sql(json!("begin; select 1; commit"), &[])),
        ("sql that cannot be in a transaction", Reader, with_sql(json!(["select 1", "vacuum t"]), &[])),
        (
            "sql with a value that nobody gives",
            Reader,
            with_sql(json!(["select :ds", "select :day, 't':x, 'a:b'"]), &[]),
        ),
        ("sql with a misspelt template", Reader, with_sql(json!("select * from {{ tabel }}"), &[])),
        ("sql in a file elsewhere", Both, with_sql(json!({ "file": "../a.sql" }), &[])),
        ("sql in a path", Both, with_sql(json!({ "path": "a.sql" }), &[])),
        (
            "sql with what scripts have",
            Both,
            with_sql(
                json!("select 1"),
                &[
                    ("args", json!(["a"])),
                    ("secret", json!("s")),
                    ("target", json!({ "instance_ids": ["i-0"] })),
                    ("heartbeat", json!("5m")),
                    ("ok_exit_codes", json!([1])),
                ],
            ),
        ),
        (
            "a script with what sql has",
            Both,
            with_script(
                json!({ "script": "a.sh", "transaction": false, "log_rows": 5, "warehouse": "night" }),
            ),
        ),
        ("transaction is a text", Both, with_sql(json!("select 1"), &[("transaction", json!("no"))])),
        ("too many rows in the log", Both, with_sql(json!("select 1"), &[("log_rows", json!(1001))])),
        ("warehouse with a blank", Both, with_sql(json!("select 1"), &[("warehouse", json!("the night"))])),
        (
            "copy and unload",
            Both,
            with_script(
                json!({ "copy": { "table": "t", "from": "s3://b/a" }, "unload": { "table": "t", "to": "s3://b/a" } }),
            ),
        ),
        ("copy of nothing", Both, with_script(json!({ "copy": {} }))),
        (
            "copy of everything wrong",
            Reader,
            with_script(json!({ "copy": {
                "table": "t; drop table x", "from": "http://b/a", "columns": ["a", { "name": "b", "type": "int); drop" }, "a"],
                "create": true, "iam_role": "admin", "flags": ["TRUNCATECOLUMNS", "EVIL"], "delimiter": "\n",
            } })),
        ),
        (
            "copy with a misspelt field",
            Both,
            with_script(json!({ "copy": { "table": "t", "form": "s3://b/a" } })),
        ),
        (
            "copy of JSON with a delimiter",
            Reader,
            with_script(
                json!({ "copy": { "table": "t", "from": "s3://b/a", "format": "json", "delimiter": "|" } }),
            ),
        ),
        (
            "copy in an unknown format",
            Both,
            with_script(json!({ "copy": { "table": "t", "from": "s3://b/a", "format": "xml" } })),
        ),
        (
            "copy with an argument",
            Both,
            with_script(json!({ "copy": { "table": "t", "from": "s3://b/a" }, "args": ["a"] })),
        ),
        (
            "copy with a misspelt template",
            Reader,
            with_script(json!({ "copy": { "table": "t", "from": "s3://b/{{ dss }}" } })),
        ),
        (
            "unload of two things",
            Reader,
            with_script(json!({ "unload": { "table": "t", "query": "select 1", "to": "s3://b/a" } })),
        ),
        (
            "unload of a deletion",
            Reader,
            with_script(json!({ "unload": { "query": "delete from t", "to": "s3://b/a" } })),
        ),
        (
            "unload with a value that nobody gives",
            Reader,
            with_script(json!({ "unload": { "query": "select * from t where d = :day", "to": "s3://b/a" } })),
        ),
        ("timeout with a fraction", Both, with_job("timeout", json!(0.5))),
        ("timeout of nothing", Reader, with_job("timeout", json!(0))),
        ("timeout in weeks", Both, with_job("timeout", json!("2 weeks"))),
        ("timeout in fractions of an hour", Both, with_job("timeout", json!("1.5h"))),
        ("timeout is negative", Both, with_job("timeout", json!(-1))),
        ("timeout for ever", Reader, with_job("timeout", json!("400d"))),
        ("timeout is null", Both, with_job("timeout", Value::Null)),
        ("timeout is an object", Both, with_job("timeout", json!({ "hours": 1 }))),
        ("heartbeat is too short", Reader, with_job("heartbeat", json!("30s"))),
        ("retries with a fraction", Both, with_job("retries", json!(1.5))),
        ("retries in quotes", Both, with_job("retries", json!("3"))),
        ("retries without end", Both, with_job("retries", json!(101))),
        ("retries is negative", Both, with_job("retries", json!(-1))),
        ("backoff is too small", Both, with_job("retry_backoff", json!(0.5))),
        ("exit code is too large", Both, with_job("ok_exit_codes", json!([0, 256]))),
        ("exit code with a fraction", Both, with_job("ok_exit_codes", json!([0.5]))),
        ("exit codes are no list", Both, with_job("ok_exit_codes", json!(0))),
        ("no exit code is fine", Both, with_job("ok_exit_codes", json!([]))),
        ("misspelt on_lost", Both, with_job("on_lost", json!("re-run"))),
        ("target of nothing", Both, with_job("target", json!({}))),
        (
            "target of both",
            Both,
            with_job("target", json!({ "instance_ids": ["i-1"], "tags": { "a": "b" } })),
        ),
        ("target is a text", Both, with_job("target", json!("i-0123456789abcdef0"))),
        (
            "target is no instance",
            Both,
            with_job("target", json!({ "instance_ids": ["etl-1", "i-0; reboot"] })),
        ),
        ("target misspelt", Both, with_job("target", json!({ "tag": { "Role": "etl" } }))),
        (
            "target of six tags",
            Both,
            with_job("target", json!({ "tags": { "a": "", "b": "", "c": "", "d": "", "e": "", "f": "" } })),
        ),
        ("target of many", Both, with_job("target", json!({ "instance_ids": vec!["i-1"; 51] }))),
        ("secret with a space", Both, with_job("secret", json!("my secret"))),
        (
            "too much at once",
            Both,
            with_stage(json!({ "execution_type": "parallel", "max_concurrency": 41 })),
        ),
        ("nothing at once", Both, with_stage(json!({ "execution_type": "parallel", "max_concurrency": 0 }))),
        ("concurrency of a sequence", Reader, with_stage(json!({ "max_concurrency": 4 }))),
        ("defaults with a script", Both, with("defaults", json!({ "script": "a.sh" }))),
        ("parameter is a number", Both, with("parameters", json!({ "days": 3 }))),
        ("parameter hides a built-in name", Both, with("parameters", json!({ "ds": "x" }))),
        ("parameter with a dash", Both, with("parameters", json!({ "target-schema": "x" }))),
        ("zone is misspelt", Reader, with("time_zone", json!("Europe/Berlim"))),
        ("zone is an offset", Reader, with("time_zone", json!("+02:00"))),
        ("policy is unknown", Both, with("concurrency_policy", json!("queue"))),
        ("notify is a text", Both, with("notify", json!("me@example.org"))),
        ("notify on an unknown end", Both, with("notify", json!({ "on": ["failed"] }))),
        (
            "notify to a queue",
            Both,
            with("notify", json!({ "topic_arn": "arn:aws:sqs:eu-west-1:123456789012:x" })),
        ),
        (
            "everything at once",
            Both,
            json!({
                "workflow_stages": [
                    { "execution_type": "sequental", "scripts": ["/a.sh", { "scrip": "b.sh", "retries": "2" }] },
                    "c.sh",
                    { "execution_flag": "j", "scripts": [{ "script": "d.sh", "args": [1, "{{ day }}"] }] },
                ],
                "time_zone": 1,
                "notfy": {},
            }),
        ),
    ]
}

/// Too large to be shown with their items.
pub(crate) fn excesses() -> Vec<(&'static str, Sees, Value)> {
    vec![
        ("too many stages", Sees::Both, with("workflow_stages", json!(vec![json!({}); MAX_STAGES + 1]))),
        ("too many jobs", Sees::Reader, with_stage(json!({ "scripts": vec!["a.sh"; MAX_JOBS + 1] }))),
        ("too many bytes", Sees::Reader, with("workflow_description", json!("x".repeat(MAX_ITEM_BYTES)))),
    ]
}

/// The same with its keys in order, whatever features other crates give serde_json.
pub(crate) fn sorted(value: &Value) -> Value {
    match value {
        Value::Array(values) => values.iter().map(sorted).collect(),
        Value::Object(map) => {
            let ordered: std::collections::BTreeMap<_, _> = map.iter().collect();
            ordered.into_iter().map(|(key, value)| (key.clone(), sorted(value))).collect()
        }
        leaf => leaf.clone(),
    }
}

#[test]
fn messages() {
    let mut text = String::new();
    for (name, _, item) in mistakes().into_iter().chain(excesses()) {
        let problems = Workflow::from_json(&item, &Timing::default()).expect_err(name);
        let item = sorted(&item).to_string();
        let shown: String = item.chars().take(200).collect();
        let cut = if shown.len() < item.len() { "…" } else { "" };
        text.push_str(&format!("# {name}\n{shown}{cut}\n{problems}\n\n"));
    }
    insta::assert_snapshot!(text);
}

#[test]
fn as_json() {
    let (_, _, item) = mistakes().pop().unwrap();
    insta::assert_json_snapshot!(Workflow::from_json(&item, &Timing::default()).unwrap_err());
}
