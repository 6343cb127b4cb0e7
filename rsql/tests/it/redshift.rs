//! Redshift's documented rules, one file a kind: `tests/rsql/redshift/*.case`.
//!
//! A case begins with `=== name | source of the rule`. Its sections begin with `---`:
//!
//! - `--- file BUCKET/KEY`: a file of S3; `\xHH` is a byte, `\\` a backslash, and a `\` at the end of the section takes
//!   the last line break away;
//! - `--- sql`: the script, which runs on an empty schema `public` with `-q -A -t`;
//! - `--- want`: what standard output must be;
//! - `--- error CODE`: a statement must fail with this SQLSTATE, and standard error must hold the section's lines. A
//!   case without this section must not fail;
//! - `--- stderr`: standard error must hold these lines;
//! - `--- strict`: the script runs with `--strict`;
//! - `--- check NAME [ARGUMENTS]`: `rsql check` of the script under this name prints these lines, without the file's
//!   name, which is `FILE` elsewhere in a line. Such a case does not run.

use std::path::Path;

use crate::common::{Cluster, feed, rsql, text};

const EMPTY: &str = "do $$ declare name text; begin
    for name in select nspname from pg_namespace
        where nspname !~ '^pg_' and nspname not in ('information_schema', 'redshift') loop
        execute format('drop schema %I cascade', name);
    end loop;
    create schema public;
end $$";

#[derive(Default)]
struct Case {
    name: String,
    files: Vec<(String, Vec<u8>)>,
    sql: String,
    want: Option<String>,
    error: Option<(String, String)>,
    stderr: String,
    strict: bool,
    check: Option<(String, String)>,
}

fn unescaped(content: &str) -> Vec<u8> {
    let content = content.strip_suffix("\\\n").unwrap_or(content);
    let mut bytes = Vec::new();
    let mut rest = content;
    while let Some(at) = rest.find('\\') {
        bytes.extend_from_slice(&rest.as_bytes()[..at]);
        rest = &rest[at + 1..];
        if let Some(hex) = rest.strip_prefix('x').and_then(|r| r.get(..2)) {
            bytes.push(u8::from_str_radix(hex, 16).expect("two hexadecimal digits"));
            rest = &rest[3..];
        } else {
            bytes.push(b'\\');
            rest = rest.strip_prefix('\\').unwrap_or(rest);
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    bytes
}

fn cases(file: &str, content: &str) -> Vec<Case> {
    let mut all = Vec::new();
    for block in format!("\n{content}").split("\n=== ").skip(1) {
        let mut sections = block.split("\n--- ");
        let title = sections.next().unwrap_or_default();
        let (name, source) =
            title.split_once(" | ").unwrap_or_else(|| panic!("{file}: \"{title}\" has no source"));
        assert!(!source.trim().is_empty(), "{file}: \"{name}\" has no source");
        let mut case = Case { name: format!("{file}: {name}"), ..Case::default() };
        for section in sections {
            let (head, body) = section.split_once('\n').unwrap_or((section, ""));
            let body =
                if body.is_empty() || body.ends_with('\n') { body.to_owned() } else { format!("{body}\n") };
            let (kind, rest) = head.split_once(' ').unwrap_or((head, ""));
            match kind {
                "file" => case.files.push((rest.to_owned(), unescaped(&body))),
                "sql" => case.sql = body,
                "want" => case.want = Some(body),
                "error" => case.error = Some((rest.to_owned(), body)),
                "stderr" => case.stderr = body,
                "strict" => case.strict = true,
                "check" => case.check = Some((rest.to_owned(), body)),
                other => panic!("{}: there is no section \"{other}\"", case.name),
            }
        }
        assert!(
            case.want.is_some() || case.error.is_some() || case.check.is_some(),
            "{}: nothing is expected",
            case.name
        );
        all.push(case);
    }
    all
}

fn missing(case: &Case, lines: &str, stderr: &str) -> Vec<String> {
    let missing = lines.lines().filter(|line| !line.trim().is_empty() && !stderr.contains(line.trim()));
    missing.map(|line| format!("{}: standard error lacks \"{line}\":\n{stderr}", case.name)).collect()
}

fn check(case: &Case, directory: &Path, arguments: &str, expected: &str) -> Vec<String> {
    let mut words = arguments.split_whitespace();
    let name = words.next().expect("a file's name");
    let file = directory.join(name);
    std::fs::write(&file, unescaped(&case.sql)).expect("a script");
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_rsql"));
    let output = feed(command.arg("check").args(words).arg(&file), "");
    // A finding begins with the file's name; elsewhere it stands as FILE.
    let path = file.display().to_string();
    let prefix = format!("{path}:");
    let found: String =
        text(&output.stdout).lines().map(|l| format!("{}\n", l.strip_prefix(&prefix).unwrap_or(l))).collect();
    let found = found.replace(&path, "FILE");
    if found == expected {
        Vec::new()
    } else {
        vec![format!("{}\nwant:\n{expected}found:\n{found}{}", case.name, text(&output.stderr))]
    }
}

fn run(case: &Case, cluster: &Cluster, s3: &Path) -> Vec<String> {
    if let Some((arguments, expected)) = &case.check {
        return check(case, s3, arguments, expected);
    }
    let emptied = feed(cluster.psql().args(["-qc", EMPTY]), "");
    assert!(emptied.status.success(), "{}", text(&emptied.stderr));
    for (key, content) in &case.files {
        let path = s3.join(key);
        std::fs::create_dir_all(path.parent().expect("a bucket")).expect("a directory");
        std::fs::write(path, content).expect("a file");
    }
    let mut command = rsql(cluster);
    command.args(["-q", "-A", "-t", "--s3-root"]).arg(s3).env("S3", s3);
    if case.strict {
        command.arg("--strict");
    }
    let output = feed(&mut command, &case.sql);
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    let mut failures = Vec::new();
    if let Some(want) = &case.want
        && stdout != *want
    {
        failures.push(format!("{}\nwant:\n{want}found:\n{stdout}stderr:\n{stderr}", case.name));
    }
    match &case.error {
        Some((code, lines)) => {
            if !stderr.contains(&format!("SQLSTATE {code} ")) {
                failures.push(format!("{}: no SQLSTATE {code}:\n{stdout}{stderr}", case.name));
            }
            failures.extend(missing(case, lines, &stderr));
        }
        None if stderr.contains("SQLSTATE ") => failures.push(format!("{}: failed:\n{stderr}", case.name)),
        None => {}
    }
    failures.extend(missing(case, &case.stderr, &stderr));
    failures
}

#[test]
fn documented_rules() {
    let cluster = Cluster::start();
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/rsql/redshift");
    let mut files: Vec<_> = std::fs::read_dir(directory)
        .expect("the cases")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|e| e == "case"))
        .collect();
    files.sort();
    let only = std::env::var("RSQL_CASES").unwrap_or_default();
    let (mut failures, mut count) = (Vec::new(), 0);
    for file in &files {
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let content = std::fs::read_to_string(file).expect("cases");
        for case in cases(&name, &content).iter().filter(|case| case.name.contains(&only)) {
            count += 1;
            let s3 = cluster.path("s3");
            std::fs::create_dir_all(&s3).expect("a directory");
            failures.extend(run(case, &cluster, &s3));
            std::fs::remove_dir_all(&s3).expect("removed");
        }
    }
    assert!(count > 0, "no case is called \"{only}\"");
    assert!(failures.is_empty(), "{} failures in {count} cases\n\n{}", failures.len(), failures.join("\n\n"));
}

/// Queries as users of Redshift write them run here, and a survey of them says so.
#[test]
fn queries_in_the_style_of_tpc() {
    let cluster = Cluster::start();
    for name in ["queries.sql", "tpch.sql"] {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/rsql").join(name);
        let ran = feed(rsql(&cluster).args(["-q", "-A", "-t", "--strict", "-f"]).arg(&file), "");
        assert_eq!(text(&ran.stderr), "", "{name}: {}", text(&ran.stdout));
        assert!(text(&ran.stdout).lines().count() > 35, "{name}: {}", text(&ran.stdout));
    }
}

/// No statement of the repository's own scripts would end in an error that does not name the cause.
#[test]
fn surveys_mislead_nobody() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let survey = |folder: &Path| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_rsql"));
        text(&feed(command.args(["check", "--survey", "--output=json"]).arg(folder), "").stdout)
    };
    for folder in ["examples", "tests", "cli", "agent"] {
        let report = survey(&root.join(folder));
        assert!(report.contains("\"misleads\":{\"statements\":0,"), "{folder}: {report}");
    }
    let report = survey(&root.join("tests/rsql"));
    for class in ["refused", "postgres_only"] {
        assert!(report.contains(&format!("\"{class}\":{{\"statements\":0,")), "{report}");
    }
    assert!(!report.contains("\"statements\":0,\"runs\""), "{report}");
}
