//! The clock.
//!
//! A time that passed while the endpoint was down: the service is never down, it would have called the target, and
//! retried it up to `MaximumEventAgeInSeconds`. So the latest missed time fires at the start if it is not older
//! than that. Those before it do not: a machine that slept over the weekend should run a job once, not once for
//! each hour.

use std::time::Duration;

use rusqlite::Connection;

use super::definition::{ActionAfterCompletion, Definition, State, arn};
use super::{Scheduler, deliver};
use crate::http::AwsError;
use crate::place;
use crate::services::delivery;
use crate::services::link::Link;

/// The clock looks at least so often: the machine may be suspended, or its time set.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// The pause when the database fails.
const DATABASE_PAUSE: Duration = Duration::from_secs(1);

/// A schedule that is due.
struct Due {
    group: String,
    name: String,
    definition: String,
    modified: i64,
    time: i64,
}

impl Scheduler {
    /// Fires until the endpoint closes.
    pub(super) async fn run(&self, link: &Link) {
        tokio::select! {
            () = self.closing.cancelled() => return,
            () = link.tied() => {}
        }
        loop {
            let now = place::now_ms();
            let pause = match self.worker.run(move |db| fire(db, now)).await {
                Err(_) => return,
                Ok(Ok((fired, next))) => {
                    if fired {
                        self.queue.wake();
                    }
                    let left = next.map(|next| u64::try_from(next - place::now_ms()).unwrap_or(0));
                    left.map_or(LONGEST_PAUSE, |left| Duration::from_millis(left).min(LONGEST_PAUSE))
                }
                Ok(Err(error)) => {
                    tracing::error!("schedules cannot be read: {}", error.message);
                    DATABASE_PAUSE
                }
            };
            tokio::select! {
                () = self.closing.cancelled() => return,
                () = self.changed.notified() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }
}

/// Queues what is due; says whether there was anything, and when the next is due.
fn fire(db: &mut Connection, now: i64) -> Result<(bool, Option<i64>), AwsError> {
    let transaction = db.transaction()?;
    let due = transaction
        .prepare_cached(
            "SELECT group_name, name, definition, modified, next FROM schedule WHERE next <= ?1 ORDER BY next",
        )?
        .query_map([now], |row| {
            Ok(Due {
                group: row.get(0)?,
                name: row.get(1)?,
                definition: row.get(2)?,
                modified: row.get(3)?,
                time: row.get(4)?,
            })
        })?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    for due in &due {
        fire_one(&transaction, due, now)?;
    }
    let next = transaction
        .prepare_cached("SELECT MIN(next) FROM schedule WHERE next IS NOT NULL")?
        .query_row([], |row| row.get(0))?;
    transaction.commit()?;
    Ok((!due.is_empty(), next))
}

fn fire_one(db: &Connection, due: &Due, now: i64) -> Result<(), AwsError> {
    let read = || {
        let definition: Definition = serde_json::from_str(&due.definition).map_err(AwsError::internal)?;
        let plan = definition.plan(due.modified)?;
        // Its target too: this version may not know it.
        deliver::address(&definition, &arn(&due.group, &due.name), due.time)?;
        Ok::<_, AwsError>((definition, plan))
    };
    let (definition, plan) = match read() {
        Ok(read) => read,
        // As another version may have left it. It must not keep the others from their times.
        Err(error) => {
            let arn = arn(&due.group, &due.name);
            tracing::error!(schedule = arn, "cannot be read, so it does not fire now: {}", error.message);
            // Asked again in an hour: a version that can read it may be back by then.
            db.prepare_cached("UPDATE schedule SET next = ?3 WHERE group_name = ?1 AND name = ?2")?
                .execute((&due.group, &due.name, now + 3_600_000))?;
            return Ok(());
        }
    };
    let (mut latest, mut skipped) = (due.time, 0_u64);
    let next = loop {
        match plan.next(latest) {
            Some(next) if next <= now => {
                latest = next;
                skipped += 1;
            }
            next => break next,
        }
    };
    let oldest = now - i64::from(definition.target.retry_policy.maximum_event_age_in_seconds) * 1000;
    let arn = arn(&due.group, &due.name);
    if latest < oldest {
        skipped += 1;
    } else if definition.state == State::Enabled {
        let (address, payload) = deliver::address(&definition, &arn, latest)?;
        delivery::add(db, &address, &payload, latest + definition.delay())?;
    }
    if skipped > 0 {
        tracing::warn!(schedule = arn, skipped, "times were missed while the endpoint was down");
    }
    if next.is_none() && definition.action_after_completion == ActionAfterCompletion::Delete {
        db.prepare_cached("DELETE FROM schedule WHERE group_name = ?1 AND name = ?2")?
            .execute((&due.group, &due.name))?;
    } else {
        db.prepare_cached("UPDATE schedule SET next = ?3 WHERE group_name = ?1 AND name = ?2")?
            .execute((&due.group, &due.name, next))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::services::scheduler::TABLES;
    use crate::storage::Schema;

    const HOUR: i64 = 3_600_000;
    const START: i64 = 1_767_225_600_000;

    /// A database with one schedule that was made at [`START`].
    #[expect(clippy::needless_pass_by_value, reason = "cases are written as they are")]
    fn database(dir: &std::path::Path, change: serde_json::Value) -> Connection {
        let tables = [TABLES, delivery::TABLE].concat();
        let db = Schema { file: "scheduler.sqlite3", version: 1, tables: &tables }.open(dir).unwrap();
        let mut definition = json!({
            "ScheduleExpression": "rate(1 hour)",
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "Target": {"Arn": "arn:aws:sns:us-east-1:000000000000:t", "RoleArn": "arn:aws:iam::000000000000:role/r"},
        });
        for (name, value) in change.as_object().unwrap() {
            definition[name] = value.clone();
        }
        let parsed: Definition = serde_json::from_value(definition.clone()).unwrap();
        parsed.check(START).unwrap();
        let first = parsed.plan(START).unwrap().first();
        db.execute(
            "INSERT INTO schedule (group_name, name, definition, created, modified, next)
             VALUES ('default', 's', ?1, ?2, ?2, ?3)",
            (definition.to_string(), START, first),
        )
        .unwrap();
        db
    }

    fn fired(db: &Connection) -> Vec<i64> {
        let mut statement = db.prepare("SELECT due FROM delivery ORDER BY id").unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.collect::<rusqlite::Result<_>>().unwrap()
    }

    #[test]
    fn each_time_fires_once_and_the_next_is_known() {
        let dir = tempfile::tempdir().unwrap();
        let mut db = database(dir.path(), json!({}));
        assert_eq!(fire(&mut db, START - 1).unwrap(), (false, Some(START)));
        assert_eq!(fire(&mut db, START).unwrap(), (true, Some(START + HOUR)));
        assert_eq!(fire(&mut db, START + 1).unwrap(), (false, Some(START + HOUR)));
        assert_eq!(fire(&mut db, START + HOUR + 5).unwrap(), (true, Some(START + 2 * HOUR)));
        assert_eq!(fired(&db), [START, START + HOUR]);
    }

    #[test]
    fn of_the_missed_times_the_latest_fires_if_it_is_not_too_old() {
        let dir = tempfile::tempdir().unwrap();
        let mut db = database(dir.path(), json!({}));
        assert_eq!(fire(&mut db, START + 60 * HOUR + 1).unwrap(), (true, Some(START + 61 * HOUR)));
        assert_eq!(fired(&db), [START + 60 * HOUR]);

        let dir = tempfile::tempdir().unwrap();
        let mut db = database(dir.path(), json!({"ScheduleExpression": "at(2026-01-01T00:00:10)"}));
        fire(&mut db, START + 25 * HOUR).unwrap();
        assert_eq!(fired(&db), [0_i64; 0]);
    }

    #[test]
    fn a_schedule_completes_at_its_end() {
        let dir = tempfile::tempdir().unwrap();
        let end = (START + HOUR) as f64 / 1000.0;
        let mut db = database(dir.path(), json!({"EndDate": end, "ActionAfterCompletion": "DELETE"}));
        assert_eq!(fire(&mut db, START).unwrap(), (true, Some(START + HOUR)));
        assert_eq!(fire(&mut db, START + HOUR).unwrap(), (true, None));
        let left: i64 = db.query_row("SELECT COUNT(*) FROM schedule", [], |row| row.get(0)).unwrap();
        assert_eq!((left, fired(&db).len()), (0, 2));
    }

    #[test]
    fn one_that_cannot_be_read_does_not_keep_the_others_from_their_times() {
        let dir = tempfile::tempdir().unwrap();
        let mut db = database(dir.path(), json!({}));
        for (name, definition) in [("bad", "{"), ("new", r#"{"ScheduleExpression": "sometimes"}"#)] {
            db.execute(
                "INSERT INTO schedule (group_name, name, definition, created, modified, next)
                 VALUES ('default', ?1, ?2, ?3, ?3, ?4)",
                (name, definition, START, START - 1),
            )
            .unwrap();
        }
        assert_eq!(fire(&mut db, START).unwrap(), (true, Some(START + HOUR)));
        assert_eq!(fired(&db), [START]);
        assert_eq!(fire(&mut db, START + 1).unwrap(), (false, Some(START + HOUR)));
    }

    #[test]
    fn a_disabled_schedule_moves_on_without_firing() {
        let dir = tempfile::tempdir().unwrap();
        let mut db = database(dir.path(), json!({"State": "DISABLED"}));
        assert_eq!(fire(&mut db, START + HOUR).unwrap().1, Some(START + 2 * HOUR));
        assert_eq!(fired(&db), [0_i64; 0]);
    }
}
