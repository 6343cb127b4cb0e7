//! `FilterLogEvents`.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use rusqlite::Connection;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::http::{AwsError, Constraints, answer, parse};
use crate::services::logs::pattern::Pattern;
use crate::services::logs::token::{Position, Token};
use crate::services::logs::{Logs, retention, rows};

/// Maximum number of events that one request reads. Beyond that, the answer has a token and the events found so far, as
/// in the service, so that one search cannot block all writers.
const LOOKED_AT: usize = 50_000;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Filter {
    log_group_name: Option<String>,
    log_group_identifier: Option<String>,
    log_stream_names: Option<Vec<String>>,
    log_stream_name_prefix: Option<String>,
    start_time: Option<i64>,
    end_time: Option<i64>,
    filter_pattern: Option<String>,
    next_token: Option<String>,
    limit: Option<usize>,
    /// The service always interleaves.
    #[serde(rename = "interleaved")]
    _interleaved: Option<bool>,
    start_from_head: Option<bool>,
    unmask: Option<bool>,
}

struct Search {
    group: i64,
    /// Ids and names of the streams to search. Empty: all streams of the group.
    streams: Option<HashMap<i64, String>>,
    pattern: Pattern,
    from: Token,
    start: i64,
    /// Last moment that is read.
    end: i64,
    limit: usize,
}

impl Logs {
    pub(super) async fn filter_log_events(&self, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        let request: Filter = parse("FilterLogEvents", body)?;
        let limit = rows::limit(request.limit, rows::EVENTS_A_PAGE, rows::EVENTS_A_PAGE)?;
        rows::refuse_unmask(request.unmask)?;
        let group_name = rows::group_name(request.log_group_name, request.log_group_identifier)?;
        let pattern = Pattern::parse(request.filter_pattern.as_deref().unwrap_or_default())?;
        // The first request selects the direction, and its tokens keep it.
        let from = match request.next_token.as_deref() {
            Some(text) => {
                Token::read(text).ok_or_else(|| rows::invalid("The specified nextToken is invalid."))?
            }
            None if request.start_from_head == Some(false) => Token::Backward(Position::END),
            None => Token::Forward(Position::START),
        };
        let (events, more) = self
            .worker
            .run(move |db| {
                let group = rows::group_id(db, &group_name)?;
                let streams = streams(db, group, request.log_stream_names, request.log_stream_name_prefix)?;
                let start = request.start_time.unwrap_or(i64::MIN).max(retention::kept_from(db, group)?);
                let end = request.end_time.unwrap_or(i64::MAX);
                search(db, &Search { group, streams, pattern, from, start, end, limit })
            })
            .await??;
        answer(&json!({
            "events": events, "searchedLogStreams": [], "nextToken": more.map(Token::write),
        }))
    }
}

fn streams(
    db: &Connection,
    group: i64,
    names: Option<Vec<String>>,
    prefix: Option<String>,
) -> Result<Option<HashMap<i64, String>>, AwsError> {
    match (names, prefix) {
        (None, None) => Ok(None),
        (Some(_), Some(_)) => {
            Err(rows::invalid("logStreamNames and logStreamNamePrefix are mutually exclusive"))
        }
        (Some(names), None) => {
            let mut constraints = Constraints::default();
            constraints.items("logStreamNames", Some(&names), 1..=100);
            constraints.check("InvalidParameterException")?;
            let found: Result<_, AwsError> =
                names.into_iter().map(|name| Ok((rows::stream_id(db, group, &name)?, name))).collect();
            found.map(Some)
        }
        (None, Some(prefix)) => {
            let found = db
                .prepare_cached(
                    "SELECT id, name FROM log_stream
                     WHERE group_id = ?1 AND name >= ?2 AND (?3 IS NULL OR name < ?3)",
                )?
                .query_map((group, &prefix, rows::prefix_end(&prefix)), |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect::<rusqlite::Result<_>>()?;
            Ok(Some(found))
        }
    }
}

/// Matching events, in ascending or descending order of time, and where to continue if there may be more.
fn search(db: &Connection, search: &Search) -> Result<(Vec<Value>, Option<Token>), AwsError> {
    // One stream has its own index. For several, the index of the group is scanned in order.
    let one = search.streams.as_ref().filter(|streams| streams.len() == 1).and_then(|s| s.keys().next());
    let (column, id) = match one {
        Some(stream) => ("stream_id", *stream),
        None => ("group_id", search.group),
    };
    let (from, beyond, way) = match search.from {
        Token::Forward(position) => (position, ">", "ASC"),
        Token::Backward(position) => (position, "<", "DESC"),
    };
    let token = |position| match search.from {
        Token::Forward(_) => Token::Forward(position),
        Token::Backward(_) => Token::Backward(position),
    };
    let mut statement = db.prepare_cached(&format!(
        "SELECT moment, id, ingested, message, stream_id FROM event
         WHERE {column} = ?1 AND moment >= ?2 AND moment <= ?3 AND (moment, id) {beyond} (?4, ?5)
         ORDER BY moment {way}, id {way}"
    ))?;
    let mut found = statement.query((id, search.start, search.end, from.moment, from.id))?;
    let mut names: HashMap<i64, String> = HashMap::new();
    let (mut events, mut size, mut last) = (Vec::new(), 0, from);
    let mut looked_at = 0;
    while let Some(row) = found.next()? {
        if looked_at == LOOKED_AT || events.len() == search.limit {
            return Ok((events, Some(token(last))));
        }
        looked_at += 1;
        let position = Position { moment: row.get(0)?, id: row.get(1)? };
        let stream: i64 = row.get(4)?;
        let text = row.get_ref(3)?.as_str().map_err(AwsError::internal)?;
        let wanted = search.streams.as_ref().is_none_or(|streams| streams.contains_key(&stream));
        if wanted && search.pattern.matches(text) {
            size += text.len() + rows::EVENT_OVERHEAD;
            if size > rows::LARGEST_PAGE && !events.is_empty() {
                return Ok((events, Some(token(last))));
            }
            let name = match names.entry(stream) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(place) => place.insert(stream_name(db, search, stream)?),
            };
            events.push(json!({
                "logStreamName": name, "timestamp": position.moment,
                "ingestionTime": row.get::<_, i64>(2)?, "message": text, "eventId": position.id.to_string(),
            }));
        }
        last = position;
    }
    Ok((events, None))
}

fn stream_name(db: &Connection, search: &Search, stream: i64) -> rusqlite::Result<String> {
    if let Some(name) = search.streams.as_ref().and_then(|streams| streams.get(&stream)) {
        return Ok(name.clone());
    }
    db.prepare_cached("SELECT name FROM log_stream WHERE id = ?1")?.query_row([stream], |row| row.get(0))
}
