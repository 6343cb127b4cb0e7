//! Histories of executions that have ended.

use super::Database;
use crate::http::AwsError;

impl Database {
    /// The number of events.
    pub(crate) async fn count_events(&self, execution: i64) -> Result<usize, AwsError> {
        self.run(move |db| {
            db.prepare_cached("SELECT count(*) FROM event WHERE execution_id = ?1")?
                .query_row([execution], |row| row.get(0))
        })
        .await
    }

    /// Up to `size` events after the first `skip`, each as JSON.
    pub(crate) async fn events(
        &self,
        execution: i64,
        skip: usize,
        size: usize,
    ) -> Result<Vec<String>, AwsError> {
        self.run(move |db| {
            // Their ids count from 1 without a gap.
            db.prepare_cached(
                "SELECT event FROM event WHERE execution_id = ?1 AND id > ?2 ORDER BY id LIMIT ?3",
            )?
            .query_map((execution, skip, size), |row| row.get(0))?
            .collect()
        })
        .await
    }
}
