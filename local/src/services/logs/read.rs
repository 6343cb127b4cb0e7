//! `GetLogEvents`.

use rusqlite::Connection;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::http::{AwsError, answer, parse};
use crate::services::logs::token::{Position, Token};
use crate::services::logs::{Logs, retention, rows};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Get {
    log_group_name: Option<String>,
    log_group_identifier: Option<String>,
    log_stream_name: String,
    start_time: Option<i64>,
    end_time: Option<i64>,
    next_token: Option<String>,
    limit: Option<usize>,
    #[serde(default)]
    start_from_head: bool,
    unmask: Option<bool>,
}

struct Range {
    stream: i64,
    /// First timestamp, inclusive.
    start: i64,
    /// Last timestamp, exclusive.
    end: i64,
    limit: usize,
}

struct Event {
    position: Position,
    ingested: i64,
    message: String,
}

impl Logs {
    pub(super) async fn get_log_events(&self, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        let request: Get = parse("GetLogEvents", body)?;
        let limit = rows::limit(request.limit, rows::EVENTS_A_PAGE, rows::EVENTS_A_PAGE)?;
        rows::refuse_unmask(request.unmask)?;
        let group_name = rows::group_name(request.log_group_name, request.log_group_identifier)?;
        let token = match request.next_token.as_deref() {
            Some(text) => {
                Token::read(text).ok_or_else(|| rows::invalid("The specified nextToken is invalid."))?
            }
            None if request.start_from_head => Token::Forward(Position::START),
            None => Token::Backward(Position::END),
        };
        let first_page = request.next_token.is_none();
        let events = self
            .worker
            .run(move |db| {
                let group = rows::group_id(db, &group_name)?;
                let stream = rows::stream_id(db, group, &request.log_stream_name)?;
                let start = request.start_time.unwrap_or(i64::MIN).max(retention::kept_from(db, group)?);
                let range = Range { stream, start, end: request.end_time.unwrap_or(i64::MAX), limit };
                Ok::<_, AwsError>(read(db, &range, token)?)
            })
            .await??;
        let (backward, forward) = match (events.first(), events.last()) {
            (Some(first), Some(last)) => (first.position, last.position),
            // At an end of the stream, the token of the request is returned, so that the reader can try again with it.
            _ => match token {
                Token::Forward(position) => (position, position),
                Token::Backward(_) if first_page => (Position::END, Position::START),
                Token::Backward(position) => (position, position),
            },
        };
        let events: Vec<Value> = events
            .into_iter()
            .map(|e| json!({"timestamp": e.position.moment, "ingestionTime": e.ingested, "message": e.message}))
            .collect();
        answer(&json!({
            "events": events,
            "nextForwardToken": Token::Forward(forward).write(),
            "nextBackwardToken": Token::Backward(backward).write(),
        }))
    }
}

/// A page of events in order of time, from the token on, limited by count and size.
fn read(db: &Connection, range: &Range, token: Token) -> rusqlite::Result<Vec<Event>> {
    let (sql, position) = match token {
        Token::Forward(position) => (
            "SELECT moment, id, ingested, message FROM event
             WHERE stream_id = ?1 AND moment >= ?2 AND moment < ?3 AND (moment, id) > (?4, ?5)
             ORDER BY moment, id LIMIT ?6",
            position,
        ),
        Token::Backward(position) => (
            "SELECT moment, id, ingested, message FROM event
             WHERE stream_id = ?1 AND moment >= ?2 AND moment < ?3 AND (moment, id) < (?4, ?5)
             ORDER BY moment DESC, id DESC LIMIT ?6",
            position,
        ),
    };
    let mut statement = db.prepare_cached(sql)?;
    let mut found =
        statement.query((range.stream, range.start, range.end, position.moment, position.id, range.limit))?;
    let mut events = Vec::new();
    let mut size = 0;
    while let Some(row) = found.next()? {
        let message: String = row.get(3)?;
        size += message.len() + rows::EVENT_OVERHEAD;
        if size > rows::LARGEST_PAGE && !events.is_empty() {
            break;
        }
        let position = Position { moment: row.get(0)?, id: row.get(1)? };
        events.push(Event { position, ingested: row.get(2)?, message });
    }
    if matches!(token, Token::Backward(_)) {
        events.reverse();
    }
    Ok(events)
}
