//! What an earlier process left: statements that it did not see end, and events that it did not send.

use std::sync::Arc;

use rsql::CancelKey;

use crate::http::AwsError;
use crate::place;
use crate::services::redshift_data::status::Status;
use crate::services::redshift_data::store::{self, End, Statement};
use crate::services::redshift_data::{RedshiftData, event};

/// Statements of an earlier process. To be read before this one accepts any.
#[derive(Debug)]
pub(crate) struct Left(Vec<Statement>);

impl RedshiftData {
    /// What is left.
    ///
    /// # Errors
    /// What the database says.
    pub(crate) async fn left(&self) -> Result<Left, AwsError> {
        Ok(Left(self.shared.worker.run(|db| store::unfinished(db)).await??))
    }

    /// Fails the statements that did not end: their sessions are gone, or have nobody who takes their rows. The server
    /// is asked to cancel those. Events that are due are sent.
    pub(crate) fn resume(&self, left: Left) {
        for statement in left.0 {
            let shared = Arc::clone(&self.shared);
            self.shared.tasks.spawn(async move {
                let ended = match statement.status.has_ended() {
                    true => statement,
                    false => {
                        let target = shared.warehouses.target(&statement.warehouse).cloned();
                        if let (Some(target), Some(pid), Some(secret)) = (target, statement.pid, statement.secret) {
                            let key = CancelKey::new(target, pid, secret);
                            // If the server does not answer, the session has ended with it.
                            let _ = tokio::task::spawn_blocking(move || key.cancel()).await;
                        }
                        let error = "The endpoint ended before the statement did; whether it took effect is not known.";
                        let end = End { status: Status::Failed, error: Some(error.to_owned()) };
                        let number = statement.number;
                        let written = shared
                            .worker
                            .run(move |db| store::ended(db, number, &[], &end, place::now_ms()))
                            .await
                            .map_err(AwsError::from)
                            .and_then(std::convert::identity);
                        match written {
                            Ok(ended) => ended,
                            Err(error) => {
                                tracing::error!("a statement cannot be closed: {}", error.message);
                                return;
                            }
                        }
                    }
                };
                event::report(&shared, &ended).await;
            });
        }
    }
}
