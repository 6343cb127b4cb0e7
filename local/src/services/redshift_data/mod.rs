//! The Redshift Data API over named connections to servers, by rsql's session and dialect.
//!
//! `request` reads what is to run, `execute` accepts it, `run` runs it on a thread of its own, `pages` keeps its rows as
//! `record` types them, `store` has the rows of statements, `event` reports an end. `catalogue` asks the server about
//! itself. The other modules are one operation each.
//!
//! <https://docs.aws.amazon.com/redshift-data/latest/APIReference/Welcome.html>

mod cancel;
mod catalogue;
mod describe;
mod event;
mod execute;
mod list;
mod pages;
mod record;
mod request;
mod result;
mod resume;
mod run;
mod status;
mod store;
mod wait;
mod warehouses;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::Connection;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::http::AwsError;
use crate::services::lambda::Lambda;
use crate::services::secrets::Secrets;
use crate::storage::{Worker, regularly};
use crate::{LocalError, Warehouse, place};

pub(crate) use resume::Left;
use run::Running;
use warehouses::Warehouses;

/// How long statements that were cancelled may hold up the end of the endpoint.
const LAST_STATEMENTS: Duration = Duration::from_secs(5);

/// What the service is opened with.
pub(crate) struct Settings {
    /// The servers.
    pub(crate) warehouses: Vec<Warehouse>,
    /// The directory that stands for S3.
    pub(crate) s3_root: PathBuf,
    /// The function that completion events go to; without one there are none.
    pub(crate) on_end: Option<String>,
}

/// The embedded Redshift Data API.
#[derive(Debug, Clone)]
pub(crate) struct RedshiftData {
    shared: Arc<Shared>,
}

/// What its operations and running statements share.
#[derive(Debug)]
struct Shared {
    worker: Worker<Connection>,
    warehouses: Warehouses,
    secrets: Secrets,
    lambda: Lambda,
    s3_root: PathBuf,
    on_end: Option<String>,
    /// Statements that have not ended, by their ids.
    running: Mutex<HashMap<String, Arc<Running>>>,
    tasks: TaskTracker,
    closing: CancellationToken,
}

impl Shared {
    fn running(&self, id: &str) -> Option<Arc<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).get(id).map(Arc::clone)
    }
}

impl RedshiftData {
    /// Opens or creates its database in `dir`. To be called on a Tokio runtime, where old statements are removed.
    pub(crate) fn open(
        dir: &Path,
        settings: Settings,
        secrets: Secrets,
        lambda: Lambda,
    ) -> Result<Self, LocalError> {
        let worker = Worker::start("redshift-data", store::SCHEMA.open(dir)?).map_err(LocalError::Thread)?;
        let shared = Shared {
            worker,
            warehouses: Warehouses::new(settings.warehouses),
            secrets,
            lambda,
            s3_root: settings.s3_root,
            on_end: settings.on_end,
            running: Mutex::default(),
            tasks: TaskTracker::new(),
            closing: CancellationToken::new(),
        };
        let service = Self { shared: Arc::new(shared) };
        let (worker, closing) = (service.shared.worker.clone(), service.shared.closing.clone());
        tokio::spawn(async move {
            let remove = || async {
                let removed = worker.run(|db| store::remove_old(db, place::now_ms())).await;
                if let Ok(Err(error)) = removed {
                    tracing::error!("old statements of Redshift Data cannot be removed: {}", error.message);
                }
            };
            regularly(&closing, remove).await;
        });
        Ok(service)
    }

    /// Carries out one operation.
    pub(crate) async fn call(&self, operation: &str, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        let answer = match operation {
            "BatchExecuteStatement" => self.batch_execute_statement(body).await,
            "CancelStatement" => self.cancel_statement(body).await,
            "DescribeTable" => self.describe_table(body).await,
            "DescribeStatement" => self.describe_statement(body).await,
            "ExecuteStatement" => self.execute_statement(body).await,
            "GetStatementResult" => self.get_statement_result(body).await,
            "GetStatementResultV2" => self.get_statement_result_v2(body).await,
            "ListDatabases" => self.list_databases(body).await,
            "ListSchemas" => self.list_schemas(body).await,
            "ListStatements" => self.list_statements(body).await,
            "ListTables" => self.list_tables(body).await,
            _ => Err(AwsError::unknown_operation("Redshift Data", operation)),
        };
        answer.map_err(|error| {
            // The member's name in the service's model.
            let message = error.message.clone();
            error.with_member("Message", message)
        })
    }

    /// Accepts no more statements, and cancels those that run: nobody would learn how they end.
    pub(crate) fn stop(&self) {
        self.shared.closing.cancel();
        let running: Vec<_> = {
            let running = self.shared.running.lock().unwrap_or_else(PoisonError::into_inner);
            running.values().map(Arc::clone).collect()
        };
        for running in running {
            self.shared.request_cancel(running);
        }
    }

    /// Waits a moment for what was cancelled, and closes the file.
    pub(crate) async fn close(&self) {
        self.shared.closing.cancel();
        self.shared.tasks.close();
        let _ = tokio::time::timeout(LAST_STATEMENTS, self.shared.tasks.wait()).await;
        self.shared.worker.close().await;
    }
}

/// The caller's mistake.
fn invalid(message: impl Into<String>) -> AwsError {
    AwsError::client("ValidationException", message)
}

/// What is not there. Its model has the id as a member.
fn not_found(message: impl Into<String>, id: &str) -> AwsError {
    AwsError::client("ResourceNotFoundException", message).with_member("ResourceId", id)
}
