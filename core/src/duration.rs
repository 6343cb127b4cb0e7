//! Durations as people write them.

use std::fmt;
use std::time::Duration;

use serde::de::{Deserializer, Error, Unexpected, Visitor};
use serde::{Deserialize, Serialize};

/// What a duration may look like, for error texts.
pub const ACCEPTED_DURATIONS: &str =
    r#"a whole number of seconds, or a text such as "90s", "3 min", "1h30m", "24h", "1d""#;

/// A duration in whole seconds, from 0 to 99,999,999 (3 years), the longest `TimeoutSeconds` of a Task state
/// (Step Functions developer guide, "Task workflow state").
///
/// In a workflow item it is a whole number of seconds, or a text with units (`"90s"`, `"3 min"`, `"1h30m"`,
/// `"1d"`), larger units first. DynamoDB's numbers carry no type, and some SDKs write 3 as `3.0`; so `3.0` is 3,
/// as in JSON Schema, but `2.5` is an error.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize)]
#[serde(transparent)]
pub struct Seconds(u32);

impl Seconds {
    /// The longest.
    pub const MAX: Self = Self(99_999_999);

    /// So many seconds, or [`Self::MAX`] if that is less.
    #[must_use]
    pub const fn saturating(seconds: u64) -> Self {
        // `as` cannot truncate: the value is at most MAX here.
        if seconds > Self::MAX.0 as u64 { Self::MAX } else { Self(seconds as u32) }
    }

    /// So many seconds.
    ///
    /// # Errors
    /// [`InvalidDuration::TooLong`] above [`Self::MAX`].
    pub fn new(seconds: u64) -> Result<Self, InvalidDuration> {
        if seconds > u64::from(Self::MAX.0) {
            Err(InvalidDuration::TooLong)
        } else {
            Ok(Self::saturating(seconds))
        }
    }

    /// The shortest whole number of seconds that is not shorter than `duration`, up to [`Self::MAX`].
    #[must_use]
    pub fn at_least(duration: Duration) -> Self {
        let partial = u64::from(duration.subsec_nanos() > 0);
        Self::saturating(duration.as_secs().saturating_add(partial))
    }

    /// As a number of seconds.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }

    /// As the standard library holds it.
    #[must_use]
    pub const fn as_duration(self) -> Duration {
        Duration::from_secs(self.0 as u64)
    }
}

impl From<Seconds> for Duration {
    fn from(seconds: Seconds) -> Self {
        seconds.as_duration()
    }
}

impl fmt::Display for Seconds {
    /// As short as it can be read back: `1h30m`, `1d`, `45s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show_duration(self.as_duration()).fmt(f)
    }
}

impl fmt::Debug for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::str::FromStr for Seconds {
    type Err = InvalidDuration;

    fn from_str(text: &str) -> Result<Self, InvalidDuration> {
        Self::new(parse_millis(text, false)? / 1000)
    }
}

/// Why a text or number is not a duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidDuration {
    /// Neither number nor unit where one is wanted.
    #[error("is not a duration")]
    Malformed,
    /// A number with a fraction.
    #[error("has a fraction")]
    Fraction,
    /// A number below 0.
    #[error("is negative")]
    Negative,
    /// A unit that is none.
    #[error("has the unit {0:?}, which is not one of d, h, m, s")]
    Unit(String),
    /// `30s5m`, `1h1h`.
    #[error("has its units out of order; larger ones come first, each once")]
    Order,
    /// Longer than [`Seconds::MAX`].
    #[error("is longer than 99999999 s, the longest timeout of a Step Functions task")]
    TooLong,
}

/// Reads a duration of a deployment's settings, to the millisecond: as [`Seconds`], and `"1500ms"`.
///
/// # Errors
/// [`InvalidDuration`] says what is wrong with the text.
pub fn parse_duration(text: &str) -> Result<Duration, InvalidDuration> {
    let millis = parse_millis(text, true)?;
    Seconds::new(millis / 1000)?;
    Ok(Duration::from_millis(millis))
}

/// Shows a duration so that [`parse_duration`] reads the same, to the millisecond.
#[must_use]
pub fn show_duration(duration: Duration) -> String {
    let mut text = String::new();
    let mut rest = duration.as_secs();
    for (size, unit) in [(86_400, 'd'), (3600, 'h'), (60, 'm'), (1, 's')] {
        if rest >= size {
            text.push_str(&format!("{}{unit}", rest / size));
            rest %= size;
        }
    }
    match duration.subsec_millis() {
        0 if text.is_empty() => "0s".to_owned(),
        0 => text,
        millis => format!("{text}{millis}ms"),
    }
}

/// Units of a duration, larger ones first: its milliseconds and its names, of which the first is the shortest.
/// Milliseconds are for settings of a deployment only.
pub(crate) const UNITS: [(u64, &[&str]); 5] = [
    (86_400_000, &["d", "day", "days"]),
    (3_600_000, &["h", "hr", "hrs", "hour", "hours"]),
    (60_000, &["m", "min", "mins", "minute", "minutes"]),
    (1000, &["s", "sec", "secs", "second", "seconds"]),
    (1, &["ms"]),
];

fn unit_millis(unit: &str) -> Option<u64> {
    UNITS.iter().find(|(_, names)| names.contains(&unit)).map(|(millis, _)| *millis)
}

fn parse_millis(text: &str, with_millis: bool) -> Result<u64, InvalidDuration> {
    let mut rest = text.trim_matches(' ');
    if rest.starts_with('-') {
        return Err(InvalidDuration::Negative);
    }
    let mut total: u64 = 0;
    let mut last_unit = u64::MAX;
    while !rest.is_empty() {
        let (number, tail) = split_while(rest, |c| c.is_ascii_digit());
        if number.is_empty() {
            return Err(InvalidDuration::Malformed);
        }
        if tail.starts_with(['.', ',']) {
            return Err(InvalidDuration::Fraction);
        }
        let (unit, tail) = split_while(tail.trim_start_matches(' '), char::is_alphabetic);
        let size = match unit {
            // A bare number is seconds, but only when it stands alone: `1h30` could mean anything.
            "" if last_unit == u64::MAX && tail.is_empty() => 1000,
            "" => return Err(InvalidDuration::Malformed),
            "ms" if !with_millis => return Err(InvalidDuration::Unit("ms".to_owned())),
            _ => unit_millis(unit).ok_or_else(|| InvalidDuration::Unit(unit.chars().take(20).collect()))?,
        };
        if size >= last_unit {
            return Err(InvalidDuration::Order);
        }
        last_unit = size;
        // Nothing but digits, so the only way to fail is to be too large.
        let number: u64 = number.parse().map_err(|_| InvalidDuration::TooLong)?;
        total = number
            .checked_mul(size)
            .and_then(|part| total.checked_add(part))
            .ok_or(InvalidDuration::TooLong)?;
        rest = tail.trim_start_matches(' ');
    }
    if last_unit == u64::MAX { Err(InvalidDuration::Malformed) } else { Ok(total) }
}

fn split_while(text: &str, keep: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !keep(c)).unwrap_or(text.len()))
}

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl Visitor<'_> for Reader {
            type Value = Seconds;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(ACCEPTED_DURATIONS)
            }

            fn visit_u64<E: Error>(self, seconds: u64) -> Result<Seconds, E> {
                Seconds::new(seconds).map_err(E::custom)
            }

            fn visit_i64<E: Error>(self, seconds: i64) -> Result<Seconds, E> {
                u64::try_from(seconds)
                    .map_err(|_| E::invalid_value(Unexpected::Signed(seconds), &self))
                    .and_then(|seconds| self.visit_u64(seconds))
            }

            fn visit_f64<E: Error>(self, seconds: f64) -> Result<Seconds, E> {
                seconds_of_float(seconds).map_err(E::custom)
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Seconds, E> {
                text.parse().map_err(E::custom)
            }
        }

        deserializer.deserialize_any(Reader)
    }
}

/// Reads a JSON number that came without the type of a whole one.
pub(crate) fn seconds_of_float(seconds: f64) -> Result<Seconds, InvalidDuration> {
    if seconds < 0.0 {
        Err(InvalidDuration::Negative)
    } else if seconds.fract() != 0.0 {
        Err(InvalidDuration::Fraction)
    } else {
        // Saturates, and NaN becomes 0; but NaN has a fraction that is not 0.
        Seconds::new(seconds as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_people_write_is_read() {
        for (text, seconds) in [
            ("90", 90),
            ("90s", 90),
            ("3m", 180),
            ("3 min", 180),
            ("24h", 86_400),
            ("1h30m", 5400),
            (" 1 hour 30 minutes ", 5400),
            ("1d", 86_400),
            ("2 days 1 s", 172_801),
            ("0s", 0),
            ("99999999s", 99_999_999),
        ] {
            assert_eq!(text.parse::<Seconds>(), Ok(Seconds::saturating(seconds)), "{text:?}");
        }
    }

    #[test]
    fn what_is_no_duration_says_why() {
        for (text, why) in [
            ("", InvalidDuration::Malformed),
            ("soon", InvalidDuration::Malformed),
            ("h", InvalidDuration::Malformed),
            ("1h30", InvalidDuration::Malformed),
            ("1h\n", InvalidDuration::Malformed),
            ("1.5h", InvalidDuration::Fraction),
            ("-1s", InvalidDuration::Negative),
            ("5 weeks", InvalidDuration::Unit("weeks".into())),
            ("5M", InvalidDuration::Unit("M".into())),
            ("1500ms", InvalidDuration::Unit("ms".into())),
            ("30s5m", InvalidDuration::Order),
            ("1h1h", InvalidDuration::Order),
            ("100000000s", InvalidDuration::TooLong),
            ("99999999999999999999d", InvalidDuration::TooLong),
            ("9999999999999999999d", InvalidDuration::TooLong),
        ] {
            assert_eq!(text.parse::<Seconds>(), Err(why), "{text:?}");
        }
    }

    #[test]
    fn numbers_of_a_table_are_read_as_they_are_meant() {
        assert_eq!(seconds_of_float(3.0), Ok(Seconds::saturating(3)));
        assert_eq!(seconds_of_float(2.5), Err(InvalidDuration::Fraction));
        assert_eq!(seconds_of_float(-1.0), Err(InvalidDuration::Negative));
        assert_eq!(seconds_of_float(1e300), Err(InvalidDuration::TooLong));
        assert_eq!(seconds_of_float(f64::NAN), Err(InvalidDuration::Fraction));
        assert_eq!(serde_json::from_str::<Seconds>("3.0").unwrap(), Seconds::saturating(3));
        assert!(serde_json::from_str::<Seconds>("-3").is_err());
    }

    proptest! {
        #[test]
        fn shown_seconds_read_back(seconds in 0u64..=99_999_999) {
            let seconds = Seconds::saturating(seconds);
            prop_assert_eq!(seconds.to_string().parse::<Seconds>(), Ok(seconds));
        }

        #[test]
        fn shown_durations_read_back(millis in 0u64..=99_999_999_999) {
            let duration = Duration::from_millis(millis);
            prop_assert_eq!(parse_duration(&show_duration(duration)), Ok(duration));
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC*|[0-9 dhms.,-]*") {
            let _ = text.parse::<Seconds>();
        }
    }
}
