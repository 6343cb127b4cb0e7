//! `flush`: delivers the results in the spool.

use std::fmt::Write as _;
use std::process::ExitCode;

use serde_json::json;

use super::args::Output;
use super::{VERSION, complain, exit, log, print, runtime};
use crate::config::AgentConfig;
use crate::driver::Context;
use crate::driver::deliver::{self, Delivered, Flushed};
use crate::spool::{Entry, Results, UnsentLogs};

pub(super) fn main(config: AgentConfig, output: Output) -> ExitCode {
    log::start(config.log_level, None);
    deliver::end_orphans(&config);
    let done = runtime().map(|runtime| {
        runtime.block_on(Box::pin(async {
            // In most cases the spool is empty. Then region and credentials are not needed.
            if let Some(nothing) = deliver::nothing_to_flush(
                &Results::new(&config.spool_dir),
                &UnsentLogs::new(&config.spool_dir),
            )? {
                return Ok(nothing);
            }
            let ctx = Context::load(config).await?;
            Ok::<_, Box<dyn std::error::Error>>(deliver::flush(&ctx).await?)
        }))
    });
    match done {
        Ok(Ok(flushed)) => {
            print(&match output {
                Output::Text => text(&flushed),
                Output::Json => format!("{:#}\n", json(&flushed)),
            });
            let code = if flushed.left.is_empty() { exit::DONE } else { exit::UNDELIVERED };
            code.into()
        }
        Ok(Err(error)) => {
            complain(error.as_ref());
            exit::UNAVAILABLE.into()
        }
        Err(error) => {
            complain(&error);
            exit::UNAVAILABLE.into()
        }
    }
}

const fn word(delivered: Delivered) -> &'static str {
    match delivered {
        Delivered::Answered => "answered",
        Delivered::Recorded => "recorded",
        Delivered::TooLate => "too_late",
    }
}

fn text(flushed: &Flushed) -> String {
    let mut out = String::new();
    let name = |entry: &Entry| {
        format!(
            "{} {} attempt {} ({})",
            entry.workflow_execution_id, entry.job_id, entry.attempt, entry.outcome.status
        )
    };
    for (entry, delivered) in &flushed.delivered {
        let _ = writeln!(out, "delivered  {}: {}", name(entry), word(*delivered));
    }
    for (entry, error) in &flushed.left {
        let _ = writeln!(out, "left       {}: {}", name(entry), reason(error));
    }
    for (path, reason) in &flushed.unreadable {
        let _ = writeln!(out, "unreadable {}: {reason}", path.display());
    }
    let _ = writeln!(
        out,
        "{} delivered, {} left, {} held by running agents",
        flushed.delivered.len(),
        flushed.left.len(),
        flushed.busy
    );
    out
}

fn json(flushed: &Flushed) -> serde_json::Value {
    let entry = |entry: &Entry| serde_json::to_value(entry).unwrap_or_default();
    json!({
        "version": VERSION,
        "delivered": flushed.delivered.iter().map(|(e, how)| json!({"result": entry(e), "how": word(*how)})).collect::<Vec<_>>(),
        "left": flushed.left.iter().map(|(e, error)| json!({"result": entry(e), "reason": reason(error)})).collect::<Vec<_>>(),
        "unreadable": flushed.unreadable.iter().map(|(path, reason)| json!({"path": path, "reason": reason})).collect::<Vec<_>>(),
        "held": flushed.busy,
    })
}

fn reason(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}
