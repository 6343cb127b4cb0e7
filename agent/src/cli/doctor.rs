//! `doctor`: what is wrong here, and how it is mended.

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use serde_json::json;

use super::args::Output;
use super::{VERSION, complain, exit, print, runtime};
use crate::config::{AgentConfig, ConfigError};
use crate::doctor::{self, Check, Health};

pub(super) fn main(config: Result<AgentConfig, ConfigError>, file: &Path, output: Output) -> ExitCode {
    let (checks, unhealthy) = match config {
        Ok(config) => {
            let looked = runtime().map(|runtime| {
                let checks = runtime.block_on(Box::pin(doctor::all(&config, file)));
                // A name that is still being resolved in a thread of its own must not keep us.
                runtime.shutdown_background();
                checks
            });
            match looked {
                Ok(checks) => (checks, exit::UNHEALTHY),
                Err(error) => {
                    complain(&error);
                    return exit::UNAVAILABLE.into();
                }
            }
        }
        Err(error) => (unusable(&error), exit::CONFIG),
    };
    let bad = checks.iter().filter(|check| check.health == Health::Bad).count();
    print(&match output {
        Output::Text => text(&checks, bad),
        Output::Json => {
            format!("{:#}\n", json!({ "version": VERSION, "healthy": bad == 0, "checks": checks }))
        }
    });
    let code = if bad == 0 { exit::DONE } else { unhealthy };
    code.into()
}

/// Settings that cannot be used: each problem is a check of its own.
fn unusable(error: &ConfigError) -> Vec<Check> {
    match error {
        ConfigError::Unreadable { path, source } => {
            let mend = "correct --config or RSQLFLOW_AGENT_CONFIG, or run this as root, as jobs are run";
            vec![Check::bad(format!("settings {}", path.display()), source.to_string(), mend)]
        }
        ConfigError::Invalid { path, problems } => {
            let file =
                path.as_ref().map_or_else(|| "the settings".to_owned(), |path| path.display().to_string());
            let check = |problem: &rsqlflow_core::Problem| {
                let mend = problem.hint.clone().unwrap_or_else(|| format!("correct it in {file}"));
                Check::bad(format!("setting {}", problem.path), problem.message.clone(), mend)
            };
            problems.iter().map(check).collect()
        }
    }
}

fn text(checks: &[Check], bad: usize) -> String {
    let mut out = String::new();
    for check in checks {
        let word = match check.health {
            Health::Ok => "ok  ",
            Health::Look => "look",
            Health::Bad => "BAD ",
        };
        let found: String = check.found.split_whitespace().collect::<Vec<_>>().join(" ");
        let _ = writeln!(out, "  {word}  {}: {found}", check.name);
        if let Some(mend) = &check.mend {
            let _ = writeln!(out, "        mend: {mend}");
        }
    }
    let _ = match bad {
        0 => writeln!(out, "nothing is wrong"),
        1 => writeln!(out, "1 problem"),
        _ => writeln!(out, "{bad} problems"),
    };
    out
}
