//! `status`: shows running jobs, and results that are not delivered. It reads only local files.

use std::fmt::Write as _;
use std::process::ExitCode;

use serde_json::json;

use super::args::Output;
use super::{VERSION, complain, exit, print, with_causes};
use crate::config::{AgentConfig, ConfigError};
use crate::spool::result::Listing;
use crate::spool::{Occupant, Results, Slots};

/// `error` is the problem of the settings. Then `config` has only the settings that could be read.
pub(super) fn main(config: &AgentConfig, error: Option<&ConfigError>, output: Output) -> ExitCode {
    let running = Slots::new(&config.spool_dir, config.max_jobs).occupants();
    let spooled = Results::new(&config.spool_dir).take();
    match (running, spooled) {
        (Ok(running), Ok(spooled)) => {
            print(&match output {
                Output::Text => text(config, error, &running, &spooled),
                Output::Json => format!("{:#}\n", json(config, error, &running, &spooled)),
            });
            exit::DONE.into()
        }
        (Err(error), _) | (_, Err(error)) => {
            complain(&error);
            exit::UNAVAILABLE.into()
        }
    }
}

fn text(
    config: &AgentConfig,
    error: Option<&ConfigError>,
    running: &[Occupant],
    spooled: &Listing,
) -> String {
    let mut out = String::new();
    if error.is_some() {
        let which = if config.has_default_spool() { "the default" } else { "from the settings" };
        let spool = config.spool_dir.display();
        let _ = writeln!(out, "the settings are not valid; showing the spool {spool} ({which})");
    }
    let _ = writeln!(out, "{} of {} slots in use", running.len(), config.max_jobs);
    for job in running {
        let _ = writeln!(
            out,
            "  {} {} attempt {}, since {}, agent {}",
            job.workflow_execution_id, job.job_id, job.attempt, job.since, job.agent_pid
        );
    }
    let _ = writeln!(out, "{} results not delivered, {} being delivered", spooled.held.len(), spooled.busy);
    for held in &spooled.held {
        let entry = &held.entry;
        let _ = writeln!(
            out,
            "  {} {} attempt {}: {} at {}",
            entry.workflow_execution_id, entry.job_id, entry.attempt, entry.outcome.status, entry.ended_at
        );
    }
    for (path, reason) in &spooled.unreadable {
        let _ = writeln!(out, "  {}: {reason}", path.display());
    }
    if !spooled.held.is_empty() {
        out.push_str("hint: run `rsqlflow-agent flush` to deliver them\n");
    }
    out
}

fn json(
    config: &AgentConfig,
    error: Option<&ConfigError>,
    running: &[Occupant],
    spooled: &Listing,
) -> serde_json::Value {
    json!({
        "version": VERSION,
        "settings_error": error.map(|error| with_causes(error)),
        "spool_dir": config.spool_dir,
        "spool_dir_is_default": config.has_default_spool(),
        "max_jobs": config.max_jobs,
        "running": running,
        "undelivered": spooled.held.iter().map(|held| &held.entry).collect::<Vec<_>>(),
        "being_delivered": spooled.busy,
        "unreadable": spooled.unreadable.iter().map(|(path, reason)| json!({"path": path, "reason": reason})).collect::<Vec<_>>(),
    })
}
