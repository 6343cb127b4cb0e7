//! Redshift's documented rules, case by case, on PostgreSQL.
//!
//! Each file of `tests/rsql/redshift` holds cases of one kind, one a line: `setup` and `sql` run in one session;
//! `want` is the rows of `sql` in text, `error` the SQLSTATE that it must end with, `says` what the message must
//! contain. `source` names the page of Amazon's documentation that has the rule.

use std::path::Path;

use serde_json::Value;

use crate::common::{Cluster, feed, rsql, text};

/// Separates values; no case holds it.
const SEPARATOR: &str = "\u{1f}";

fn lines(value: &Value) -> Vec<String> {
    match value {
        Value::String(line) => vec![line.clone()],
        Value::Array(list) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

/// What is wrong, if something is.
fn run(cluster: &Cluster, s3: &Path, case: &Value, path: Option<&str>) -> Option<String> {
    let mut script = String::new();
    if let Some(path) = path {
        script.push_str(&format!("set search_path to {path};\n"));
    }
    for line in lines(&case["setup"]).into_iter().chain(lines(&case["sql"])) {
        script.push_str(&line);
        script.push('\n');
    }
    let mut command = rsql(cluster);
    command.args(["-qtA", "-F", SEPARATOR, "--dialect", "redshift", "--s3-root"]).arg(s3);
    let output = feed(&mut command, &script);
    let (out, said) = (text(&output.stdout), text(&output.stderr));
    let rows: Vec<Vec<&str>> = out.lines().map(|line| line.split(SEPARATOR).collect()).collect();
    let wanted: Vec<Vec<&str>> = case["want"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|row| row.as_array().into_iter().flatten().filter_map(Value::as_str).collect())
        .collect();
    let right = match case["error"].as_str() {
        Some(code) => said.contains(&format!("SQLSTATE {code}")),
        None => !said.contains("ERROR") && rows == wanted,
    };
    let says = case["says"].as_str().is_none_or(|part| said.contains(part));
    (!right || !says).then(|| format!("{}: {rows:?}, wanted {case}\n{said}", case["id"]))
}

#[test]
fn documented_rules() {
    let cluster = Cluster::start();
    let s3 = cluster.path("s3");
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/rsql/redshift");
    let mut files: Vec<_> = std::fs::read_dir(&directory)
        .expect("the cases")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|e| e == "jsonl"))
        .collect();
    files.sort();
    let (mut count, mut failures) = (0, Vec::new());
    for file in &files {
        let content = std::fs::read_to_string(file).expect("a file");
        for line in content.lines().filter(|line| !line.trim().is_empty()) {
            let case: Value = serde_json::from_str(line).expect("a case");
            assert!(case["source"].is_string(), "{line} has no source");
            assert!(case["want"].is_array() != case["error"].is_string(), "{line} wants rows or an error");
            count += 1;
            failures.extend(run(&cluster, &s3, &case, None));
        }
    }
    assert!(failures.is_empty(), "{} of {count} differ\n{}", failures.len(), failures.join("\n"));
    assert!(count >= CASES, "only {count} cases");
}

/// At least so many, so that no file is lost.
const CASES: usize = 895;

/// The rules of the schema hold whatever a script makes of the search path.
#[test]
fn search_paths() {
    let cluster = Cluster::start();
    let s3 = cluster.path("s3");
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/rsql/redshift/types.jsonl");
    let content = std::fs::read_to_string(file).expect("a file");
    let mut failures = Vec::new();
    for path in ["public", "pg_catalog, public", "public, pg_catalog", "default", "'$user', public"] {
        for line in content.lines() {
            let case: Value = serde_json::from_str(line).expect("a case");
            failures.extend(run(&cluster, &s3, &case, Some(path)));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// The schema can be removed, and comes back with the next session.
#[test]
fn the_schema_is_removable() {
    let cluster = Cluster::start();
    let average = |dialect: &str| {
        let mut command = rsql(&cluster);
        command.args(["-qtA", "--dialect", dialect, "-c", "select avg(n) from (values (3), (4)) q(n)"]);
        text(&feed(&mut command, "").stdout)
    };
    assert_eq!(average("redshift"), "3\n");
    assert_eq!(average("postgres"), "3.5000000000000000\n");
    let removed = feed(cluster.psql().args(["-qc", "drop schema redshift cascade"]), "");
    assert!(removed.status.success(), "{}", text(&removed.stderr));
    assert_eq!(average("redshift"), "3\n");
    // Somebody else's schema of this name is left alone, and that is said.
    let other = "drop schema redshift cascade; create schema redshift; create table redshift.mine (a int)";
    assert!(feed(cluster.psql().args(["-qc", other]), "").status.success());
    let mut command = rsql(&cluster);
    let output = feed(command.args(["-qtA", "--dialect", "redshift", "-c", "select 1"]), "");
    assert_eq!(text(&output.stdout), "1\n");
    assert!(text(&output.stderr).contains("which rsql did not create"), "{}", text(&output.stderr));
}
