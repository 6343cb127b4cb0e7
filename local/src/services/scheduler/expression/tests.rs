//! The documentation's examples, the clock's changes, and laws that hold for every expression.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Zoned};
use proptest::prelude::*;

use super::Expression;

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

/// The next `count` times, as local times.
fn times(expression: &str, after: &str, zone: &TimeZone, count: usize) -> Vec<String> {
    let expression = Expression::parse(expression).unwrap();
    let mut after: Timestamp = after.parse().unwrap();
    let anchor = after;
    let mut found = Vec::new();
    for _ in 0..count {
        let Some(next) = expression.next(after, anchor, zone) else { break };
        found.push(next.to_zoned(zone.clone()).strftime("%Y-%m-%dT%H:%M%:z").to_string());
        after = next;
    }
    found
}

fn utc(expression: &str, count: usize) -> Vec<String> {
    let found = times(expression, "2026-01-01T00:00:00Z", &TimeZone::UTC, count);
    found.into_iter().map(|time| time.strip_suffix("+00:00").unwrap().to_owned()).collect()
}

#[test]
fn the_documented_expressions_fire_as_documented() {
    assert_eq!(utc("cron(0 10 * * ? *)", 2), ["2026-01-01T10:00", "2026-01-02T10:00"]);
    assert_eq!(utc("cron(15 12 * * ? *)", 1), ["2026-01-01T12:15"]);
    assert_eq!(
        utc("cron(0 18 ? * MON-FRI *)", 3),
        ["2026-01-01T18:00", "2026-01-02T18:00", "2026-01-05T18:00"]
    );
    assert_eq!(utc("cron(0 8 1 * ? *)", 2), ["2026-01-01T08:00", "2026-02-01T08:00"]);
    assert_eq!(utc("cron(0/15 * * * ? *)", 3), ["2026-01-01T00:15", "2026-01-01T00:30", "2026-01-01T00:45"]);
    assert_eq!(utc("cron(15 10 ? * 6L 2026-2027)", 2), ["2026-01-30T10:15", "2026-02-27T10:15"]);
    assert_eq!(utc("cron(0 9 ? * 3#2 *)", 2), ["2026-01-13T09:00", "2026-02-10T09:00"]);
    assert_eq!(utc("cron(0 9 ? * 2#5 *)", 2), ["2026-03-30T09:00", "2026-06-29T09:00"]);
    assert_eq!(utc("cron(0 0 L * ? *)", 2), ["2026-01-31T00:00", "2026-02-28T00:00"]);
    assert_eq!(utc("cron(0 0 ? * L *)", 1), ["2026-01-03T00:00"]);
    // 2026-08-01 is a Saturday, 2026-11-01 a Sunday, 2026-05-31 a Sunday.
    assert_eq!(utc("cron(0 0 1W 8,11 ? *)", 2), ["2026-08-03T00:00", "2026-11-02T00:00"]);
    assert_eq!(utc("cron(0 0 31W 1-5 ? *)", 3), ["2026-01-30T00:00", "2026-03-31T00:00", "2026-05-29T00:00"]);
    assert_eq!(utc("cron(0 0 29 FEB ? *)", 2), ["2028-02-29T00:00", "2032-02-29T00:00"]);
    assert_eq!(utc("cron(0 0 30 2 ? *)", 1), Vec::<String>::new());
    assert_eq!(utc("cron(0 0 1 1 ? 2020)", 1), Vec::<String>::new());
    assert_eq!(utc("rate(5 minutes)", 2), ["2026-01-01T00:05", "2026-01-01T00:10"]);
    assert_eq!(utc("rate(1 day)", 1), ["2026-01-02T00:00"]);
    assert_eq!(utc("at(2026-11-20T13:00:00)", 2), ["2026-11-20T13:00"]);
    assert_eq!(utc("at(2020-11-20T13:00:00)", 2), Vec::<String>::new());
}

#[test]
fn what_the_dialect_does_not_have_is_refused() {
    for bad in [
        "",
        "cron(0 10 * * *)",
        "cron(0 10 * * * *)",
        "cron(0 10 ? * ? *)",
        "cron(60 10 * * ? *)",
        "cron(0 24 * * ? *)",
        "cron(0 0 0 * ? *)",
        "cron(0 0 ? * 0 *)",
        "cron(0 0 ? * 8 *)",
        "cron(0 0 ? * 2#6 *)",
        "cron(0 0 ? * 3#1,6#3 *)",
        "cron(0 0 32W * ? *)",
        "cron(0 0 LW * ? *)",
        "cron(0/0 * * * ? *)",
        "cron(+5 * * * ? *)",
        "cron(5-1 * * * ? *)",
        "cron(0 0 * JANUARY ? *)",
        "cron(0 0 * * ? 1969)",
        "cron 0 0 * * ? *",
        "rate(0 minutes)",
        "rate(5)",
        "rate(5 seconds)",
        "rate(-5 minutes)",
        "at(2026-02-30T00:00:00)",
        "at(2026-02-03)",
        "at(2026-02-03 00:00:00)",
        "at(2026-02-03T00:00:00Z)",
    ] {
        assert!(Expression::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn the_clock_changes_as_documented() {
    let new_york = zone("America/New_York");
    // 2026-03-08: from 01:59:59 to 03:00. What would be in between is skipped.
    assert_eq!(
        times("cron(30 2 * * ? *)", "2026-03-07T12:00:00Z", &new_york, 2),
        ["2026-03-09T02:30-04:00", "2026-03-10T02:30-04:00"]
    );
    // 2026-11-01: 01:00 to 01:59 comes twice, and counts once.
    assert_eq!(
        times("cron(30 1 * * ? *)", "2026-10-31T12:00:00Z", &new_york, 2),
        ["2026-11-01T01:30-04:00", "2026-11-02T01:30-05:00"]
    );
    assert_eq!(
        times("cron(0/30 * * * ? *)", "2026-11-01T05:00:00Z", &new_york, 3),
        ["2026-11-01T01:30-04:00", "2026-11-01T02:00-05:00", "2026-11-01T02:30-05:00"]
    );
    // A schedule that is made within the second of the two hours waits for the next local time.
    assert_eq!(times("cron(45 1 * * ? *)", "2026-11-01T06:30:00Z", &new_york, 1), ["2026-11-02T01:45-05:00"]);
    // A day of a rate is 24 hours on the clock.
    assert_eq!(times("rate(1 day)", "2026-03-07T17:00:00Z", &new_york, 1), ["2026-03-08T13:00-04:00"]);
    assert_eq!(
        times("at(2026-11-01T01:30:00)", "2026-10-31T12:00:00Z", &new_york, 2),
        ["2026-11-01T01:30-04:00"]
    );
}

/// A field's text, and the numbers it stands for.
fn field(least: i16, most: i16) -> impl Strategy<Value = String> {
    let number = least..=most;
    prop_oneof![
        Just("*".to_owned()),
        number.clone().prop_map(|n| n.to_string()),
        (number.clone(), number.clone()).prop_map(|(a, b)| format!("{}-{}", a.min(b), a.max(b))),
        (number.clone(), number.clone()).prop_map(|(a, b)| format!("{a},{b}")),
        (number, 1_i16..40).prop_map(|(a, step)| format!("{a}/{step}")),
        (1_i16..40).prop_map(|step| format!("*/{step}")),
    ]
}

/// Whether a field's text allows a number, as its definition says.
fn allows(text: &str, least: i16, most: i16, number: i16) -> bool {
    text.split(',').any(|part| {
        let (range, step) =
            part.split_once('/').map_or((part, 1), |(range, step)| (range, step.parse().unwrap()));
        let (first, last) = match range.split_once('-') {
            Some((first, last)) => (first.parse().unwrap(), last.parse().unwrap()),
            None if range == "*" => (least, most),
            None => {
                let one: i16 = range.parse().unwrap();
                (one, if part.contains('/') { most } else { one })
            }
        };
        (first..=last).contains(&number) && (number - first) % step == 0
    })
}

/// Whether a moment is one of the expression's, as its definition says.
fn fires(fields: &[String; 4], by_weekday: bool, moment: &Zoned) -> bool {
    let first = moment.time_zone().to_ambiguous_timestamp(moment.datetime()).earlier().unwrap();
    let day = if by_weekday { moment.weekday().to_sunday_one_offset() } else { moment.day() };
    let most = if by_weekday { 7 } else { 31 };
    moment.second() == 0
        && first == moment.timestamp()
        && allows(&fields[0], 0, 59, moment.minute().into())
        && allows(&fields[1], 0, 23, moment.hour().into())
        && allows(&fields[2], 1, most, day.into())
        && allows(&fields[3], 1, 12, moment.month().into())
}

proptest! {
    #[test]
    fn the_next_time_is_a_match_and_none_is_skipped(
        minutes in field(0, 59),
        hours in field(0, 23),
        (by_weekday, days) in prop_oneof![
            field(1, 31).prop_map(|days| (false, days)),
            field(1, 7).prop_map(|days| (true, days)),
        ],
        months in field(1, 12),
        place in 0_usize..5,
        start in prop_oneof![
            // Any time of 2026, and the hours around New York's and London's changes of that year.
            1_767_225_600_i64..1_798_761_600,
            1_772_950_000_i64..1_772_960_000,
            1_793_500_000_i64..1_793_520_000,
            1_774_730_000_i64..1_774_750_000,
            1_792_880_000_i64..1_792_900_000,
        ],
    ) {
        let names = ["UTC", "America/New_York", "Europe/London", "Australia/Lord_Howe", "Asia/Kolkata"];
        let zone = zone(names[place]);
        let text = if by_weekday {
            format!("cron({minutes} {hours} ? {months} {days} *)")
        } else {
            format!("cron({minutes} {hours} {days} {months} ? *)")
        };
        let expression = Expression::parse(&text).unwrap();
        let after = Timestamp::from_second(start).unwrap();
        let fields = [minutes, hours, days, months];
        let Some(next) = expression.next(after, after, &zone) else {
            // 30 February and its like.
            return Ok(());
        };
        prop_assert!(next > after);
        prop_assert!(fires(&fields, by_weekday, &next.to_zoned(zone.clone())), "{} {}", text, next);
        // Each minute of the two days after the start.
        let mut minute = Timestamp::from_second(start - start % 60 + 60).unwrap();
        let end = next.min(after + SignedDuration::from_hours(48));
        while minute < end {
            prop_assert!(!fires(&fields, by_weekday, &minute.to_zoned(zone.clone())), "{} skips {}", text, minute);
            minute += SignedDuration::from_secs(60);
        }
    }

    #[test]
    fn a_rate_keeps_its_step(minutes in 1_i64..100_000, start in 0_i64..4_000_000_000, later in 0_i64..10_000_000) {
        let expression = Expression::parse(&format!("rate({minutes} minutes)")).unwrap();
        let anchor = Timestamp::from_second(start).unwrap();
        let after = Timestamp::from_second(start + later).unwrap();
        let next = expression.next(after, anchor, &TimeZone::UTC).unwrap();
        let step = minutes * 60;
        prop_assert!(next > after && next.as_second() - after.as_second() <= step);
        prop_assert_eq!((next.as_second() - start) % step, 0);
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "(at|rate|cron)?\\(?[0-9A-Z*?/,#LW -]{0,30}\\)?") {
        if let Ok(expression) = Expression::parse(&text) {
            let now = Timestamp::from_second(1_767_225_600).unwrap();
            let next = expression.next(now, now, &TimeZone::UTC);
            prop_assert!(next.is_none_or(|next| next > now));
        }
    }
}
