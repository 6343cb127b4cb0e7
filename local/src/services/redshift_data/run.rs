//! Running a statement: a task waits for a place, a thread talks to the server.

use std::path::PathBuf;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rsql::{CancelKey, Client, Column, Ended, Parameter, ServerError};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::http::AwsError;
use crate::place;
use crate::services::redshift_data::pages::Pages;
use crate::services::redshift_data::request::Batch;
use crate::services::redshift_data::status::Status;
use crate::services::redshift_data::store::{self, End, Part, PartEnd, Statement};
use crate::services::redshift_data::warehouses::Login;
use crate::services::redshift_data::{Shared, event, record};

/// SQLSTATE of a statement that was cancelled: `query_canceled`.
pub(super) const CANCELED: &str = "57014";

/// The pause before a cancel request is sent again: one that arrives before its statement has no effect.
const CANCEL_AGAIN: Duration = Duration::from_millis(200);

/// The pause before the end of a statement is written again.
const WRITE_AGAIN: Duration = Duration::from_secs(1);

/// A statement that has not ended.
#[derive(Debug, Default)]
pub(super) struct Running {
    /// When its end is written.
    pub(super) ended: CancellationToken,
    /// It is to be cancelled.
    cancelled: CancellationToken,
    /// What cancels it, once it has a session.
    key: Mutex<Option<CancelKey>>,
    /// Calls that wait for its end.
    pub(super) waiters: AtomicUsize,
}

impl Running {
    fn key(&self) -> Option<CancelKey> {
        self.key.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Shared {
    /// Asks for the end of a statement. It has ended when its status says so, and may end well.
    pub(super) fn request_cancel(&self, running: Arc<Running>) {
        if running.cancelled.is_cancelled() {
            return;
        }
        running.cancelled.cancel();
        self.tasks.spawn(async move {
            while !running.ended.is_cancelled() {
                if let Some(key) = running.key() {
                    let sent = tokio::task::spawn_blocking(move || key.cancel()).await;
                    if let Ok(Err(error)) = sent {
                        tracing::warn!("a cancel request cannot be sent: {error}");
                    }
                }
                tokio::select! {
                    () = running.ended.cancelled() => {}
                    () = tokio::time::sleep(CANCEL_AGAIN) => {}
                }
            }
        });
    }
}

/// Runs a statement to its end, keeps what became of it, and reports it.
pub(super) async fn run(shared: Arc<Shared>, statement: Statement, login: Login, running: Arc<Running>) {
    let id = statement.id.clone();
    let (parts, end) = outcome(&shared, &statement, login, &running).await;
    let number = statement.number;
    loop {
        let (parts, end) = (parts.clone(), end.clone());
        let written = shared
            .worker
            .run(move |db| store::ended(db, number, &parts, &end, place::now_ms()))
            .await
            .map_err(AwsError::from)
            .and_then(std::convert::identity);
        match written {
            Ok(ended) => {
                running.ended.cancel();
                shared.running.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
                event::report(&shared, &ended).await;
                return;
            }
            Err(error) => {
                // Without it nobody learns how the statement ended.
                tracing::error!(
                    "the end of a statement of Redshift Data cannot be written: {}",
                    error.message
                );
                if shared.closing.is_cancelled() {
                    return;
                }
                tokio::time::sleep(WRITE_AGAIN).await;
            }
        }
    }
}

async fn outcome(
    shared: &Arc<Shared>,
    statement: &Statement,
    login: Login,
    running: &Arc<Running>,
) -> (Vec<PartEnd>, End) {
    let places = Arc::clone(&login.places);
    let _place = tokio::select! {
        biased;
        () = running.cancelled.cancelled() => return (Vec::new(), aborted(shared)),
        place = places.acquire_owned() => place,
    };
    let number = statement.number;
    if let Err(error) =
        shared.worker.run(move |db| store::picked(db, number, place::now_ms())).await.map_err(AwsError::from)
    {
        return (Vec::new(), failed(error.message));
    }
    let work = Work {
        shared: Arc::clone(shared),
        statement: statement.clone(),
        login,
        running: Arc::clone(running),
        runtime: Handle::current(),
        s3_root: shared.s3_root.clone(),
    };
    match tokio::task::spawn_blocking(move || work.run()).await {
        Ok(outcome) => outcome,
        Err(error) => {
            tracing::error!("a statement of Redshift Data ended unexpectedly: {error}");
            (Vec::new(), failed("The statement ended unexpectedly."))
        }
    }
}

fn failed(error: impl Into<String>) -> End {
    End { status: Status::Failed, error: Some(error.into()) }
}

/// The end of a statement that was cancelled: by a caller, or because the endpoint ends.
fn aborted(shared: &Shared) -> End {
    match shared.closing.is_cancelled() {
        true => failed("The endpoint was stopped before the statement ended."),
        false => End { status: Status::Aborted, error: Some("Query cancelled on user's request".to_owned()) },
    }
}

/// What the thread of a statement works with.
struct Work {
    shared: Arc<Shared>,
    statement: Statement,
    login: Login,
    running: Arc<Running>,
    runtime: Handle,
    s3_root: PathBuf,
}

impl Work {
    fn run(self) -> (Vec<PartEnd>, End) {
        let mut client = match Client::open(&self.login.target, Some(self.s3_root.clone())) {
            Ok(client) => client,
            Err(error) => return (Vec::new(), failed(without_hint(&error.to_string()))),
        };
        let ended = self.with_client(&mut client);
        client.close();
        ended
    }

    /// Changes the statement's rows.
    fn write(
        &self,
        work: impl FnOnce(&mut rusqlite::Connection) -> Result<(), AwsError> + Send + 'static,
    ) -> Result<(), AwsError> {
        self.runtime.block_on(self.shared.worker.run(work))?
    }

    fn is_cancelled(&self) -> bool {
        self.running.cancelled.is_cancelled()
    }

    fn with_client(&self, client: &mut Client) -> (Vec<PartEnd>, End) {
        let key = client.cancel_key().cloned();
        let numbers = key.as_ref().map(|key| (key.process(), key.secret()));
        *self.running.key.lock().unwrap_or_else(PoisonError::into_inner) = key;
        let number = self.statement.number;
        if let Err(error) = self.write(move |db| store::started(db, number, numbers, place::now_ms())) {
            return (Vec::new(), failed(error.message));
        }
        if let Some(user) = &self.login.act_as
            && let Err(error) = client.act_as(user)
        {
            return (Vec::new(), failed(shown(&error)));
        }
        let transaction = self.statement.batch == Some(Batch::Transaction);
        if transaction && let Err(error) = client.command("BEGIN") {
            return (Vec::new(), failed(shown(&error)));
        }
        let mut ends = Vec::new();
        let mut errors = Vec::new();
        for part in &self.statement.parts {
            if self.is_cancelled() {
                return (ends, aborted(&self.shared));
            }
            let end = self.part(client, part);
            let (status, error) = (end.status, end.error.clone().unwrap_or_default());
            if self.statement.parts.len() > 1 {
                let shown = end.clone();
                let written = self.write(move |db| store::part_ended(db, number, &shown, place::now_ms()));
                if let Err(error) = written {
                    return (ends, failed(error.message));
                }
            }
            ends.push(end);
            match status {
                Status::Finished => {}
                Status::Aborted => return (ends, aborted(&self.shared)),
                _ => errors.push(match self.statement.batch {
                    None => error,
                    Some(_) => format!("Query #{} failed with {error}", part.part),
                }),
            }
            if transaction && !errors.is_empty() {
                break;
            }
        }
        if transaction && errors.is_empty() {
            if self.is_cancelled() {
                return (ends, aborted(&self.shared));
            }
            // A session that is closed without it is rolled back.
            if let Err(error) = client.command("COMMIT") {
                return match error.code.as_str() {
                    CANCELED if self.is_cancelled() => (ends, aborted(&self.shared)),
                    _ => (ends, failed(shown(&error))),
                };
            }
        }
        match errors.is_empty() {
            true => (ends, End { status: Status::Finished, error: None }),
            false => (ends, failed(errors.join("\n"))),
        }
    }

    /// Runs one of the SQL statements.
    fn part(&self, client: &mut Client, part: &Part) -> PartEnd {
        let (number, at) = (self.statement.number, part.part);
        let begun = Instant::now();
        let mut pages = Pages::new(self.statement.csv, |page, records| {
            self.write(move |db| store::add_page(db, number, at, page, &records))
                .map_err(|error| error.message)
        });
        let parameters: Vec<Parameter<'_>> = self
            .statement
            .parameters
            .iter()
            .map(|parameter| Parameter { name: &parameter.name, value: &parameter.value })
            .collect();
        let outcome = self
            .write(move |db| store::part_started(db, number, at, place::now_ms()))
            .map_err(|error| Box::new(ServerError::client("XX000", error.message)))
            .and_then(|()| client.run(&part.sql, &parameters, &mut pages))
            .and_then(|ended| {
                pages.finish().map_err(|reason| Box::new(ServerError::client("XX000", reason)))?;
                Ok(ended)
            });
        let (returned, size) = (pages.rows(), pages.size());
        let duration = i64::try_from(begun.elapsed().as_nanos()).unwrap_or(i64::MAX);
        let none = PartEnd {
            part: at,
            status: Status::Failed,
            duration,
            rows: -1,
            size: -1,
            error: None,
            columns: None,
        };
        match outcome {
            Ok(Ended { columns: Some(columns), .. }) => PartEnd {
                status: Status::Finished,
                rows: returned,
                size,
                columns: Some(metadata(client, &columns)),
                ..none
            },
            Ok(ended) => PartEnd {
                status: Status::Finished,
                rows: ended.rows().map_or(0, |rows| i64::try_from(rows).unwrap_or(i64::MAX)),
                size: 0,
                ..none
            },
            // PostgreSQL's timeouts have the same SQLSTATE; nobody asked for them.
            Err(error) if error.code == CANCELED && !error.message.contains("timeout") => {
                PartEnd { status: Status::Aborted, error: Some(shown(&error)), ..none }
            }
            Err(error) => PartEnd { error: Some(shown(&error)), ..none },
        }
    }
}

/// `ColumnMetadata` of a result, as JSON.
fn metadata(client: &mut Client, columns: &[Column]) -> String {
    let origins = client.origins(columns);
    record::metadata(columns, &origins).to_string()
}

/// An error as Redshift's driver words it.
pub(super) fn shown(error: &ServerError) -> String {
    let mut text = error.to_string();
    for (title, value) in [("Detail", &error.detail), ("Hint", &error.hint)] {
        if let Some(value) = value {
            text.push_str(&format!("\n  {title}: {value}"));
        }
    }
    if let Some(position) = error.position {
        text.push_str(&format!("\n  Position: {position}"));
    }
    text
}

/// Of a message with advice for the command line of rsql, what happened.
pub(super) fn without_hint(text: &str) -> String {
    text.split("\nhint:").next().unwrap_or_default().to_owned()
}
