//! Six fields: minutes, hours, day of month, month, day of week, year.

use jiff::civil::{Date, DateTime, Weekday, date};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, ToSpan as _};

use super::field::{DAYS, HOURS, MINUTES, MONTHS, Set, WEEKDAYS, YEARS};

/// A compiled cron expression.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::services::scheduler) struct Cron {
    minutes: Set,
    hours: Set,
    days: Days,
    months: Set,
    years: Set,
}

/// Which days of a month.
#[derive(Debug, Clone, PartialEq)]
enum Days {
    /// By the day of the month.
    OfMonth(Set),
    /// `L`.
    LastOfMonth,
    /// `15W`: the weekday nearest to that day, within the month.
    NearestWeekday(i8),
    /// By the day of the week; Sunday is 1.
    OfWeek(Set),
    /// `6L`: the month's last Friday.
    LastWeekday(i8),
    /// `6#3`: the month's third Friday.
    NthWeekday { weekday: i8, nth: i8 },
}

impl Cron {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minutes, hours, day, month, weekday, year] = fields.as_slice() else {
            return Err(format!("cron needs 6 fields and has {}", fields.len()));
        };
        let days = match (*day, *weekday) {
            ("?", "?") => return Err("one of day-of-month and day-of-week must not be ?".to_owned()),
            (day, "?") => days_of_month(day)?,
            ("?", weekday) => days_of_week(weekday)?,
            _ => return Err("one of day-of-month and day-of-week must be ?".to_owned()),
        };
        Ok(Self {
            minutes: MINUTES.set(minutes)?,
            hours: HOURS.set(hours)?,
            days,
            months: MONTHS.set(month)?,
            years: YEARS.set(year)?,
        })
    }

    /// The first time after `after`.
    pub(super) fn next(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let mut from = after.to_zoned(zone.clone()).datetime();
        loop {
            let local = self.next_local(from)?;
            let ambiguous = zone.to_ambiguous_timestamp(local);
            let moment = match ambiguous.offset() {
                AmbiguousOffset::Gap { .. } => None,
                // The first of the two; the second does not fire.
                AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Fold { .. } => {
                    ambiguous.earlier().ok()
                }
            };
            if let Some(moment) = moment.filter(|moment| *moment > after) {
                return Some(moment);
            }
            from = local.checked_add(1.minute()).ok()?;
        }
    }

    /// The first local time of whole minutes that is at least `from`.
    fn next_local(&self, from: DateTime) -> Option<DateTime> {
        let whole = from.date().at(from.hour(), from.minute(), 0, 0);
        let from = if whole < from { whole.checked_add(1.minute()).ok()? } else { whole };
        let mut day = from.date();
        let mut earliest = from.time();
        loop {
            day = self.next_day(day)?;
            if day > from.date() {
                earliest = jiff::civil::Time::midnight();
            }
            if let Some(time) = self.next_time(earliest) {
                return Some(day.to_datetime(time));
            }
            day = day.tomorrow().ok()?;
        }
    }

    fn next_time(&self, from: jiff::civil::Time) -> Option<jiff::civil::Time> {
        let (from_hour, from_minute) = (i16::from(from.hour()), i16::from(from.minute()));
        let mut hour = self.hours.from(from_hour)?;
        let mut minute = self.minutes.from(if hour == from_hour { from_minute } else { 0 });
        if minute.is_none() {
            hour = self.hours.from(hour + 1)?;
            minute = self.minutes.from(0);
        }
        jiff::civil::Time::new(i8::try_from(hour).ok()?, i8::try_from(minute?).ok()?, 0, 0).ok()
    }

    /// The first day that is at least `from`.
    fn next_day(&self, from: Date) -> Option<Date> {
        let mut first = from;
        loop {
            let year = self.years.from(first.year())?;
            if year > first.year() {
                first = date(year, 1, 1);
            }
            let Some(month) = self.months.from(i16::from(first.month())) else {
                first = date(first.year().checked_add(1)?, 1, 1);
                continue;
            };
            let month = i8::try_from(month).ok()?;
            if month > first.month() {
                first = date(first.year(), month, 1);
            }
            let last = first.last_of_month();
            if let Some(day) = (first.day()..=last.day())
                .filter_map(|day| Date::new(first.year(), first.month(), day).ok())
                .find(|day| self.days.contains(*day))
            {
                return Some(day);
            }
            first = last.tomorrow().ok()?;
        }
    }
}

impl Days {
    fn contains(&self, day: Date) -> bool {
        let weekday = day.weekday().to_sunday_one_offset();
        match self {
            Self::OfMonth(days) => days.contains(i16::from(day.day())),
            Self::LastOfMonth => day.day() == day.days_in_month(),
            Self::NearestWeekday(wanted) => nearest_weekday(day, *wanted) == Some(day),
            Self::OfWeek(days) => days.contains(i16::from(weekday)),
            Self::LastWeekday(wanted) => weekday == *wanted && day.day() + 7 > day.days_in_month(),
            Self::NthWeekday { weekday: wanted, nth } => {
                weekday == *wanted && (day.day() - 1) / 7 + 1 == *nth
            }
        }
    }
}

/// The weekday nearest to a day of the month of `month`; none if the month has no such day.
fn nearest_weekday(month: Date, day: i8) -> Option<Date> {
    let wanted = Date::new(month.year(), month.month(), day).ok()?;
    let days = match (wanted.weekday(), day) {
        // It does not leave the month.
        (Weekday::Saturday, 1) => 2,
        (Weekday::Saturday, _) => -1,
        (Weekday::Sunday, day) if day == wanted.days_in_month() => -2,
        (Weekday::Sunday, _) => 1,
        _ => 0,
    };
    wanted.checked_add(days.days()).ok()
}

fn days_of_month(text: &str) -> Result<Days, String> {
    if text == "L" {
        return Ok(Days::LastOfMonth);
    }
    match text.strip_suffix('W') {
        Some(day) => Ok(Days::NearestWeekday(small(DAYS.number(day)?))),
        None => DAYS.set(text).map(Days::OfMonth),
    }
}

fn days_of_week(text: &str) -> Result<Days, String> {
    if text == "L" {
        // The last day of the week.
        return WEEKDAYS.set("SAT").map(Days::OfWeek);
    }
    if let Some((weekday, nth)) = text.split_once('#') {
        let nth = nth
            .parse()
            .ok()
            .filter(|nth| (1..=5).contains(nth))
            .ok_or_else(|| format!("\"{nth}\" is no number of a weekday in a month, 1 to 5"))?;
        return Ok(Days::NthWeekday { weekday: small(WEEKDAYS.number(weekday)?), nth });
    }
    match text.strip_suffix('L') {
        Some(weekday) => Ok(Days::LastWeekday(small(WEEKDAYS.number(weekday)?))),
        None => WEEKDAYS.set(text).map(Days::OfWeek),
    }
}

/// Days of months and weeks are below 32.
fn small(number: i16) -> i8 {
    i8::try_from(number).unwrap_or(i8::MAX)
}
