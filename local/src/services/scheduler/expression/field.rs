//! One field of a cron expression: a set of numbers.

/// The numbers that a field allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Set {
    /// In order, each once.
    numbers: Vec<i16>,
}

/// What a field may contain.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kind {
    /// For people.
    pub(super) name: &'static str,
    pub(super) least: i16,
    pub(super) most: i16,
    /// Names of the numbers from `least` on.
    pub(super) names: &'static [&'static str],
}

pub(super) const MINUTES: Kind = Kind { name: "minutes", least: 0, most: 59, names: &[] };
pub(super) const HOURS: Kind = Kind { name: "hours", least: 0, most: 23, names: &[] };
pub(super) const DAYS: Kind = Kind { name: "day-of-month", least: 1, most: 31, names: &[] };
pub(super) const MONTHS: Kind = Kind {
    name: "month",
    least: 1,
    most: 12,
    names: &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"],
};
/// Sunday is 1.
pub(super) const WEEKDAYS: Kind = Kind {
    name: "day-of-week",
    least: 1,
    most: 7,
    names: &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"],
};
pub(super) const YEARS: Kind = Kind { name: "year", least: 1970, most: 2199, names: &[] };

impl Kind {
    /// A number or a name.
    pub(super) fn number(&self, text: &str) -> Result<i16, String> {
        let named = self.names.iter().position(|name| name.eq_ignore_ascii_case(text));
        let number = match named {
            Some(index) => i16::try_from(index).ok().map(|index| index + self.least),
            // No signs: `parse` would take them.
            None if text.bytes().all(|b| b.is_ascii_digit()) => text.parse().ok(),
            None => None,
        };
        number
            .filter(|number| (self.least..=self.most).contains(number))
            .ok_or_else(|| format!("\"{text}\" is no {} from {} to {}", self.name, self.least, self.most))
    }

    /// A list of numbers, ranges, `*`, and steps of them.
    pub(super) fn set(&self, text: &str) -> Result<Set, String> {
        let mut numbers = Vec::new();
        for part in text.split(',') {
            let (range, step) = match part.split_once('/') {
                None => (part, None),
                Some((range, step)) => {
                    let valid = step.bytes().all(|b| b.is_ascii_digit());
                    let step: usize = step
                        .parse()
                        .ok()
                        .filter(|step| valid && *step > 0)
                        .ok_or_else(|| format!("\"{step}\" is no increment of {}", self.name))?;
                    (range, Some(step))
                }
            };
            let (first, last) = match (range, range.split_once('-')) {
                ("*", _) => (self.least, self.most),
                (_, Some((first, last))) => (self.number(first)?, self.number(last)?),
                // `10/5` goes on to the end.
                (one, None) => {
                    let one = self.number(one)?;
                    (one, if step.is_some() { self.most } else { one })
                }
            };
            if first > last {
                return Err(format!("the range \"{range}\" of {} goes backwards", self.name));
            }
            numbers.extend((first..=last).step_by(step.unwrap_or(1)));
        }
        numbers.sort_unstable();
        numbers.dedup();
        Ok(Set { numbers })
    }
}

impl Set {
    pub(super) fn contains(&self, number: i16) -> bool {
        self.numbers.binary_search(&number).is_ok()
    }

    /// The first number that is at least `from`.
    pub(super) fn from(&self, from: i16) -> Option<i16> {
        self.numbers.get(self.numbers.partition_point(|number| *number < from)).copied()
    }
}
