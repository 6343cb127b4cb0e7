//! `doctor`: checks with hints.

use std::path::Path;
use std::process::ExitCode;

use rsqlflow_core::check::{self, Check, Health};
use serde_json::json;

use super::args::Output;
use super::{VERSION, complain, exit, print, runtime};
use crate::config::{AgentConfig, ConfigError};
use crate::doctor;

pub(super) fn main(config: Result<AgentConfig, ConfigError>, file: &Path, output: Output) -> ExitCode {
    let (checks, unhealthy) = match config {
        Ok(config) => {
            let looked = runtime().map(|runtime| {
                let checks = runtime.block_on(Box::pin(doctor::all(&config, file)));
                // A name lookup in another thread must not delay the end.
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
    let failed = check::count(&checks, Health::Failed);
    print(&match output {
        Output::Text => check::text(&checks, |_, word| word.to_owned()),
        Output::Json => {
            format!("{:#}\n", json!({ "version": VERSION, "healthy": failed == 0, "checks": checks }))
        }
    });
    let code = if failed == 0 { exit::DONE } else { unhealthy };
    code.into()
}

/// Settings that are not valid: each problem is a check.
fn unusable(error: &ConfigError) -> Vec<Check> {
    match error {
        ConfigError::Unreadable { path, source } => {
            let hint = "fix --config or RSQLFLOW_AGENT_CONFIG, or run the command as root, like the jobs";
            vec![Check::failed(format!("settings {}", path.display()), source.to_string(), hint)]
        }
        ConfigError::Invalid { path, problems } => {
            let file =
                path.as_ref().map_or_else(|| "the settings".to_owned(), |path| path.display().to_string());
            let check = |problem: &rsqlflow_core::Problem| {
                let hint = problem.hint.clone().unwrap_or_else(|| format!("fix it in {file}"));
                Check::failed(format!("setting {}", problem.path), problem.message.clone(), hint)
            };
            problems.iter().map(check).collect()
        }
    }
}
