//! Reading settings so that every problem is reported at once.

use std::fmt::Write as _;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use rsqlflow_core::{ACCEPTED_DURATIONS, Problem, ProblemKind, parse_duration};
use toml::{Table, Value};

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("the agent's configuration {} cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        #[source]
        source: std::io::Error,
    },
    /// The file, or a variable, has problems.
    #[error("{}{}", path.as_ref().map_or_else(|| "the agent's configuration".to_owned(), |p| p.display().to_string()), list(problems))]
    Invalid {
        /// The file, if it is known.
        path: Option<PathBuf>,
        /// All problems, in the order of the settings.
        problems: Vec<Problem>,
    },
}

fn list(problems: &[Problem]) -> String {
    let mut text = format!(" has {} problem{}:", problems.len(), if problems.len() == 1 { "" } else { "s" });
    for problem in problems {
        let _ = write!(text, "\n  {}", problem.to_string().replace('\n', "\n    "));
    }
    text
}

impl ConfigError {
    pub(super) fn in_file(self, path: PathBuf) -> Self {
        match self {
            Self::Invalid { problems, .. } => Self::Invalid { path: Some(path), problems },
            unreadable @ Self::Unreadable { .. } => unreadable,
        }
    }
}

/// Takes settings from a table until it is empty.
pub(super) struct Reader<'a> {
    table: Table,
    env: &'a dyn Fn(&str) -> Option<String>,
    known: Vec<&'static str>,
    problems: Vec<Problem>,
}

/// A setting's value and its location.
struct Found {
    place: &'static str,
    value: Value,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &str, env: &'a dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let table = text.parse::<Table>().map_err(|error| {
            let line = error
                .span()
                .map_or(1, |span| 1 + text.get(..span.start).unwrap_or(text).matches('\n').count());
            let message = format!("is not TOML, line {line}: {}", error.message());
            ConfigError::Invalid {
                path: None,
                problems: vec![Problem::new("the file", ProblemKind::Invalid, message)],
            }
        })?;
        Ok(Self { table, env, known: Vec::new(), problems: Vec::new() })
    }

    /// The value of a setting: from the variable if it is set, else from the file.
    fn take(&mut self, key: &'static str, variable: Option<&'static str>) -> Option<Found> {
        self.known.push(key);
        let in_file = self.table.remove(key);
        let from_env = variable.and_then(|name| {
            let value = (self.env)(name).filter(|value| !value.is_empty())?;
            Some(Found { place: name, value: Value::String(value) })
        });
        from_env.or_else(|| in_file.map(|value| Found { place: key, value }))
    }

    /// Which of these obsolete settings the file has. Their values are ignored.
    pub(super) fn retired(&mut self, keys: &[&'static str]) -> Vec<&'static str> {
        keys.iter().copied().filter(|key| self.table.remove(*key).is_some()).collect()
    }

    fn report(&mut self, place: &str, kind: ProblemKind, message: impl Into<String>, hint: &str) {
        let problem = Problem::new(place, kind, message);
        self.problems.push(if hint.is_empty() { problem } else { problem.hint(hint) });
    }

    fn wrong_type(&mut self, found: &Found, wanted: &str) {
        let message = format!("must be {wanted}, but is {}", found.value.type_str());
        self.report(found.place, ProblemKind::WrongType, message, "");
    }

    fn found_text(
        &mut self,
        key: &'static str,
        variable: Option<&'static str>,
    ) -> Option<(&'static str, String)> {
        let found = self.take(key, variable)?;
        match found.value {
            Value::String(text) if text.contains('\0') => {
                self.report(found.place, ProblemKind::Invalid, "must not contain NUL", "");
                None
            }
            Value::String(text) => Some((found.place, text)),
            _ => {
                self.wrong_type(&found, "a text");
                None
            }
        }
    }

    pub(super) fn text(&mut self, key: &'static str, variable: Option<&'static str>) -> Option<String> {
        self.found_text(key, variable).map(|(_, text)| text)
    }

    /// A table's name, or a prefix of it (DynamoDB developer guide, "Naming rules").
    pub(super) fn name(&mut self, key: &'static str, variable: Option<&'static str>) -> Option<String> {
        let (place, text) = self.found_text(key, variable)?;
        let fits = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
        if (1..=255).contains(&text.len()) && text.chars().all(fits) {
            return Some(text);
        }
        let message = format!("{text:?} is not a table name");
        self.report(place, ProblemKind::Invalid, message, "use letters, digits, '_', '.' and '-'");
        None
    }

    pub(super) fn directory(&mut self, key: &'static str) -> Option<PathBuf> {
        let (place, text) = self.found_text(key, None)?;
        let path = PathBuf::from(&text);
        if path.is_absolute() {
            return Some(path);
        }
        let message = format!("{text:?} is not an absolute path");
        self.report(place, ProblemKind::Invalid, message, "start the path with '/'");
        None
    }

    pub(super) fn url(&mut self, key: &'static str, variable: Option<&'static str>) -> Option<String> {
        let (place, text) = self.found_text(key, variable)?;
        if text.starts_with("http://") || text.starts_with("https://") {
            return Some(text);
        }
        let message = format!("{text:?} is not an http:// or https:// address");
        self.report(place, ProblemKind::Invalid, message, "use an address such as http://127.0.0.1:4566");
        None
    }

    pub(super) fn duration(&mut self, key: &'static str, variable: Option<&'static str>) -> Option<Duration> {
        let found = self.take(key, variable)?;
        let text = match &found.value {
            Value::Integer(seconds) => seconds.to_string(),
            Value::String(text) => text.clone(),
            _ => {
                self.wrong_type(&found, "a duration");
                return None;
            }
        };
        match parse_duration(&text) {
            Ok(duration) => Some(duration),
            Err(error) => {
                self.report(
                    found.place,
                    ProblemKind::Invalid,
                    format!("{text:?} {error}"),
                    ACCEPTED_DURATIONS,
                );
                None
            }
        }
    }

    pub(super) fn whole(&mut self, key: &'static str, range: RangeInclusive<u16>) -> Option<u16> {
        let found = self.take(key, None)?;
        let Value::Integer(number) = found.value else {
            self.wrong_type(&found, "a whole number");
            return None;
        };
        let fits = u16::try_from(number).ok().filter(|number| range.contains(number));
        if fits.is_none() {
            let message = format!("must be from {} to {}, but is {number}", range.start(), range.end());
            self.report(found.place, ProblemKind::OutOfRange, message, "");
        }
        fits
    }

    pub(super) fn flag(&mut self, key: &'static str) -> Option<bool> {
        let found = self.take(key, None)?;
        match found.value {
            Value::Boolean(flag) => Some(flag),
            _ => {
                self.wrong_type(&found, "true or false");
                None
            }
        }
    }

    pub(super) fn texts(&mut self, key: &'static str) -> Option<Vec<String>> {
        let found = self.take(key, None)?;
        let texts = match &found.value {
            Value::Array(values) => {
                values.iter().map(|value| value.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>()
            }
            _ => None,
        };
        if texts.is_none() {
            self.wrong_type(&found, "a list of strings");
        }
        texts
    }

    pub(super) fn one_of<T: Copy>(
        &mut self,
        key: &'static str,
        variable: Option<&'static str>,
        choices: &[(&str, T)],
    ) -> Option<T> {
        let (place, text) = self.found_text(key, variable)?;
        let choice = choices.iter().find(|(name, _)| *name == text).map(|(_, value)| *value);
        if choice.is_none() {
            let names: Vec<_> = choices.iter().map(|(name, _)| *name).collect();
            let message = format!("{text:?} is not one of {}", names.join(", "));
            self.report(place, ProblemKind::NotOneOf, message, "");
        }
        choice
    }

    pub(super) fn finish<T>(mut self, value: T) -> Result<T, ConfigError> {
        let unknown: Vec<String> = self.table.keys().cloned().collect();
        for key in unknown {
            let hint = format!("fix or remove it; the settings are {}", self.known.join(", "));
            self.report(&key, ProblemKind::UnknownField, "is not a setting of the agent", &hint);
        }
        if self.problems.is_empty() {
            Ok(value)
        } else {
            Err(ConfigError::Invalid { path: None, problems: self.problems })
        }
    }
}
