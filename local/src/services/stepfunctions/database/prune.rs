//! Removes old executions.

use jiff::{SignedDuration, Timestamp};
use rusqlite::Connection;

use super::Database;
use crate::http::AwsError;

/// How long the service keeps an execution after its end.
///
/// <https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html#service-limits-state-machine-executions>
const REMEMBERED: SignedDuration = SignedDuration::from_hours(90 * 24);

/// Executions that are removed in one transaction. Each may have thousands of events, and other queries wait.
const AT_ONCE: usize = 20;

impl Database {
    /// Removes executions that ended longer ago than the service keeps them, with all their data, except those whose end was
    /// not reported yet.
    pub(crate) async fn forget_old(&self) -> Result<(), AwsError> {
        let before = Timestamp::now().checked_sub(REMEMBERED).unwrap_or(Timestamp::MIN).as_millisecond();
        let mut any = false;
        while self.run(move |db| forget_some(db, before)).await? > 0 {
            any = true;
        }
        if any {
            self.run(|db| forget_definitions(db)).await?;
        }
        Ok(())
    }
}

fn forget_some(db: &Connection, before: i64) -> rusqlite::Result<usize> {
    db.prepare_cached(
        "DELETE FROM execution WHERE id IN
            (SELECT id FROM execution WHERE stopped < ?1 AND reported = 1 LIMIT ?2)",
    )?
    .execute((before, AT_ONCE))
}

/// Removes definitions that no state machine and no execution uses.
fn forget_definitions(db: &Connection) -> rusqlite::Result<usize> {
    db.execute(
        "DELETE FROM definition WHERE id NOT IN (SELECT definition_id FROM machine
                                                 UNION SELECT definition_id FROM execution)",
        [],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_over_for_long_is_forgotten_while_the_endpoint_runs() {
        let dir = tempfile::tempdir().unwrap();
        let database = Database::open(dir.path()).unwrap();
        let old = Timestamp::now().as_millisecond() - SignedDuration::from_hours(91 * 24).as_secs() * 1000;
        let add = move |db: &mut Connection| {
            db.execute("INSERT INTO definition (id, text) VALUES (1, 'a'), (2, 'b')", [])?;
            for number in 0..50 {
                // Every tenth is recent, every tenth was not told, every tenth still runs.
                let (stopped, reported) = match number % 10 {
                    0 => (Some(old * 2), true),
                    1 => (Some(old), false),
                    2 => (None, false),
                    _ => (Some(old), true),
                };
                let definition = if reported && number % 10 != 0 { 1 } else { 2 };
                db.execute(
                    "INSERT INTO execution (arn, name, machine_arn, machine_name, role_arn, definition_id, input,
                                            started, seed, awaited, status, stopped, reported)
                     VALUES (?1, ?1, 'm', 'm', 'r', ?2, '{}', 0, x'00', 0, 'FAILED', ?3, ?4)",
                    (number.to_string(), definition, stopped, reported),
                )?;
            }
            Ok(())
        };
        database.run(add).await.unwrap();
        database.forget_old().await.unwrap();
        let left = database
            .run(|db| {
                let count =
                    |of: &str| db.query_row(&format!("SELECT COUNT(*) FROM {of}"), [], |row| row.get(0));
                Ok::<(i64, i64), rusqlite::Error>((count("execution")?, count("definition")?))
            })
            .await
            .unwrap();
        assert_eq!(left, (15, 1), "recent, untold and running ones stay, with their definition");
    }
}
