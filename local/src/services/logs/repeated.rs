//! Batches that come twice.
//!
//! A client whose request was answered by nobody sends it again, and the service takes it again: its logs then show
//! the lines twice. An endpoint on one machine is killed more often than the service, so it looks: a batch that begins
//! with the whole batch taken last, word for word and to the millisecond, is that batch sent again, perhaps with
//! lines that have come since.

use rusqlite::{Connection, OptionalExtension as _};

use crate::services::logs::put::Event;

/// How many events at the start of a batch are in the stream already, because they came with the last one.
pub(super) fn count(db: &Connection, stream: i64, batch: &[Event]) -> rusqlite::Result<usize> {
    let last: Option<i64> = db
        .prepare_cached("SELECT last_batch FROM log_stream WHERE id = ?1")?
        .query_row([stream], |row| row.get(0))
        .optional()?
        .flatten();
    let Some(last) = last else { return Ok(0) };
    let mut statement =
        db.prepare_cached("SELECT moment, message FROM event WHERE stream_id = ?1 AND id >= ?2 ORDER BY id")?;
    let mut taken = statement.query((stream, last))?;
    let mut events = batch.iter();
    let mut count = 0;
    // Nearly always the first comparison ends it.
    while let Some(row) = taken.next()? {
        let Some(event) = events.next() else { return Ok(0) };
        if row.get::<_, i64>(0)? != event.timestamp || row.get_ref(1)?.as_str()? != event.message {
            return Ok(0);
        }
        count += 1;
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream() -> Connection {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch(
            "CREATE TABLE log_stream (id INTEGER PRIMARY KEY, last_batch INTEGER);
             CREATE TABLE event (id INTEGER PRIMARY KEY, stream_id INTEGER, moment INTEGER, message TEXT);
             INSERT INTO log_stream VALUES (1, 2);
             INSERT INTO event VALUES (1, 1, 5, 'before'), (2, 1, 6, 'a'), (3, 2, 6, 'of another'), (4, 1, 7, 'b');",
        )
        .unwrap();
        db
    }

    fn batch(events: &[(i64, &str)]) -> Vec<Event> {
        events
            .iter()
            .map(|(timestamp, text)| Event { timestamp: *timestamp, message: (*text).into() })
            .collect()
    }

    #[test]
    fn only_the_whole_last_batch_is_a_repetition() {
        let db = stream();
        let repeated = |events| count(&db, 1, &batch(events)).unwrap();
        assert_eq!(repeated(&[(6, "a"), (7, "b")]), 2, "the same again");
        assert_eq!(repeated(&[(6, "a"), (7, "b"), (7, "c")]), 2, "with a line more");
        assert_eq!(repeated(&[(6, "a")]), 0, "a part of it is a new line that looks the same");
        assert_eq!(repeated(&[(6, "a"), (8, "b")]), 0, "another moment");
        assert_eq!(repeated(&[(6, "a"), (7, "B")]), 0, "another word");
        assert_eq!(repeated(&[(5, "before")]), 0, "an older batch");
        assert_eq!(count(&db, 3, &batch(&[(6, "a")])).unwrap(), 0, "a stream that nobody knows");
    }
}
