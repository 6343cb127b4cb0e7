//! `PutLogEvents`.
//!
//! Limits: <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html>

use rusqlite::Connection;
use serde::Deserialize;
use serde_json::json;

use crate::http::{AwsError, Constraints, answer, parse};
use crate::place;
use crate::services::logs::{Logs, retention, rows};

/// Maximum number of events of a batch.
const EVENTS_A_BATCH: usize = 10_000;

const HOUR: i64 = 3_600_000;

/// Maximum time between the first and the last event of a batch.
const LONGEST_SPAN: i64 = 24 * HOUR;

/// Older events are rejected one by one.
const OLDEST: i64 = 14 * 24 * HOUR;

/// Events further in the future are rejected one by one.
const NEWEST: i64 = 2 * HOUR;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Put {
    log_group_name: String,
    log_stream_name: String,
    log_events: Vec<Event>,
    /// The service ignores it too.
    #[serde(rename = "sequenceToken")]
    _sequence_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Event {
    timestamp: i64,
    message: String,
}

impl Event {
    /// Size in bytes, as the service counts it.
    fn size(&self) -> usize {
        self.message.len() + rows::EVENT_OVERHEAD
    }
}

impl Logs {
    /// A batch whose answer was lost is sent again with the same `invocation`. The service stores it twice. An endpoint on
    /// one machine is killed more often, so it checks for repetitions.
    pub(super) async fn put_log_events(
        &self,
        body: &[u8],
        invocation: Option<&str>,
    ) -> Result<Vec<u8>, AwsError> {
        let invocation = invocation.map(str::to_owned);
        let request: Put = parse("PutLogEvents", body)?;
        check(&request.log_events)?;
        let now = place::now_ms();
        // The batch is in order, so events that are too old are at its start, and those too new at its end.
        let too_old = request.log_events.partition_point(|e| e.timestamp < now - OLDEST);
        let too_new = request.log_events.partition_point(|e| e.timestamp <= now + NEWEST);
        let count = request.log_events.len();
        let expired = self
            .worker
            .run(move |db| {
                let transaction = db.transaction()?;
                let group = rows::group_id(&transaction, &request.log_group_name)?;
                let stream = rows::stream_id(&transaction, group, &request.log_stream_name)?;
                let kept_from = retention::kept_from(&transaction, group)?;
                let expired = request.log_events.partition_point(|e| e.timestamp < kept_from);
                let accepted = request.log_events.get(too_old.max(expired)..too_new).unwrap_or_default();
                let taken = invocation.is_some() && last_invocation(&transaction, stream)? == invocation;
                let accepted = if taken { &[] } else { accepted };
                if let (Some(first), Some(last)) = (accepted.first(), accepted.last()) {
                    let mut insert = transaction.prepare_cached(
                        "INSERT INTO event (group_id, stream_id, moment, ingested, message)
                         VALUES (?1, ?2, ?3, ?4, ?5)",
                    )?;
                    for event in accepted {
                        insert.execute((group, stream, event.timestamp, now, &event.message))?;
                    }
                    transaction
                        .prepare_cached(
                            "UPDATE log_stream SET
                                first_event = MIN(COALESCE(first_event, ?2), ?2),
                                last_event = MAX(COALESCE(last_event, ?3), ?3),
                                last_ingestion = ?4,
                                last_invocation = ?5
                             WHERE id = ?1",
                        )?
                        .execute((stream, first.timestamp, last.timestamp, now, invocation))?;
                    let size: usize = accepted.iter().map(Event::size).sum();
                    transaction
                        .prepare_cached("UPDATE log_group SET stored = stored + ?2 WHERE id = ?1")?
                        .execute((group, size))?;
                }
                transaction.commit()?;
                Ok::<_, AwsError>(expired)
            })
            .await??;
        let mut rejected = serde_json::Map::new();
        if too_old > 0 {
            rejected.insert("tooOldLogEventEndIndex".to_owned(), too_old.into());
        }
        if expired > 0 {
            rejected.insert("expiredLogEventEndIndex".to_owned(), expired.into());
        }
        if too_new < count {
            rejected.insert("tooNewLogEventStartIndex".to_owned(), too_new.into());
        }
        if rejected.is_empty() {
            answer(&json!({}))
        } else {
            answer(&json!({"rejectedLogEventsInfo": rejected}))
        }
    }
}

fn last_invocation(db: &Connection, stream: i64) -> rusqlite::Result<Option<String>> {
    db.prepare_cached("SELECT last_invocation FROM log_stream WHERE id = ?1")?
        .query_row([stream], |row| row.get(0))
}

fn check(events: &[Event]) -> Result<(), AwsError> {
    let mut constraints = Constraints::default();
    constraints.items("logEvents", Some(events), 1..=EVENTS_A_BATCH);
    for (number, event) in events.iter().enumerate() {
        if event.message.is_empty() || event.timestamp < 0 {
            let member = format!("logEvents.{}.member", number + 1);
            constraints.length(&format!("{member}.message"), Some(&event.message), 1..=usize::MAX);
            constraints.range(&format!("{member}.timestamp"), Some(event.timestamp), 0..=i64::MAX);
            break;
        }
    }
    constraints.check("InvalidParameterException")?;
    let (Some(first), Some(last)) = (events.first(), events.last()) else { return Ok(()) };
    let size: usize = events.iter().map(Event::size).sum();
    if size > rows::LARGEST_PAGE {
        let message = format!("Upload too large: {size} bytes exceeds limit of {}", rows::LARGEST_PAGE);
        return Err(rows::invalid(message));
    }
    if !events.is_sorted_by_key(|e| e.timestamp) {
        return Err(rows::invalid(
            "Log events in a single PutLogEvents request must be in chronological order.",
        ));
    }
    if last.timestamp - first.timestamp > LONGEST_SPAN {
        let message =
            "The batch of log events in a single PutLogEvents request cannot span more than 24 hours.";
        return Err(rows::invalid(message));
    }
    Ok(())
}
