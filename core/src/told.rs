//! Problems that come back as text: a function can only throw a text, and programs want each problem for itself.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A problem as its text tells it. What sort of mistake it is, the text does not say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToldProblem {
    /// As of [`Problem`](crate::Problem).
    pub path: String,
    /// As of [`Problem`](crate::Problem).
    pub message: String,
    /// As of [`Problem`](crate::Problem).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl ToldProblem {
    /// Reads a line as [`Problem`](crate::Problem) writes it; `None` where it is none.
    #[must_use]
    pub fn read(line: &str) -> Option<Self> {
        let (path, rest) = split_outside_quotes(line, ": ")?;
        let path = if path == "the item" { "" } else { path };
        let (message, hint) = match split_outside_quotes(rest, " — ") {
            Some((message, hint)) => (message, Some(hint.to_owned())),
            None => (rest, None),
        };
        Some(Self { path: path.to_owned(), message: message.to_owned(), hint })
    }
}

impl fmt::Display for ToldProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = if self.path.is_empty() { "the item" } else { &self.path };
        write!(f, "{path}: {}", self.message)?;
        self.hint.iter().try_for_each(|hint| write!(f, " — {hint}"))
    }
}

/// Splits at the first `separator` that does not stand in a quoted text, in which people may have written anything.
fn split_outside_quotes<'t>(text: &'t str, separator: &str) -> Option<(&'t str, &'t str)> {
    let (mut quoted, mut escaped) = (false, false);
    for (at, c) in text.char_indices() {
        if escaped {
            escaped = false;
        } else if quoted && c == '\\' {
            escaped = true;
        } else if c == '"' {
            quoted = !quoted;
        } else if !quoted && let Some(rest) = text.get(at..).and_then(|rest| rest.strip_prefix(separator)) {
            return Some((text.get(..at)?, rest));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::problem::quoted;
    use crate::{Problem, ProblemKind};

    proptest! {
        #[test]
        fn what_is_written_is_read_again(
            key in "\\PC{0,90}",
            value in ".{0,90}",
            hint in proptest::option::of("[a-z]{1,9}"),
        ) {
            let problem = Problem {
                path: format!("parameters[{}]", quoted(&key)),
                kind: ProblemKind::Invalid,
                message: format!("{} is not one of a, b", quoted(&value)),
                hint: hint.map(|hint| format!("did you mean {hint:?}? known here: {hint}")),
            };
            let read = ToldProblem::read(&problem.to_string()).unwrap();
            prop_assert_eq!(read.to_string(), problem.to_string());
            prop_assert_eq!((read.path, read.message, read.hint), (problem.path, problem.message, problem.hint));
        }

        #[test]
        fn nothing_it_reads_makes_it_panic(line in ".{0,200}") {
            let _ = ToldProblem::read(&line);
        }
    }

    #[test]
    fn the_whole_item_has_no_path() {
        let read = ToldProblem::read("the item: is missing").unwrap();
        assert_eq!((read.path.as_str(), read.message.as_str(), read.hint), ("", "is missing", None));
        assert_eq!(ToldProblem::read("nothing of ours"), None);
    }
}
