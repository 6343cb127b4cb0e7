//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use rsqlflow_core::{ExecutionId, JobId};

use super::exit;

/// Runs jobs of rsqlflow workflows on this instance.
#[derive(Debug, Parser)]
#[command(name = "rsqlflow-agent", version, after_help = exit::HELP)]
pub struct Args {
    /// Settings file. Default: $RSQLFLOW_AGENT_CONFIG, else /etc/rsqlflow/agent.toml
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run one attempt of a job. Called by the SSM document
    ///
    /// The command returns as soon as a separate process was started, so that the caller's worker is free. If the same
    /// attempt is started twice, its script runs once.
    Run(Run),
    /// Deliver results that are still in the spool
    Flush(Options),
    /// Show running jobs, and results that are not delivered
    ///
    /// Reads only local files. Shows what it can even if the settings are not valid.
    Status(Options),
    /// Check settings, directories, clients, credentials, table, logs, clock
    ///
    /// Changes nothing. Run it as root, like the jobs.
    Doctor(Options),
}

/// Arguments of `run`.
#[derive(Clone, Debug, clap::Args)]
pub struct Run {
    /// Id of the run: workflow_execution_id
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    pub execution_id: ExecutionId,
    /// Id of the job: stage and position, as 0003#00017
    #[arg(long, value_name = "ID")]
    pub job_id: JobId,
    /// Number of the attempt, from 1
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub attempt: u32,
    /// SHA-256 of the planned job. A row with another job is not run
    #[arg(long, value_name = "SHA256", value_parser = digest)]
    pub digest: Option<String>,
    /// Stay in the foreground, and log to standard error
    #[arg(long, hide = true)]
    pub foreground: bool,
}

fn digest(text: &str) -> Result<String, &'static str> {
    let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if text.len() == 64 && text.bytes().all(is_hex) {
        Ok(text.to_owned())
    } else {
        Err("must be 64 hexadecimal digits in lower case")
    }
}

/// Arguments of `flush`, `status` and `doctor`.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Format of the output
    #[arg(long, value_enum, default_value_t = Output::Text, value_name = "FORMAT")]
    pub output: Output,
}

/// Formats of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// Text for people.
    Text,
    /// One JSON object.
    Json,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_sound() {
        Args::command().debug_assert();
    }

    #[test]
    fn what_the_document_says_is_understood_and_nonsense_is_not() {
        let parse = |line: &[&str]| Args::try_parse_from([&["rsqlflow-agent"], line].concat());
        assert!(parse(&["run", "--execution-id", "e-1", "--job-id", "0001#00002", "--attempt", "1"]).is_ok());
        assert!(parse(&["run", "--execution-id", "-e", "--job-id", "0001#00002", "--attempt", "1"]).is_ok());
        for wrong in [
            &["run", "--execution-id", "e 1", "--job-id", "0001#00002", "--attempt", "1"][..],
            &["run", "--execution-id", "e", "--job-id", "1#2", "--attempt", "1"],
            &["run", "--execution-id", "e", "--job-id", "0001#00002", "--attempt", "0"],
            &["run", "--execution-id", "e", "--job-id", "0001#00002"],
            &["run", "--execution-id", "e", "--job-id", "0001#00002", "--attempt", "1", "--digest", "0F"],
            &["status", "--output", "xml"],
            &[],
        ] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
