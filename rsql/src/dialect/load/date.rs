//! DATEFORMAT and TIMEFORMAT of COPY.
//! <https://docs.aws.amazon.com/redshift/latest/dg/r_DATEFORMAT_and_TIMEFORMAT_strings.html>

use jiff::civil::{Date, DateTime, Time};

/// How dates and times are written in a file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::dialect) enum DateFormat {
    /// `YYYY-MM-DD` and `YYYY-MM-DD HH:MI:SS`, a time zone's offset behind it for TIMESTAMPTZ.
    #[default]
    Iso,
    /// `auto`: whatever the server recognizes.
    Auto,
    /// `epochsecs`: seconds since 1970.
    EpochSeconds,
    /// `epochmillisecs`: milliseconds since 1970.
    EpochMilliseconds,
    /// A format of parts and separators.
    Parts(Vec<Part>),
}

/// A part of a format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::dialect) enum Part {
    Year,
    YearOfCentury,
    Month,
    MonthName,
    Day,
    Hour,
    HourOfHalf,
    Minute,
    Second,
    Half,
    Separator(char),
}

/// Longer names come before those that they begin with.
const PARTS: [(&str, Part); 13] = [
    ("YYYY", Part::Year),
    ("YY", Part::YearOfCentury),
    ("MON", Part::MonthName),
    ("MM", Part::Month),
    ("MI", Part::Minute),
    ("DD", Part::Day),
    ("HH24", Part::Hour),
    ("HH12", Part::HourOfHalf),
    ("HH", Part::Hour),
    ("SS", Part::Second),
    ("AM", Part::Half),
    ("PM", Part::Half),
    ("T", Part::Separator('T')),
];

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

impl DateFormat {
    /// Reads a format. The keywords are case-sensitive, as the manual says; a format's parts are not.
    /// `None` if it holds a part that Redshift does not document.
    pub(in crate::dialect) fn parse(text: &str, with_epoch: bool) -> Option<Self> {
        match text {
            "auto" => return Some(Self::Auto),
            "epochsecs" if with_epoch => return Some(Self::EpochSeconds),
            "epochmillisecs" if with_epoch => return Some(Self::EpochMilliseconds),
            _ => {}
        }
        let upper = text.to_ascii_uppercase();
        let mut parts = Vec::new();
        let mut rest = upper.as_str();
        while let Some(first) = rest.chars().next() {
            if let Some((name, part)) = PARTS.iter().find(|(name, _)| rest.starts_with(name)) {
                parts.push(*part);
                rest = &rest[name.len()..];
            } else if first.is_alphanumeric() {
                return None;
            } else {
                parts.push(Part::Separator(first));
                rest = &rest[first.len_utf8()..];
            }
        }
        let year = parts.iter().any(|p| matches!(p, Part::Year | Part::YearOfCentury));
        (year || with_epoch).then_some(Self::Parts(parts))
    }

    /// The value as the server reads it; `None` if it does not have this format. `zone` keeps an offset.
    pub(super) fn read(&self, value: &str, zone: bool) -> Option<String> {
        match self {
            Self::Auto => Some(value.to_owned()),
            Self::EpochSeconds => epoch(value, 1_000_000, zone),
            Self::EpochMilliseconds => epoch(value, 1_000, zone),
            Self::Iso => iso(value, zone),
            Self::Parts(parts) => Some(written(by_parts(parts, value)?)),
        }
    }

    /// As [`Self::read`], without the time of day.
    pub(super) fn read_date(&self, value: &str) -> Option<String> {
        match self {
            Self::Auto => Some(value.to_owned()),
            Self::Parts(parts) => Some(by_parts(parts, value)?.date().to_string()),
            // Time of day behind a date is ignored.
            _ => iso(value, false).map(|text| text[..10].to_owned()),
        }
    }
}

fn written(moment: DateTime) -> String {
    moment.strftime("%Y-%m-%d %H:%M:%S%.6f").to_string()
}

/// Microseconds since 1970 from a number of units, which may have decimals.
fn epoch(value: &str, unit: i64, zone: bool) -> Option<String> {
    let (whole, decimals) = value.split_once('.').unwrap_or((value, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let unsigned = whole.strip_prefix('-').unwrap_or(whole);
    if unsigned.is_empty() || !digits(unsigned) || !digits(decimals) {
        return None;
    }
    let mut micros = whole.parse::<i64>().ok()?.checked_mul(unit)?;
    let mut scale = unit;
    for digit in decimals.bytes() {
        scale /= 10;
        let part = i64::from(digit - b'0') * scale;
        micros = micros.checked_add(if whole.starts_with('-') { -part } else { part })?;
    }
    let moment = jiff::Timestamp::from_microsecond(micros).ok()?;
    let text = written(jiff::tz::Offset::UTC.to_datetime(moment));
    Some(if zone { format!("{text}+00") } else { text })
}

/// `YYYY-MM-DD [HH:MI[:SS[.ffffff]]][offset]`. What stands behind the time is the server's to judge.
fn iso(value: &str, zone: bool) -> Option<String> {
    let date = value.get(..10)?;
    let bytes = date.as_bytes();
    let digits = |range: std::ops::Range<usize>| bytes[range].iter().all(u8::is_ascii_digit);
    if !(digits(0..4) && digits(5..7) && digits(8..10) && bytes[4] == b'-' && bytes[7] == b'-') {
        return None;
    }
    date.parse::<Date>().ok()?;
    let rest = value.get(10..)?;
    if rest.is_empty() {
        return Some(date.to_owned());
    }
    let time = rest.strip_prefix([' ', 'T'])?;
    let end = time.find(|c: char| !c.is_ascii_digit() && c != ':' && c != '.').unwrap_or(time.len());
    let (time, offset) = time.split_at(end);
    let offset = offset.trim();
    clock(time)?;
    match (offset.is_empty(), zone) {
        (true, _) => Some(format!("{date} {time}")),
        (false, true) => Some(format!("{date} {time}{offset}")),
        (false, false) => None,
    }
}

fn clock(text: &str) -> Option<()> {
    let mut parts = text.split(':');
    let two = |part: Option<&str>, most: u32| {
        let part = part?;
        let number: u32 = part.parse().ok()?;
        (part.len() <= 2 && number <= most).then_some(())
    };
    two(parts.next(), 24)?;
    two(parts.next(), 59)?;
    if let Some(seconds) = parts.next() {
        let (whole, _) = seconds.split_once('.').unwrap_or((seconds, ""));
        two(Some(whole), 60)?;
    }
    parts.next().is_none().then_some(())
}

fn number(rest: &mut &str, most: usize) -> Option<i16> {
    let length = rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
    let (digits, behind) = rest.split_at(length);
    *rest = behind;
    digits.parse().ok()
}

fn by_parts(parts: &[Part], value: &str) -> Option<DateTime> {
    let mut rest = value.trim();
    let (mut year, mut month, mut day) = (1970_i16, 1_i16, 1_i16);
    let (mut hour, mut minute, mut second, mut nanos) = (0_i16, 0_i16, 0_i16, 0_i32);
    let mut afternoon = None;
    for part in parts {
        match part {
            Part::Year => year = number(&mut rest, 4)?,
            Part::YearOfCentury => {
                let short = number(&mut rest, 2)?;
                year = if short < 70 { 2000 + short } else { 1900 + short };
            }
            Part::Month => month = number(&mut rest, 2)?,
            Part::MonthName => {
                let name = rest.get(..3)?.to_ascii_lowercase();
                month = i16::try_from(MONTHS.iter().position(|m| *m == name)? + 1).ok()?;
                rest = rest.get(3..)?;
            }
            Part::Day => day = number(&mut rest, 2)?,
            Part::Hour | Part::HourOfHalf => hour = number(&mut rest, 2)?,
            Part::Minute => minute = number(&mut rest, 2)?,
            Part::Second => {
                second = number(&mut rest, 2)?;
                if let Some(decimals) = rest.strip_prefix('.') {
                    let length = decimals.bytes().take_while(u8::is_ascii_digit).count();
                    let digits: String = decimals.chars().take(length.min(6)).collect();
                    nanos = format!("{digits:0<9}").parse().ok()?;
                    rest = &decimals[length..];
                }
            }
            Part::Half => {
                let half = rest.get(..2)?.to_ascii_uppercase();
                afternoon = match half.as_str() {
                    "AM" => Some(false),
                    "PM" => Some(true),
                    _ => return None,
                };
                rest = rest.get(2..)?;
            }
            Part::Separator(c) => rest = rest.strip_prefix([*c, c.to_ascii_lowercase()])?,
        }
    }
    if !rest.is_empty() {
        return None;
    }
    match afternoon {
        Some(_) if !(1..=12).contains(&hour) => return None,
        Some(true) => hour = hour % 12 + 12,
        Some(false) => hour %= 12,
        None => {}
    }
    let small = |n: i16| i8::try_from(n).ok();
    let date = Date::new(year, small(month)?, small(day)?).ok()?;
    let time = Time::new(small(hour)?, small(minute)?, small(second)?, nanos).ok()?;
    Some(DateTime::from_parts(date, time))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats() {
        let read = |format: &str, value: &str| DateFormat::parse(format, true)?.read(value, false);
        assert_eq!(read("MM/DD/YYYY", "3/4/2025").as_deref(), Some("2025-03-04 00:00:00.000000"));
        assert_eq!(read("MON-DD-YYYY", "Jan-01-1999").as_deref(), Some("1999-01-01 00:00:00.000000"));
        assert_eq!(read("YYYYMMDD HHMISS", "20250304 050607").as_deref(), Some("2025-03-04 05:06:07.000000"));
        assert_eq!(
            read("MM.DD.YYYY HH12:MI:SS AM", "03.04.2025 12:00:01.5 pm").as_deref(),
            Some("2025-03-04 12:00:01.500000")
        );
        assert_eq!(read("DD/MM/YY", "31/12/69").as_deref(), Some("2069-12-31 00:00:00.000000"));
        assert_eq!(read("MM/DD/YYYY", "2025-03-04"), None);
        assert_eq!(read("MM/DD/YYYY", "13/01/2025"), None);
        assert_eq!(read("epochsecs", "1.25").as_deref(), Some("1970-01-01 00:00:01.250000"));
        assert_eq!(read("epochmillisecs", "-1").as_deref(), Some("1969-12-31 23:59:59.999000"));
        assert_eq!(read("epochsecs", "x"), None);
        assert!(DateFormat::parse("YYYY-MM-DDTZ", true).is_none());
        assert!(DateFormat::parse("epochsecs", false).is_none());
        let iso = DateFormat::Iso;
        assert_eq!(iso.read("2025-03-04 05:06:07.5", false).as_deref(), Some("2025-03-04 05:06:07.5"));
        assert_eq!(iso.read("2025-03-04 05:06:07-08", true).as_deref(), Some("2025-03-04 05:06:07-08"));
        assert_eq!(iso.read("2025-03-04 05:06:07-08", false), None);
        assert_eq!(iso.read("03/04/2025", false), None);
        assert_eq!(iso.read_date("2025-03-04 05:06").as_deref(), Some("2025-03-04"));
        assert_eq!(iso.read_date("2025-02-30"), None);
    }
}
