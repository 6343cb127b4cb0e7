//! EventBridge Scheduler: schedules and their groups.
//!
//! `expression` is pure and knows when a schedule fires. `fire` is the clock: in one transaction it queues the
//! delivery and moves the schedule to its next time, so a firing is neither lost nor doubled. `services::delivery`
//! carries the deliveries out.

mod definition;
mod deliver;
mod expression;
mod fire;
mod groups;
mod rest;
mod schedules;

use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::LocalError;
use crate::http::AwsError;
use crate::services::delivery::{self, Queue};
use crate::services::link::Link;
use crate::storage::{Schema, Worker};

/// The group that is always there.
const DEFAULT_GROUP: &str = "default";

/// `next` is the schedule's next time, in milliseconds since 1970; null if there is none any more.
const TABLES: &str = "
    CREATE TABLE schedule_group (
        name TEXT PRIMARY KEY,
        created INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE schedule (
        group_name TEXT NOT NULL REFERENCES schedule_group (name),
        name TEXT NOT NULL,
        definition TEXT NOT NULL,
        client_token TEXT,
        created INTEGER NOT NULL,
        modified INTEGER NOT NULL,
        next INTEGER,
        PRIMARY KEY (group_name, name)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX schedule_next ON schedule (next) WHERE next IS NOT NULL;
    INSERT INTO schedule_group (name, created) VALUES ('default', unixepoch() * 1000);";

/// The embedded Scheduler. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Scheduler {
    worker: Worker<Connection>,
    queue: Queue,
    /// Wakes the clock after a change of a schedule.
    changed: Arc<Notify>,
    closing: CancellationToken,
}

impl Scheduler {
    /// Opens or creates its database in `dir`, and starts its clock when `link` is tied. What was missed since the last
    /// end of the endpoint fires then, see `fire`.
    pub(crate) fn open(dir: &Path, link: Link) -> Result<Self, LocalError> {
        let schema =
            Schema { file: "scheduler.sqlite3", version: 1, tables: &[TABLES, delivery::TABLE].concat() };
        let worker = Worker::start("scheduler", schema.open(dir)?).map_err(LocalError::Thread)?;
        let until = link.clone();
        let queue = Queue::start("scheduler", worker.clone(), link.clone(), move |delivery| {
            let link = link.clone();
            async move { deliver::deliver(&link, delivery).await }
        });
        let (changed, closing) = (Arc::new(Notify::new()), CancellationToken::new());
        let scheduler = Self { worker, queue, changed, closing };
        let clock = scheduler.clone();
        tokio::spawn(async move { clock.run(&until).await });
        Ok(scheduler)
    }

    /// Stops the clock and the deliveries where they are, and closes the file.
    pub(crate) async fn close(&self) {
        self.closing.cancel();
        self.queue.close();
        self.worker.close().await;
    }
}

fn invalid(message: impl Into<String>) -> AwsError {
    AwsError::client("ValidationException", message)
}

fn missing(what: &str, name: &str) -> AwsError {
    let message = format!("{what} {name} does not exist.");
    AwsError::client("ResourceNotFoundException", message).with_status(404)
}

fn conflict(what: &str, name: &str) -> AwsError {
    AwsError::client("ConflictException", format!("{what} {name} already exists.")).with_status(409)
}

fn invalid_token() -> AwsError {
    invalid("Invalid NextToken: it is none that an earlier page came with.")
}

/// Whether a text can be the name of a schedule or a group (service model).
fn is_name(name: &str) -> bool {
    let valid = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    (1..=64).contains(&name.len()) && name.chars().all(valid)
}

/// Checks a `clientToken` (service model).
fn check_token(token: Option<&str>) -> Result<(), AwsError> {
    let valid = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if token.is_none_or(|token| (1..=64).contains(&token.len()) && token.chars().all(valid)) {
        return Ok(());
    }
    Err(invalid(
        "1 validation error detected: Value at 'clientToken' failed to satisfy constraint: Member must satisfy regular \
         expression pattern: ^[a-zA-Z0-9-_]+$ and have length 1 to 64",
    ))
}

/// Checks a name of a schedule or a group.
fn check_name(member: &str, name: &str) -> Result<(), AwsError> {
    if is_name(name) {
        return Ok(());
    }
    Err(invalid(format!(
        "1 validation error detected: Value '{name}' at '{member}' failed to satisfy constraint: Member must satisfy \
         regular expression pattern: ^[0-9a-zA-Z-_.]+$ and have length 1 to 64"
    )))
}
