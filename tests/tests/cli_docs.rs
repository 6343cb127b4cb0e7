//! What the pages show is what the commands say.
//!
//! A block of `console` is run line by line in a copy of `examples/nightly`; one of `console background` goes on
//! beside the blocks after it. A comment `<!-- $ … -->` is run and not shown. `UPDATE_DOCS=1` writes what was said into the pages.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use regex::Regex;
use rsqlflow_core::env;
use rsqlflow_tests::binary;

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
        let rules = [
            (regex::escape(&dir.display().to_string()), "~/nightly"),
            (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z".to_owned(), "2026-11-21T02:00:00.000Z"),
            // Whether it is seen that a job runs, before it has ended, is chance.
            (r"(?m)^\d\d:\d\d:\d\d    Running .*\n".to_owned(), ""),
            (r"(?m)^\d\d:\d\d:\d\d ".to_owned(), "02:00:00 "),
            (r"\b\d\.\d\d s\b|\b\d\d\.\d s\b".to_owned(), "0.10 s"),
            (r"\b\d+ min \d\d s\b".to_owned(), "0.10 s"),
            (r"127\.0\.0\.1:\d+".to_owned(), "127.0.0.1:4566"),
            (r"ada@[\w.-]+".to_owned(), "ada@etl-1"),
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
}

impl Session {
    fn start() -> Self {
        let dir = tempfile::Builder::new().prefix("rsqlflow-docs-").tempdir().unwrap();
        let example = repository().join("examples/nightly");
        let copied =
            Command::new("cp").arg("-r").arg(format!("{}/.", example.display())).arg(dir.path()).status();
        assert!(copied.unwrap().success());
        Self { dir, background: Vec::new() }
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
        let text = (0..2).map(|_| format!("{}\n", said.next().unwrap().unwrap())).collect();
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

#[test]
fn the_operators_page_shows_what_the_commands_say() {
    let page = std::fs::read_to_string(repository().join("docs/operate.md")).unwrap();
    let mut session = Session::start();
    let filters = Filters::new(session.dir.path());
    let mut should = String::new();
    let (mut block, mut commands) = (None, 0);
    for line in page.lines() {
        if let Some(info) = line.strip_prefix("```") {
            block = if block.is_some() { None } else { Some(info.to_owned()) };
            writeln!(should, "{line}").unwrap();
            continue;
        }
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
    assert!(commands > 15, "{commands} commands were found");
    check("operate.md", &should);
}

#[test]
fn the_page_of_variables_lists_every_one() {
    let mut page = String::from(
        "# Environment variables\n\nMade from `core/src/env.rs` by a test. An empty variable counts as unset. Durations \
         are as `20s`, `1500ms`, `24h`, or a number of seconds.\n",
    );
    for (title, text, variables) in [
        ("The deployment", "Functions, agent and command line read the same ones.", env::DEPLOYMENT),
        ("The command line", "Beside those of the deployment.", env::OPERATOR),
        (
            "Scripts",
            "What the agent gives to a script, beside its credentials and the job's own `env`.",
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
