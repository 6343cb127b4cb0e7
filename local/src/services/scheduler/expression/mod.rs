//! Schedule expressions: pure, without a clock.
//!
//! `at(…)`, `rate(…)` and `cron(…)` in a time zone. Daylight saving time is as the service documents it: a local
//! time that does not exist is skipped, and one that comes twice counts once, the first time. A day of a rate is 24
//! hours.
//!
//! <https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html>

mod cron;
mod field;

#[cfg(test)]
mod tests;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use cron::Cron;

/// When a schedule fires.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expression {
    /// Once, at this local time.
    At(DateTime),
    /// Every so often.
    Rate(SignedDuration),
    Cron(Box<Cron>),
}

impl Expression {
    /// Reads an expression.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let inside = |name: &str| text.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')');
        if let Some(moment) = inside("at") {
            let valid =
                |m: &str| m.len() == "yyyy-mm-ddThh:mm:ss".len() && m.as_bytes().get(10) == Some(&b'T');
            let moment = valid(moment).then(|| moment.parse().ok()).flatten();
            return moment.map(Self::At).ok_or_else(|| "at needs a time as yyyy-mm-ddThh:mm:ss".to_owned());
        }
        if let Some(rate) = inside("rate") {
            return parse_rate(rate).map(Self::Rate);
        }
        match inside("cron") {
            Some(fields) => Cron::parse(fields).map(|cron| Self::Cron(Box::new(cron))),
            None => Err("it is none of at(…), rate(…) and cron(…)".to_owned()),
        }
    }

    /// The first time after `after`. A rate counts from `anchor`, and fires there too.
    pub(super) fn next(&self, after: Timestamp, anchor: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        match self {
            Self::At(moment) => {
                // A local time that does not exist is taken as the clock would show it without the change.
                let moment = zone.to_ambiguous_timestamp(*moment).compatible().ok()?;
                (moment > after).then_some(moment)
            }
            Self::Rate(period) => {
                if anchor > after {
                    return Some(anchor);
                }
                let (period, past) = (period.as_millis(), after.duration_since(anchor).as_millis());
                let ahead = i64::try_from((past / period + 1).checked_mul(period)?).ok()?;
                anchor.checked_add(SignedDuration::from_millis(ahead)).ok()
            }
            Self::Cron(cron) => cron.next(after, zone),
        }
    }

    /// Whether it fires once only.
    pub(super) fn is_once(&self) -> bool {
        matches!(self, Self::At(_))
    }
}

fn parse_rate(text: &str) -> Result<SignedDuration, String> {
    let malformed = || "rate needs a positive number and minutes, hours or days".to_owned();
    let mut parts = text.split_whitespace();
    let (Some(value), Some(unit), None) = (parts.next(), parts.next(), parts.next()) else {
        return Err(malformed());
    };
    let value: i64 =
        value.parse().ok().filter(|value| (1..=1_000_000_000).contains(value)).ok_or_else(malformed)?;
    let minutes = match unit {
        "minute" | "minutes" => 1,
        "hour" | "hours" => 60,
        "day" | "days" => 24 * 60,
        _ => return Err(malformed()),
    };
    Ok(SignedDuration::from_mins(value * minutes))
}
