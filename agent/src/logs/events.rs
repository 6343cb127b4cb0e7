//! Splits the bytes of a log file into events within the limits of CloudWatch Logs.

use std::collections::VecDeque;

use rsqlflow_core::Timestamp;

/// A line of the log, or a part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// When it was written, with a precision of about a second.
    pub at: Timestamp,
    /// The text. It is never empty, because the service would refuse that.
    pub message: String,
}

/// Limits of one call (CloudWatch Logs API reference, `PutLogEvents`).
pub mod service {
    /// Bytes of all messages in UTF-8, and [`EVENT_OVERHEAD`] for each.
    pub const BATCH_BYTES: usize = 1_048_576;
    /// Overhead of each event in bytes.
    pub const EVENT_OVERHEAD: usize = 26;
    /// Events in a call.
    pub const BATCH_EVENTS: usize = 10_000;
    /// Maximum size of a message. It is 1 MB now, but was 256 KB for years.
    pub const EVENT_BYTES: usize = 262_144 - EVENT_OVERHEAD;
    /// Between the first and the last event of a call, in milliseconds.
    pub const BATCH_SPAN_MILLIS: i64 = 24 * 3600 * 1000;
}

/// A quarter of the service's limit. A batch exists as bytes, strings and JSON at the same time in the agent's memory; an
/// additional call for every 256 KB costs less.
pub const BATCH_BYTES: usize = service::BATCH_BYTES / 4;

/// A fifth of the service's limit. Each event is a string and a struct in addition to its JSON, which is more than a short
/// line.
pub const BATCH_EVENTS: usize = service::BATCH_EVENTS / 5;

/// The length to which the SSM agent's uploader cuts lines, below the service's limit and that of a batch.
pub const EVENT_BYTES: usize = 200_000;

/// The length of the file over time: as many times as needed to date lines to a second, but at most [`Marks::MOST`].
#[derive(Clone, Debug, Default)]
pub struct Marks(VecDeque<(u64, Timestamp)>);

impl Marks {
    /// With more marks, some are removed, and old lines are dated less exactly.
    pub const MOST: usize = 256;

    /// Times closer than this, in milliseconds, are merged.
    const APART: i64 = 500;

    /// The file grew from `start` at this time.
    pub fn add(&mut self, start: u64, at: Timestamp) {
        match self.0.back() {
            Some((_, last)) if at.millis_since(*last) < Self::APART => return,
            _ => self.0.push_back((start, at)),
        }
        if self.0.len() > Self::MOST {
            let mut keep = false;
            self.0.retain(|_| {
                keep = !keep;
                keep
            });
        }
    }

    /// When the byte at `offset` was written.
    #[must_use]
    pub fn at(&self, offset: u64) -> Timestamp {
        let after = self.0.partition_point(|(start, _)| *start <= offset);
        self.0.get(after.saturating_sub(1)).map_or_else(|| Timestamp::from_millis(0), |(_, at)| *at)
    }

    /// Nothing before `offset` is needed any more.
    pub fn forget_before(&mut self, offset: u64) {
        while self.0.get(1).is_some_and(|(start, _)| *start <= offset) {
            self.0.pop_front();
        }
    }
}

/// The state of the bytes after a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// They are being written.
    Growing,
    /// The script has been silent for a while: an unfinished line, such as a prompt, is sent.
    Silent,
    /// There are none.
    Ended,
}

/// Splits a file into events, window by window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cutter {
    /// Everything before it was processed.
    offset: u64,
    /// The last event was a part of a line that has not ended.
    within_line: bool,
}

impl Cutter {
    /// Continues at the position of an earlier one.
    #[must_use]
    pub const fn after(offset: u64) -> Self {
        Self { offset, within_line: false }
    }

    /// How much of the file was processed.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// The next batch from `window`, which begins at [`Self::offset`]. A line without its end waits for more,
    /// unless it is too long, or `rest` says that more will not come, or not soon. Answers with the cutter behind the
    /// batch: who fails to send the batch keeps the one before.
    #[must_use]
    pub fn cut(self, window: &[u8], rest_is: Rest, marks: &Marks) -> (Vec<Event>, Self) {
        let ended = rest_is == Rest::Ended;
        let (mut next, mut events) = (self, Vec::new());
        let (mut used, mut bytes) = (0, 0);
        let mut first = None;
        while let Some(rest) = window.get(used..).filter(|rest| !rest.is_empty()) {
            let end = rest.iter().take(EVENT_BYTES + 1).position(|&byte| byte == b'\n');
            let (line, whole) = match end {
                Some(end) => (rest.get(..end).unwrap_or_default(), true),
                None if rest_is != Rest::Growing || rest.len() > EVENT_BYTES => (rest, ended),
                None => break,
            };
            if line.is_empty() && next.within_line {
                used += 1;
                next.within_line = false;
                continue;
            }
            let at = marks.at(self.offset + used as u64);
            let (mut message, taken) = lossy(line, EVENT_BYTES, whole);
            if taken == 0 && !line.is_empty() {
                // The start of a character that has not ended.
                break;
            }
            if message.is_empty() {
                message.push(' ');
            }
            let size = message.len() + service::EVENT_OVERHEAD;
            let start = *first.get_or_insert(at);
            if bytes + size > BATCH_BYTES
                || events.len() == BATCH_EVENTS
                || at.millis_since(start) >= service::BATCH_SPAN_MILLIS
            {
                break;
            }
            bytes += size;
            events.push(Event { at, message });
            let line_done = end.is_some() && taken == line.len();
            used += taken + usize::from(line_done);
            next.within_line = !line_done;
        }
        next.offset += used as u64;
        (events, next)
    }
}

/// As much of `bytes` as fits into `most` bytes of text, with U+FFFD for what is no UTF-8, and how many bytes
/// that was. A character that the end of `bytes` cuts off stays for the next piece, unless that end is final.
fn lossy(bytes: &[u8], most: usize, end_is_final: bool) -> (String, usize) {
    let mut text = String::with_capacity(bytes.len().min(most));
    let mut taken = 0;
    for chunk in bytes.utf8_chunks() {
        let valid = chunk.valid();
        let room = most - text.len();
        if valid.len() > room {
            let cut = valid.floor_char_boundary(room);
            text.push_str(valid.get(..cut).unwrap_or_default());
            return (text, taken + cut);
        }
        text.push_str(valid);
        taken += valid.len();
        let invalid = chunk.invalid();
        if invalid.is_empty() {
            break;
        }
        let cut_off = !end_is_final
            && taken + invalid.len() == bytes.len()
            && std::str::from_utf8(invalid).is_err_and(|error| error.error_len().is_none());
        if text.len() + char::REPLACEMENT_CHARACTER.len_utf8() > most || cut_off {
            break;
        }
        text.push(char::REPLACEMENT_CHARACTER);
        taken += invalid.len();
    }
    (text, taken)
}

#[cfg(test)]
#[path = "events_tests.rs"]
mod tests;
