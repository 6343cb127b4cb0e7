//! What the pages show is what the commands say.
//!
//! A block of `console` is run line by line in a copy of `examples/nightly`; one of `console background` goes on
//! beside the blocks after it. A comment `<!-- $ … -->` is run and not shown. A block whose first line names a file
//! behind its language, as `json nightly.json`, is that file. `UPDATE_DOCS=1` writes what was said into the pages.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use regex::Regex;
use rsqlflow_core::env;
use rsqlflow_tests::{World, binary};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Compares a page with what it should be, or brings it up to date.
fn check(name: &str, should: &str) {
    let path = repository().join("docs").join(name);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, should).unwrap();
        return;
    }
    let is = std::fs::read_to_string(&path).unwrap_or_default();
    let difference = is.lines().zip(should.lines()).find(|(is, should)| is != should);
    assert!(
        is == should,
        "docs/{name} is not up to date, first at {difference:?}: run with UPDATE_DOCS=1\n{should}"
    );
}

/// What differs from one run to the next.
struct Filters(Vec<(Regex, String)>);

impl Filters {
    fn new(dir: &Path) -> Self {
        let programs = binary("rsqlflow").parent().unwrap().display().to_string();
        let rules = [
            // What `sudo rsqlflow-agent` reads on an instance.
            (regex::escape(&format!("{}/agent.toml", dir.display())), "/etc/rsqlflow/agent.toml"),
            (regex::escape(&dir.display().to_string()), "~/nightly"),
            (regex::escape(&programs), "/usr/bin"),
            (r"\d+(\.\d)? [MG]B free".to_owned(), "42.0 GB free"),
            (
                r"(?m)^  \w+  +psql: .*(\n           hint: .*)?".to_owned(),
                "  ok       psql: none: only scripts that call it need it",
            ),
            (r"run as \w+, as".to_owned(), "run as root, as"),
            (r", agent \d+".to_owned(), ", agent 4711"),
            (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z".to_owned(), "2026-11-21T02:00:00.000Z"),
            // Whether it is seen that a job runs, before it has ended, is chance.
            (r"(?m)^\d\d:\d\d:\d\d    Running .*\n".to_owned(), ""),
            (r"(?m)^\d\d:\d\d:\d\d ".to_owned(), "02:00:00 "),
            (r"\b\d\.\d\d s\b|\b\d\d\.\d s\b".to_owned(), "0.10 s"),
            (r"\b\d+ min \d\d s\b".to_owned(), "0.10 s"),
            (r"127\.0\.0\.1:\d+".to_owned(), "127.0.0.1:4566"),
            (r"ada@[\w.-]+".to_owned(), "ada@etl-1"),
            (r"(AWS_ACCESS_KEY_ID)=\S+ (AWS_SECRET_ACCESS_KEY)=\S+".to_owned(), "$1=LOCAL… $2=…"),
        ];
        Self(rules.map(|(pattern, with)| (Regex::new(&pattern).unwrap(), with.to_owned())).into())
    }

    fn apply(&self, text: &str) -> String {
        let filtered = self
            .0
            .iter()
            .fold(text.to_owned(), |text, (rule, with)| rule.replace_all(&text, with).into_owned());
        filtered.lines().map(|line| format!("{}\n", line.trim_end())).collect()
    }
}

struct Session {
    dir: tempfile::TempDir,
    background: Vec<Child>,
    /// The keys that an endpoint in the background printed.
    keys: Vec<(String, String)>,
}

impl Session {
    fn start() -> Self {
        let dir = tempfile::Builder::new().prefix("rsqlflow-docs-").tempdir().unwrap();
        let example = repository().join("examples/nightly");
        let copied =
            Command::new("cp").arg("-r").arg(format!("{}/.", example.display())).arg(dir.path()).status();
        assert!(copied.unwrap().success());
        Self { dir, background: Vec::new(), keys: Vec::new() }
    }

    fn command(&self, line: &str) -> Command {
        let bin = binary("rsqlflow").parent().unwrap().display().to_string();
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new("bash");
        command
            .arg("-c")
            .arg(format!("exec 2>&1; {line}"))
            .env_clear()
            .env("PATH", format!("{bin}:{path}"))
            .env("USER", "ada")
            .env("LANG", "C.UTF-8")
            // As an instance's role would give them; the command line finds them in the state directory.
            .envs(self.keys.iter().cloned())
            .env("RSQLFLOW_AGENT_CONFIG", self.dir.path().join("agent.toml"))
            .current_dir(self.dir.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        command
    }

    fn run(&self, line: &str) -> String {
        let output = self.command(line).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Its first two lines: what it says once it serves.
    fn run_beside(&mut self, line: &str) -> String {
        let mut child = self.command(&format!("exec {line}")).spawn().unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
        let text: String = (0..2).map(|_| format!("{}\n", said.next().unwrap().unwrap())).collect();
        let variables = text.split_whitespace().filter_map(|word| word.split_once('='));
        let keys = variables.filter(|(name, _)| name.ends_with("ACCESS_KEY") || name.ends_with("KEY_ID"));
        self.keys = keys.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        // Read on, so that it is never held up.
        std::thread::spawn(move || said.for_each(drop));
        self.background.push(child);
        text
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        for child in &mut self.background {
            let _ = kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGTERM);
            let _ = child.wait();
        }
    }
}

/// Runs a page's commands, at least so many, and compares what they say.
fn run_page(name: &str, least: usize) {
    let page = std::fs::read_to_string(repository().join("docs").join(name)).unwrap();
    let mut session = Session::start();
    let filters = Filters::new(session.dir.path());
    let mut should = String::new();
    let (mut block, mut commands) = (None::<String>, 0);
    let mut file = String::new();
    for line in page.lines() {
        if let Some(info) = line.strip_prefix("```") {
            let named = block.as_deref().and_then(|info| info.split_once(' '));
            if let Some((_, name)) = named.filter(|(language, _)| *language != "console") {
                std::fs::write(session.dir.path().join(name), std::mem::take(&mut file)).unwrap();
            }
            file.clear();
            block = if block.is_some() { None } else { Some(info.to_owned()) };
            writeln!(should, "{line}").unwrap();
            continue;
        }
        writeln!(file, "{line}").unwrap();
        if let Some(command) = line.strip_prefix("<!-- $ ").and_then(|rest| rest.strip_suffix(" -->")) {
            session.run(command);
        }
        match (block.as_deref(), line.strip_prefix("$ ")) {
            (Some("console"), Some(command)) => {
                write!(should, "{line}\n{}", filters.apply(&session.run(command))).unwrap();
                commands += 1;
            }
            (Some("console background"), Some(command)) => {
                write!(should, "{line}\n{}", filters.apply(&session.run_beside(command))).unwrap();
            }
            (Some("console" | "console background"), None) => {}
            _ => writeln!(should, "{line}").unwrap(),
        }
    }
    assert!(commands >= least, "{commands} commands were found");
    check(name, &should);
}

#[test]
fn the_operators_page_shows_what_the_commands_say() {
    run_page("operate.md", 25);
}

#[test]
fn the_page_of_the_command_line_shows_what_the_commands_say() {
    run_page("cli.md", 6);
}

#[test]
fn the_page_of_a_failed_night_shows_what_the_commands_say() {
    run_page("recover.md", 8);
}

#[test]
fn the_page_of_the_sample_shows_what_the_commands_say() {
    run_page("migrate.md", 2);
}

#[test]
fn the_page_of_the_agent_shows_what_the_commands_say() {
    run_page("agent.md", 5);
    let page = std::fs::read_to_string(repository().join("docs/agent.md")).unwrap();
    let listed = page.lines().find_map(|line| line.split_once("; the settings are "));
    let settings: Vec<&str> = listed.unwrap().1.split(", ").collect();
    assert!(settings.len() > 20, "{settings:?}");
    let missing: Vec<_> = settings.iter().filter(|name| !page.contains(&format!("`{name}`"))).collect();
    assert!(missing.is_empty(), "docs/agent.md does not tell of {missing:?}");
}

#[test]
fn the_page_of_workflows_shows_what_the_commands_say_and_names_every_field() {
    run_page("workflow.md", 2);
    let page = std::fs::read_to_string(repository().join("docs/workflow.md")).unwrap();
    let schema = std::fs::read_to_string(repository().join("docs/workflow.schema.json")).unwrap();
    let mut fields = std::collections::BTreeSet::new();
    properties(&serde_json::from_str(&schema).unwrap(), &mut fields);
    assert!(fields.len() > 25, "{fields:?}");
    let missing: Vec<_> = fields.iter().filter(|field| !page.contains(&format!("`{field}`"))).collect();
    assert!(missing.is_empty(), "docs/workflow.md does not tell of {missing:?}");
}

/// Names of all fields that a schema knows.
fn properties(schema: &serde_json::Value, fields: &mut std::collections::BTreeSet<String>) {
    if let Some(named) = schema.get("properties").and_then(serde_json::Value::as_object) {
        fields.extend(named.keys().cloned());
    }
    match schema {
        serde_json::Value::Object(map) => map.values().for_each(|value| properties(value, fields)),
        serde_json::Value::Array(values) => values.iter().for_each(|value| properties(value, fields)),
        _ => {}
    }
}

#[tokio::test]
async fn the_page_of_tables_names_every_column_that_runs_leave() {
    let page = std::fs::read_to_string(repository().join("docs/tables.md")).unwrap();
    let world = World::start().await;
    world.script("fails.sh", "echo 'ERROR:  no'; exit 1");
    let scripts = serde_json::json!([{ "script": "fails.sh", "retries": 1, "retry_delay": 1 }]);
    world.put_stage("w", "sequential", scripts).await;
    let first = world.run("w").await.workflow.workflow_execution_id;
    let _ = world
        .operator(&["mark", first.as_str(), "fails.sh", "skipped", "--reason", "a test", "--yes"])
        .ends(0);
    let _ = world.operator(&["restart", first.as_str(), "--job", "fails.sh", "--watch", "--yes"]).ends(1);
    let client = aws_sdk_dynamodb::Client::new(&world.sdk);
    let tables = &world.deployment.tables;
    let mut columns = std::collections::BTreeSet::new();
    for table in [&tables.config, &tables.workflow_audit, &tables.job_audit] {
        let found = client.scan().table_name(table).send().await.unwrap();
        columns.extend(found.items().iter().flat_map(|item| item.keys().cloned()));
    }
    assert!(columns.len() > 30, "{columns:?}");
    let missing: Vec<_> = columns.iter().filter(|column| !page.contains(&format!("`{column}`"))).collect();
    assert!(missing.is_empty(), "docs/tables.md does not tell of {missing:?}");
}

#[test]
fn the_page_of_variables_lists_every_one() {
    let mut page = String::from(
        "# Environment variables\n\nGenerated from `core/src/env.rs` by a test. An empty variable counts as unset. Durations \
         are as `20s`, `1500ms`, `24h`, or a number of seconds.\n",
    );
    for (title, text, variables) in [
        ("The deployment", "Functions, agent and command line read these variables.", env::DEPLOYMENT),
        ("The command line", "The command also reads the variables of the deployment.", env::OPERATOR),
        (
            "Scripts",
            "The agent sets these variables for a script, in addition to the credentials and the job's `env`.",
            env::SCRIPT,
        ),
    ] {
        write!(page, "\n## {title}\n\n{text}\n\n| variable | meaning |\n| --- | --- |\n").unwrap();
        for variable in variables {
            let meaning: Vec<&str> = variable.meaning.iter().map(|line| line.trim()).collect();
            writeln!(page, "| `{}` | {} |", variable.name, meaning.join(" ").replace('|', "\\|")).unwrap();
        }
    }
    check("environment.md", &page);
}
