//! Problems of input that a person wrote: all problems at once, each with its location and a hint.

use std::cell::RefCell;
use std::fmt;

use serde::{Deserialize, Serialize};

/// The kind of a problem, for programs that read [`Problems`] as JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ProblemKind {
    /// A required field is missing.
    Missing,
    /// A field is unknown, or belongs to another object.
    UnknownField,
    /// A value of another type, such as a string instead of a list.
    WrongType,
    /// A value outside a closed set.
    NotOneOf,
    /// A number with a fraction where a whole number is required.
    Fraction,
    /// A number, length or size outside its limits.
    OutOfRange,
    /// A text that breaks its field's rule.
    Invalid,
    /// Two values that are fine alone and do not go together.
    Conflict,
    /// A heartbeat that this deployment's times do not allow.
    Timing,
    /// A `{{ name }}` that is malformed or not defined.
    Template,
    /// A text that earlier versions accepted. Runs that started with one of them continue.
    Refused,
}

/// One problem. Displayed as `path: message`, with `hint: …` on a second line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The location, as in `workflow_stages[1].execution_type`. Empty for the whole item. For an environment variable
    /// (`RSQLFLOW_PREFIX`) it is the name.
    pub path: String,
    /// What sort of mistake.
    pub kind: ProblemKind,
    /// What is wrong there.
    pub message: String,
    /// What to do about it, if that can be said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Problem {
    /// A problem without a hint.
    #[must_use]
    pub fn new(path: impl Into<String>, kind: ProblemKind, message: impl Into<String>) -> Self {
        Self { path: path.into(), kind, message: message.into(), hint: None }
    }

    /// The same with a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = if self.path.is_empty() { "the item" } else { &self.path };
        write!(f, "{path}: {}", self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "\nhint: {hint}"),
            None => Ok(()),
        }
    }
}

/// One or more problems, in the order of the fields. Shown one a line; as JSON a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// The problems.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.0.iter()
    }

    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no problems, which is possible only for a list read from JSON.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The problems, owned.
    #[must_use]
    pub fn into_vec(self) -> Vec<Problem> {
        self.0
    }
}

impl<'a> IntoIterator for &'a Problems {
    type Item = &'a Problem;
    type IntoIter = std::slice::Iter<'a, Problem>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

impl TryFrom<Vec<Problem>> for Problems {
    type Error = NoProblems;

    fn try_from(problems: Vec<Problem>) -> Result<Self, NoProblems> {
        if problems.is_empty() { Err(NoProblems) } else { Ok(Self(problems)) }
    }
}

/// An empty list is no [`Problems`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the list of problems is empty")]
pub struct NoProblems;

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// Collects problems while something is read to its end.
#[derive(Debug, Default)]
pub(crate) struct Report(RefCell<Vec<Problem>>);

impl Report {
    pub(crate) fn add(&self, problem: Problem) {
        self.0.borrow_mut().push(problem);
    }

    /// What was read, or everything that is wrong with it.
    ///
    /// `value` is `None` only where a problem was reported; should a reader ever break that rule, the answer is
    /// still an error and not a panic.
    pub(crate) fn finish<T>(self, value: Option<T>) -> Result<T, Problems> {
        let problems = self.0.into_inner();
        match value {
            Some(value) if problems.is_empty() => Ok(value),
            None if problems.is_empty() => {
                Err(Problem::new("", ProblemKind::Invalid, "cannot be read").into())
            }
            _ => Err(Problems(problems)),
        }
    }
}

impl Report {
    /// As [`Self::finish`], for what was accepted before by this or an earlier version.
    pub(crate) fn finish_stored<T>(self, value: Option<T>) -> Result<T, Problems> {
        self.0.borrow_mut().retain(|problem| problem.kind != ProblemKind::Refused);
        self.finish(value)
    }
}

/// A text as a message shows it: quoted, control characters and direction marks escaped, long ones cut.
pub(crate) fn quoted(text: &str) -> String {
    const SHOWN: usize = 80;
    match text.char_indices().nth(SHOWN) {
        Some((cut, _)) => format!("{:?}…", text.get(..cut).unwrap_or_default()),
        None => format!("{text:?}"),
    }
}

/// Maximum number of known names in a hint.
const MOST_KNOWN: usize = 10;

/// What to say of a name that nobody knows: the one that was probably meant, and those that there are. `None` where
/// there are none.
#[must_use]
pub fn of_unknown<'c>(wrong: &str, known: impl IntoIterator<Item = &'c str>) -> Option<String> {
    let known: Vec<&str> = known.into_iter().collect();
    let shown = known.iter().take(MOST_KNOWN).copied().collect::<Vec<_>>().join(", ");
    let all = match known.len().saturating_sub(MOST_KNOWN) {
        _ if known.is_empty() => return None,
        0 => format!("known here: {shown}"),
        more => format!("known here: {shown} and {more} more"),
    };
    Some(match did_you_mean(wrong, known) {
        Some(meant) => format!("did you mean {meant:?}? {all}"),
        None => all,
    })
}

/// The candidate that `wrong` was most likely meant to be, if one is near enough.
pub fn did_you_mean<'c>(wrong: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    // Comparing is quadratic in the length; no name that long has a near neighbour here.
    if wrong.len() > 100 {
        return None;
    }
    let wrong = wrong.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&wrong, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| match candidate.chars().count() {
            // Any letter is one change from any other.
            0 | 1 => wrong.starts_with(candidate) && !candidate.is_empty(),
            length => *distance <= (length / 3).max(1),
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}
