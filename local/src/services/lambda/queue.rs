//! Asynchronous invocations, stored on disk until their last try has ended.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html>

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::http::AwsError;
use crate::services::lambda::Lambda;
use crate::storage::{Schema, Worker};
use crate::{LocalError, place};

const SCHEMA: Schema = Schema {
    file: "lambda.sqlite3",
    version: 2,
    tables: "
        CREATE TABLE event (
            id INTEGER PRIMARY KEY,
            request_id TEXT NOT NULL,
            function TEXT NOT NULL,
            payload TEXT NOT NULL,
            accepted INTEGER NOT NULL,
            failures INTEGER NOT NULL,
            due INTEGER NOT NULL,
            -- JSON: error types with which the function asks to be invoked again.
            repeat_on TEXT NOT NULL
        ) STRICT;",
    // Version 0.1.0.
    upgrades: &[(1, "ALTER TABLE event ADD COLUMN repeat_on TEXT NOT NULL DEFAULT '[]';")],
};

/// Delays before the second and the third try of a failed function. After the third try, the event is dropped.
const RETRIES: [Duration; 2] = [Duration::from_mins(1), Duration::from_mins(2)];

/// Maximum age of an event: `MaximumEventAgeInSeconds` of a function that does not set it.
const OLDEST: Duration = Duration::from_hours(6);

/// Maximum number of queued events that run at the same time. The others wait on disk, not in memory.
const AT_ONCE: usize = 100;

/// The pause before a failed write of a row is repeated.
const WRITE_AGAIN: Duration = Duration::from_secs(1);

/// Delays between invocations that a function requests. They grow from the first to the longest.
const FIRST_REPEAT: Duration = Duration::from_millis(250);
const LONGEST_REPEAT: Duration = Duration::from_secs(5);

/// Accepted events.
#[derive(Debug)]
pub(super) struct Queue {
    worker: Worker<Connection>,
    slots: Semaphore,
    closing: CancellationToken,
}

/// One try of an event.
struct Try {
    request_id: String,
    function: String,
    payload: Value,
    accepted: i64,
    failures: usize,
    /// Error types with which the function requests another invocation. Such an event has no maximum age.
    repeat_on: Vec<String>,
}

impl Queue {
    pub(super) fn open(dir: &Path) -> Result<Self, LocalError> {
        let worker = Worker::start("lambda", SCHEMA.open(dir)?).map_err(LocalError::Thread)?;
        Ok(Self { worker, slots: Semaphore::new(AT_ONCE), closing: CancellationToken::new() })
    }

    pub(super) fn stop(&self) {
        self.closing.cancel();
    }

    pub(super) async fn close(&self) {
        self.closing.cancel();
        self.worker.close().await;
    }

    async fn next_try(&self, id: i64) -> Result<Option<Try>, AwsError> {
        let found = self
            .worker
            .run(move |db| {
                db.prepare_cached(
                    "SELECT request_id, function, payload, accepted, failures, repeat_on FROM event WHERE id = ?1",
                )?
                .query_row([id], |row| {
                    let (payload, repeat_on): (String, String) = (row.get(2)?, row.get(5)?);
                    Ok((row.get(0)?, row.get(1)?, payload, row.get(3)?, row.get(4)?, repeat_on))
                })
                .optional()
            })
            .await??;
        found
            .map(|(request_id, function, payload, accepted, failures, repeat_on)| {
                let payload = serde_json::from_str(&payload).map_err(AwsError::internal)?;
                let repeat_on = serde_json::from_str(&repeat_on).map_err(AwsError::internal)?;
                Ok(Try { request_id, function, payload, accepted, failures, repeat_on })
            })
            .transpose()
    }

    async fn remove(&self, id: i64) -> Result<(), AwsError> {
        self.worker
            .run(move |db| db.prepare_cached("DELETE FROM event WHERE id = ?1")?.execute([id]))
            .await??;
        Ok(())
    }

    async fn failed(&self, id: i64, due: i64) -> Result<(), AwsError> {
        self.worker
            .run(move |db| {
                db.prepare_cached("UPDATE event SET failures = failures + 1, due = ?2 WHERE id = ?1")?
                    .execute((id, due))
            })
            .await??;
        Ok(())
    }
}

/// Events of an earlier process: their ids, and when they are due.
#[derive(Debug)]
pub(crate) struct Left(Vec<(i64, i64)>);

/// Stores the result of a try, and retries without limit: if the result were lost, the function would run again.
async fn insist<F: Future<Output = Result<(), AwsError>>>(write: impl Fn() -> F) {
    while let Err(error) = write().await {
        tracing::error!("the queue of events: {}", error.message);
        tokio::time::sleep(WRITE_AGAIN).await;
    }
}

impl Lambda {
    /// Accepts an asynchronous invocation. When this returns, the event is on disk. The function runs later, at least once,
    /// and again after 1 and 2 minutes if it fails.
    ///
    /// # Errors
    /// `ResourceNotFoundException`, `RequestEntityTooLargeException`, or a failed write.
    pub(crate) async fn accept(&self, id: &str, event: Value) -> Result<(), AwsError> {
        let request_id = uuid::Uuid::new_v4().to_string();
        self.accept_as(id, event.to_string(), request_id).await
    }

    /// The same for an event that must not be dropped: while the function fails with one of the error types `repeat_on`, it
    /// is invoked again, without limit.
    ///
    /// # Errors
    /// As of [`accept`](Self::accept).
    pub(crate) async fn accept_until_done(
        &self,
        id: &str,
        event: Value,
        repeat_on: &[&str],
    ) -> Result<(), AwsError> {
        self.add(id, event.to_string(), uuid::Uuid::new_v4().to_string(), json!(repeat_on)).await
    }

    pub(super) async fn accept_as(
        &self,
        id: &str,
        payload: String,
        request_id: String,
    ) -> Result<(), AwsError> {
        self.add(id, payload, request_id, json!([])).await
    }

    async fn add(
        &self,
        id: &str,
        payload: String,
        request_id: String,
        repeat_on: Value,
    ) -> Result<(), AwsError> {
        let function = self.find(id)?.name.clone();
        super::payload::check_event(payload.len())?;
        let now = place::now_ms();
        let event = self
            .shared
            .queue
            .worker
            .run(move |db| {
                db.prepare_cached(
                    "INSERT INTO event (request_id, function, payload, accepted, failures, due, repeat_on)
                     VALUES (?1, ?2, ?3, ?4, 0, ?4, ?5)",
                )?
                .execute((request_id, function, payload, now, repeat_on.to_string()))?;
                Ok::<_, rusqlite::Error>(db.last_insert_rowid())
            })
            .await??;
        self.start(event, Duration::ZERO);
        Ok(())
    }

    /// The events of an earlier process. Must be called before this process accepts events.
    ///
    /// # Errors
    /// What the database says.
    pub(crate) async fn left(&self) -> Result<Left, AwsError> {
        let waiting: Vec<(i64, i64)> = self
            .shared
            .queue
            .worker
            .run(|db| {
                db.prepare("SELECT id, due FROM event ORDER BY id")?
                    .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                    .collect::<rusqlite::Result<_>>()
            })
            .await??;
        Ok(Left(waiting))
    }

    /// Runs them, after the functions can reach the services that they use.
    pub(crate) fn resume(&self, left: Left) {
        let now = place::now_ms();
        for (id, due) in left.0 {
            self.start(id, Duration::from_millis(u64::try_from(due - now).unwrap_or(0)));
        }
    }

    fn start(&self, id: i64, delay: Duration) {
        let lambda = self.clone();
        tokio::spawn(async move {
            let closing = lambda.shared.queue.closing.clone();
            tokio::select! {
                () = lambda.work_off(id, delay) => {}
                () = closing.cancelled() => {}
            }
        });
    }

    /// Tries an event until it succeeded or is dropped.
    async fn work_off(&self, id: i64, mut delay: Duration) {
        loop {
            tokio::time::sleep(delay).await;
            match self.try_once(id).await {
                Ok(None) => return,
                Ok(Some(again)) => delay = again,
                // Nothing was tried.
                Err(error) => {
                    tracing::error!(event = id, "the queue of events: {}", error.message);
                    delay = WRITE_AGAIN;
                }
            }
        }
    }

    /// Runs one try. Returns the delay before the next try, if there is one.
    async fn try_once(&self, id: i64) -> Result<Option<Duration>, AwsError> {
        let queue = &self.shared.queue;
        let Ok(_slot) = queue.slots.acquire().await else { return Ok(None) };
        let Some(event) = queue.next_try(id).await? else { return Ok(None) };
        let age = place::now_ms() - event.accepted;
        let age = Duration::from_millis(u64::try_from(age).unwrap_or_default());
        if age > OLDEST && event.repeat_on.is_empty() {
            tracing::error!(function = event.function, "an event was dropped: it is older than {OLDEST:?}");
            insist(|| queue.remove(id)).await;
            return Ok(None);
        }
        let error = match self.invoke_as(&event.function, event.payload, &event.request_id).await {
            Ok(Ok(_)) => None,
            Ok(Err(error)) => Some((error.error_type, error.error_message)),
            // The function no longer exists: the state directory now serves another deployment.
            Err(error) => Some((error.code.into_owned(), error.message)),
        };
        if let Some((kind, message)) = &error
            && event.repeat_on.contains(kind)
        {
            tracing::info!(function = event.function, error = kind, "an event is repeated: {message}");
            // Repetitions are not counted: their delay depends on the age of the event.
            return Ok(Some((age / 2).clamp(FIRST_REPEAT, LONGEST_REPEAT)));
        }
        let retry = RETRIES.get(event.failures).copied();
        match (error, retry) {
            (None, _) => insist(|| queue.remove(id)).await,
            (Some((kind, message)), Some(delay)) => {
                tracing::warn!(function = event.function, error = kind, "an event failed: {message}");
                let delay_ms = i64::try_from(delay.as_millis()).unwrap_or(i64::MAX);
                let due = place::now_ms().saturating_add(delay_ms);
                insist(|| queue.failed(id, due)).await;
                return Ok(Some(delay));
            }
            (Some((kind, message)), None) => {
                tracing::error!(function = event.function, error = kind, "an event was dropped: {message}");
                insist(|| queue.remove(id)).await;
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::mpsc;
    use tokio::time::Instant;

    use super::*;
    use crate::services::lambda::{Function, FunctionError};

    /// A function that fails `failures` times, and tells each time when it ran.
    fn flaky(failures: usize) -> (Function, mpsc::UnboundedReceiver<Duration>) {
        let (sender, runs) = mpsc::unbounded_channel();
        let (count, started) = (Arc::new(AtomicUsize::new(0)), Instant::now());
        let function = Function::new("flaky", "flaky", Duration::from_secs(1), move |_, _| {
            let failed = count.fetch_add(1, Ordering::SeqCst) < failures;
            sender.send(started.elapsed()).unwrap();
            async move {
                let error = || FunctionError { error_type: "Flaky".into(), error_message: "again".into() };
                if failed { Err(error()) } else { Ok(json!(null)) }
            }
        });
        (function, runs)
    }

    async fn waiting(lambda: &Lambda) -> Vec<(String, i64)> {
        let rows = |db: &mut Connection| {
            db.prepare("SELECT payload, failures FROM event")?
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect::<rusqlite::Result<Vec<_>>>()
        };
        lambda.shared.queue.worker.run(rows).await.unwrap().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_failing_event_is_tried_after_one_and_two_minutes_and_then_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let (function, mut runs) = flaky(9);
        let lambda = Lambda::open(dir.path(), [function]).unwrap();
        lambda.accept("flaky", json!({})).await.unwrap();
        let at = [runs.recv().await.unwrap(), runs.recv().await.unwrap(), runs.recv().await.unwrap()];
        assert!(at[1] >= Duration::from_secs(60) && at[2] >= Duration::from_secs(180), "{at:?}");
        while !waiting(&lambda).await.is_empty() {
            tokio::task::yield_now().await;
        }
        assert!(runs.try_recv().is_err(), "a fourth try");
    }

    #[tokio::test(start_paused = true)]
    async fn an_event_that_must_be_dealt_with_is_repeated_until_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let (function, mut runs) = flaky(9);
        let lambda = Lambda::open(dir.path(), [function]).unwrap();
        lambda.accept_until_done("flaky", json!({}), &["Flaky"]).await.unwrap();
        for _ in 0..10 {
            runs.recv().await.unwrap();
        }
        while !waiting(&lambda).await.is_empty() {
            tokio::task::yield_now().await;
        }
        assert!(runs.try_recv().is_err(), "it had succeeded");
    }

    #[tokio::test(start_paused = true)]
    async fn what_one_process_accepted_the_next_one_runs() {
        let dir = tempfile::tempdir().unwrap();
        let (function, mut runs) = flaky(1);
        let lambda = Lambda::open(dir.path(), [function]).unwrap();
        lambda.accept("flaky", json!({"a": 1})).await.unwrap();
        runs.recv().await.unwrap();
        while waiting(&lambda).await != [(r#"{"a":1}"#.to_owned(), 1)] {
            tokio::task::yield_now().await;
        }
        lambda.close().await;
        drop(lambda);

        let (function, mut runs) = flaky(0);
        let lambda = Lambda::open(dir.path(), [function]).unwrap();
        lambda.resume(lambda.left().await.unwrap());
        runs.recv().await.unwrap();
        while !waiting(&lambda).await.is_empty() {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn an_event_that_the_disk_does_not_take_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let (function, mut runs) = flaky(0);
        let lambda = Lambda::open(dir.path(), [function]).unwrap();
        let full = |db: &mut Connection| db.execute_batch("PRAGMA max_page_count = 1");
        lambda.shared.queue.worker.run(full).await.unwrap().unwrap();
        let error = lambda.accept("flaky", json!("x".repeat(100_000))).await.unwrap_err();
        assert!(error.status == 500 && error.message.contains("is full"), "{error:?}");
        assert!(runs.try_recv().is_err(), "it was refused, but runs");
        assert!(waiting(&lambda).await.is_empty());
    }
}
