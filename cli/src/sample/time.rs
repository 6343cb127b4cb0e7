//! Parses the sample's two formats of times, both in UTC.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use rsqlflow_core::Timestamp;

/// The format of runs, and the format of jobs.
const FORMS: [&str; 2] = ["%m/%d/%Y %H:%M:%S", "%m-%d-%y-%H-%M-%S"];

/// Parses either format.
///
/// # Errors
/// The text has neither format.
pub(super) fn parse(text: &str) -> Result<Timestamp, String> {
    let parsed = FORMS.iter().find_map(|form| DateTime::strptime(form, text).ok());
    let moment = parsed.and_then(|civil| civil.to_zoned(TimeZone::UTC).ok());
    moment
        .map(|zoned| zoned.timestamp().into())
        .ok_or_else(|| format!("{text:?} is not a time such as 11/21/2026 02:00:00 or 11-21-26-02-00-00"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn both_forms_are_utc() {
        for text in ["11/21/2026 02:00:05", "11-21-26-02-00-05"] {
            assert_eq!(parse(text).unwrap().to_string(), "2026-11-21T02:00:05.000Z");
        }
        for wrong in ["", "2026-11-21T02:00:05Z", "21/11/2026 02:00:05", "13-01-26-00-00-00", "11-21-26"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn what_the_sample_writes_is_read_to_the_second(seconds in 946_684_800i64..4_102_444_800 / 2) {
            let moment = jiff::Timestamp::from_second(seconds).unwrap().to_zoned(TimeZone::UTC);
            for form in FORMS {
                let text = moment.strftime(form).to_string();
                prop_assert_eq!(parse(&text).unwrap().as_millis(), seconds * 1_000, "{}", text);
            }
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,40}") {
            let _ = parse(&text);
        }
    }
}
