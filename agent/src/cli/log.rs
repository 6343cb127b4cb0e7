//! The agent's log. It never contains the output of scripts, a token or a secret.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::LogLevel;

/// The log of detached agents: one file for all. Each line names its job.
#[must_use]
pub fn path(log_dir: &Path) -> PathBuf {
    log_dir.join("agent.log")
}

/// Opens the file for appending.
///
/// # Errors
/// The directory or the file cannot be created.
pub fn open(log_dir: &Path) -> io::Result<File> {
    std::fs::create_dir_all(log_dir)?;
    OpenOptions::new().create(true).append(true).mode(0o640).open(path(log_dir))
}

/// Logs to a file, or to standard error.
pub fn start(level: LogLevel, file: Option<File>) {
    let level = match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
    };
    // Only the crates of this project: at lower levels, the SDK logs whole requests, which contain tokens.
    let ours = Targets::new().with_target("rsqlflow_agent", level).with_target("rsqlflow_store", level);
    let lines = tracing_subscriber::fmt::layer().with_ansi(false).with_target(false);
    let registry = tracing_subscriber::registry().with(ours);
    // Only tests initialize twice. The first subscriber remains.
    let _ = match file {
        Some(file) => registry.with(lines.with_writer(Mutex::new(file))).try_init(),
        None => registry.with(lines.with_writer(io::stderr)).try_init(),
    };
}
