//! A cursor over JSON that knows its path and collects problems instead of stopping.
//!
//! Every method returns `None` only after it reported why. Wrong types are named, not shown: arguments and
//! environment may hold what does not belong into a message.

use std::fmt::Write as _;
use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use super::choice::Choice;
use super::rules::{Broken, Checked};
use crate::duration::{ACCEPTED_DURATIONS, InvalidDuration, seconds_of_float};
use crate::problem::{Problem, ProblemKind, Report, did_you_mean, quoted};
use crate::{Seconds, show_duration};

/// A value, its location, and where to report problems.
#[derive(Clone)]
pub(crate) struct Cursor<'a> {
    value: &'a Value,
    path: String,
    report: &'a Report,
}

impl<'a> Cursor<'a> {
    pub(crate) fn root(value: &'a Value, report: &'a Report) -> Self {
        Self { value, path: String::new(), report }
    }

    pub(crate) fn at(value: &'a Value, path: impl Into<String>, report: &'a Report) -> Self {
        Self { value, path: path.into(), report }
    }

    pub(crate) fn value(&self) -> &'a Value {
        self.value
    }

    pub(crate) fn report(&self, kind: ProblemKind, message: impl Into<String>) {
        self.report.add(Problem::new(self.path.clone(), kind, message));
    }

    pub(crate) fn report_hint(&self, kind: ProblemKind, message: impl Into<String>, hint: impl Into<String>) {
        self.report.add(Problem::new(self.path.clone(), kind, message).hint(hint));
    }

    fn wrong_type(&self, wanted: &str, hint: Option<&str>) {
        let hint = match self.value {
            Value::Null => Some("omit the field to use its default"),
            Value::Object(map) if is_typed_attribute(map) => {
                Some("write the plain value instead of DynamoDB's typed JSON")
            }
            _ => hint,
        };
        let message = format!("must be {wanted}, but is {}", type_name(self.value));
        match hint {
            Some(hint) => self.report_hint(ProblemKind::WrongType, message, hint),
            None => self.report(ProblemKind::WrongType, message),
        }
    }

    /// An object. `hint` is used for a value that is not an object.
    pub(crate) fn object(&self, hint: Option<&str>) -> Option<Object<'a>> {
        match self.value {
            Value::Object(map) => {
                Some(Object { map, path: self.path.clone(), report: self.report, asked: Vec::new() })
            }
            _ => {
                self.wrong_type("an object", hint);
                None
            }
        }
    }

    /// The entries of an object whose keys are the user's own, sorted by key.
    pub(crate) fn entries(&self) -> Option<Vec<(&'a str, Cursor<'a>)>> {
        let object = self.object(Some(r#"write {"NAME": "value"}"#))?;
        let mut entries: Vec<_> =
            object.map.iter().map(|(key, value)| (key.as_str(), object.child(key, value))).collect();
        entries.sort_by_key(|(key, _)| *key);
        Some(entries)
    }

    pub(crate) fn list(&self) -> Option<Vec<Cursor<'a>>> {
        match self.value {
            Value::Array(values) => Some(
                values
                    .iter()
                    .enumerate()
                    .map(|(i, value)| Cursor {
                        value,
                        path: format!("{}[{i}]", self.path),
                        report: self.report,
                    })
                    .collect(),
            ),
            Value::String(_) | Value::Number(_) | Value::Object(_) => {
                self.wrong_type("a list", Some("put it in [ ]"));
                None
            }
            _ => {
                self.wrong_type("a list", None);
                None
            }
        }
    }

    /// A list, each element read by `read`; `None` if one could not be read.
    pub(crate) fn list_of<T>(&self, read: impl FnMut(&Cursor<'a>) -> Option<T>) -> Option<Vec<T>> {
        // Collected in full first: `collect::<Option<_>>` alone would stop at the first mistake.
        let read: Vec<Option<T>> = self.list()?.iter().map(read).collect();
        read.into_iter().collect()
    }

    pub(crate) fn text(&self) -> Option<&'a str> {
        match self.value {
            Value::String(text) => Some(text),
            Value::Number(_) | Value::Bool(_) => {
                self.wrong_type("a string", Some("put it in quotes"));
                None
            }
            _ => {
                self.wrong_type("a string", None);
                None
            }
        }
    }

    /// A text that obeys `rule`, which answers with what is wrong with it.
    pub(crate) fn checked_text(&self, rule: impl Fn(&str) -> Checked) -> Option<String> {
        let text = self.text()?;
        match rule(text) {
            Ok(()) => Some(text.to_owned()),
            Err(broken) => {
                self.broken(text, &broken);
                None
            }
        }
    }

    /// Reports a broken rule of a text: of this value, or of its key.
    pub(crate) fn broken(&self, text: &str, broken: &Broken) {
        self.report_broken(ProblemKind::Invalid, text, broken);
    }

    /// As [`Self::broken`], of a rule that earlier versions did not have.
    pub(crate) fn refused(&self, text: &str, broken: &Broken) {
        self.report_broken(ProblemKind::Refused, text, broken);
    }

    /// Reports what is wrong with a field of this object, such as `columns[0]`.
    pub(crate) fn report_below(&self, field: &str, kind: ProblemKind, message: String, mend: Option<String>) {
        let path = if self.path.is_empty() { field.to_owned() } else { format!("{}.{field}", self.path) };
        let problem = Problem::new(path, kind, message);
        self.report.add(match mend {
            Some(mend) => problem.hint(mend),
            None => problem,
        });
    }

    fn report_broken(&self, kind: ProblemKind, text: &str, broken: &Broken) {
        let message = if text.is_empty() {
            broken.what.to_string()
        } else {
            format!("{} {}", quoted(text), broken.what)
        };
        let problem = Problem::new(self.path.clone(), kind, message);
        self.report.add(match broken.hint {
            Some(hint) => problem.hint(hint),
            None => problem,
        });
    }

    pub(crate) fn flag(&self) -> Option<bool> {
        let Value::Bool(flag) = self.value else {
            let hint = matches!(self.value, Value::String(_)).then_some("write true or false without quotes");
            self.wrong_type("true or false", hint);
            return None;
        };
        Some(*flag)
    }

    /// A whole number; `3.0` is one too, since a table's numbers carry no type.
    pub(crate) fn whole(&self, range: RangeInclusive<u32>) -> Option<u32> {
        let Value::Number(number) = self.value else {
            self.wrong_type(
                "a whole number",
                matches!(self.value, Value::String(_)).then_some("remove the quotes"),
            );
            return None;
        };
        let float = number.as_f64();
        if float.is_some_and(|float| float.fract() != 0.0) {
            self.report(ProblemKind::Fraction, format!("must be a whole number, but is {number}"));
            return None;
        }
        let whole = number
            .as_u64()
            .or_else(|| float.filter(|float| (0.0..1e15).contains(float)).map(|float| float as u64))
            .and_then(|whole| u32::try_from(whole).ok())
            .filter(|whole| range.contains(whole));
        if whole.is_none() {
            self.report(
                ProblemKind::OutOfRange,
                format!("must be from {} to {}, but is {number}", range.start(), range.end()),
            );
        }
        whole
    }

    pub(crate) fn number(&self, range: RangeInclusive<f64>) -> Option<f64> {
        let Value::Number(number) = self.value else {
            self.wrong_type(
                "a number",
                matches!(self.value, Value::String(_)).then_some("remove the quotes"),
            );
            return None;
        };
        let read = number.as_f64().filter(|number| range.contains(number));
        if read.is_none() {
            self.report(
                ProblemKind::OutOfRange,
                format!("must be from {} to {}, but is {number}", range.start(), range.end()),
            );
        }
        read
    }

    pub(crate) fn seconds(&self, range: RangeInclusive<Seconds>) -> Option<Seconds> {
        let (shown, read) = match self.value {
            Value::String(text) => (quoted(text), text.parse()),
            Value::Number(number) => (
                number.to_string(),
                match number.as_u64() {
                    Some(seconds) => Seconds::new(seconds),
                    None => number.as_f64().map_or(Err(InvalidDuration::TooLong), seconds_of_float),
                },
            ),
            _ => {
                self.wrong_type("a duration", Some(&format!("write {ACCEPTED_DURATIONS}")));
                return None;
            }
        };
        match read {
            Ok(seconds) if range.contains(&seconds) => Some(seconds),
            Ok(_) => {
                let (from, to) = (range.start().as_duration(), range.end().as_duration());
                self.report(
                    ProblemKind::OutOfRange,
                    format!("must be from {} to {}, but is {shown}", show_duration(from), show_duration(to)),
                );
                None
            }
            Err(error) => {
                let kind = match error {
                    InvalidDuration::Fraction => ProblemKind::Fraction,
                    InvalidDuration::TooLong | InvalidDuration::Negative => ProblemKind::OutOfRange,
                    _ => ProblemKind::Invalid,
                };
                self.report_hint(kind, format!("{shown} {error}"), format!("write {ACCEPTED_DURATIONS}"));
                None
            }
        }
    }

    pub(crate) fn choice<T: Choice>(&self) -> Option<T> {
        let text = match self.value {
            Value::String(text) => text,
            _ => {
                let quoted: Vec<String> = names::<T>().iter().map(|name| format!("{name:?}")).collect();
                let hint = format!("write {}", quoted.join(" or "));
                self.wrong_type(&format!("one of {}", names::<T>().join(", ")), Some(&hint));
                return None;
            }
        };
        if let Some((_, choice)) = T::ALL.iter().find(|(name, _)| name == text) {
            return Some(*choice);
        }
        let message = format!("{} is not one of {}", quoted(text), names::<T>().join(", "));
        // In such a small set, the first three letters are sufficient to find the intended name.
        let start: String = text.chars().take(3).collect::<String>().to_lowercase();
        let same_start =
            || names::<T>().into_iter().find(|name| start.len() >= 3 && name.starts_with(&start));
        match did_you_mean(text, names::<T>()).or_else(same_start) {
            Some(meant) => {
                self.report_hint(ProblemKind::NotOneOf, message, format!("did you mean {meant:?}?"));
            }
            None => self.report(ProblemKind::NotOneOf, message),
        }
        None
    }
}

/// The names of a set, without those that differ only in case.
fn names<T: Choice>() -> Vec<&'static str> {
    T::ALL.iter().map(|(name, _)| *name).filter(|name| !name.contains(char::is_uppercase)).collect()
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// Whether this is `{"S": "…"}`, as `aws dynamodb get-item` prints it.
fn is_typed_attribute(map: &Map<String, Value>) -> bool {
    let mut keys = map.keys();
    matches!(
        (keys.next().map(String::as_str), keys.next()),
        (Some("S" | "N" | "L" | "M" | "BOOL" | "NULL" | "SS" | "NS"), None)
    )
}

/// An object with fixed fields. It remembers which fields were read: the others are unknown.
pub(crate) struct Object<'a> {
    map: &'a Map<String, Value>,
    path: String,
    report: &'a Report,
    asked: Vec<&'static str>,
}

impl<'a> Object<'a> {
    fn child(&self, key: &str, value: &'a Value) -> Cursor<'a> {
        let plain =
            !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
        let mut path = self.path.clone();
        // Writing to a String cannot fail.
        let _ = match (plain, path.is_empty()) {
            (true, true) => write!(path, "{key}"),
            (true, false) => write!(path, ".{key}"),
            (false, _) => write!(path, "[{}]", quoted(key)),
        };
        Cursor { value, path, report: self.report }
    }

    fn field(&mut self, name: &'static str) -> Option<Cursor<'a>> {
        self.asked.push(name);
        self.map.get(name).map(|value| self.child(name, value))
    }

    /// Whether the field is there, readable or not.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.map.contains_key(name)
    }

    /// Whether there are unknown fields.
    pub(crate) fn has_others(&self) -> bool {
        self.map.keys().any(|key| !self.asked.contains(&key.as_str()))
    }

    /// The keys of a field that is an object, without reporting problems.
    pub(crate) fn keys_of(&self, name: &str) -> Vec<&'a str> {
        self.map
            .get(name)
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            .map(|(key, _)| key.as_str())
            .collect()
    }

    /// Reads a field if it is there.
    pub(crate) fn optional<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&Cursor<'a>) -> Option<T>,
    ) -> Option<T> {
        read(&self.field(name)?)
    }

    /// Reads a field that must be there.
    pub(crate) fn required<T>(
        &mut self,
        name: &'static str,
        hint: &str,
        read: impl FnOnce(&Cursor<'a>) -> Option<T>,
    ) -> Option<T> {
        match self.field(name) {
            Some(cursor) => read(&cursor),
            None => {
                self.report_missing(name, hint);
                None
            }
        }
    }

    /// Reports that a field is not there.
    pub(crate) fn report_missing(&self, name: &str, hint: &str) {
        self.child(name, &Value::Null).report_hint(ProblemKind::Missing, "is missing", hint);
    }

    /// Reports a field that does not go together with others.
    pub(crate) fn report_conflict(&self, name: &str, message: String, hint: String) {
        self.child(name, &Value::Null).report_hint(ProblemKind::Conflict, message, hint);
    }

    /// Reports every field that nobody asked for.
    pub(crate) fn finish(self) {
        let mut unknown: Vec<_> =
            self.map.iter().filter(|(key, _)| !self.asked.contains(&key.as_str())).collect();
        unknown.sort_by_key(|(key, _)| *key);
        for (key, value) in unknown {
            let here = self.child(key, value);
            let missing = self.asked.iter().copied().filter(|name| !self.map.contains_key(*name));
            let hint = if let Some((_, home)) = HOMES.iter().find(|(name, _)| name == key) {
                format!("it belongs to {home}")
            } else if let Some(meant) = did_you_mean(key, missing) {
                format!("did you mean {meant:?}?")
            } else {
                format!("known here: {}", self.asked.join(", "))
            };
            here.report_hint(ProblemKind::UnknownField, "is not a field here", hint);
        }
    }
}

/// Where a field is known, for those who put it elsewhere.
const HOMES: &[(&str, &str)] = &[
    ("workflow_id", "the workflow"),
    ("workflow_description", "the workflow"),
    ("workflow_stages", "the workflow"),
    ("defaults", "the workflow"),
    ("parameters", "the workflow"),
    ("time_zone", "the workflow"),
    ("concurrency_policy", "the workflow"),
    ("notify", "the workflow"),
    ("stage_description", "a stage"),
    ("execution_type", "a stage"),
    ("scripts", "a stage"),
    ("max_concurrency", "a stage"),
    ("on_failure", "a stage"),
    ("execution_flag", "a stage or a job"),
    ("script", "a job"),
    ("args", "a job"),
    ("env", "a job"),
    ("job_name", "a job"),
    ("secret", "a job, a stage or defaults"),
    ("target", "a job, a stage or defaults"),
    ("timeout", "a job or defaults"),
    ("heartbeat", "a job or defaults"),
    ("retries", "a job or defaults"),
    ("retry_delay", "a job or defaults"),
    ("retry_backoff", "a job or defaults"),
    ("ok_exit_codes", "a job or defaults"),
    ("on_lost", "a job or defaults"),
    ("sql", "a job"),
    ("copy", "a job"),
    ("unload", "a job"),
    ("transaction", "a job with `sql`"),
    ("log_rows", "a job with `sql`"),
    ("warehouse", "a job, a stage or defaults"),
];
