//! Paths into an event: what EventBridge's own have, without `*`, which leads to more than one value.

use serde_json::Value;

/// What [`Path::parse`] accepts, as a regular expression of ECMAScript.
pub(crate) const PATH_PATTERN: &str = r"^\$(\.[A-Za-z0-9_/-]+|\['[^']+'\]|\[[0-9]{1,9}\])+$";

/// A path into an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Path<'t>(Vec<Step<'t>>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step<'t> {
    Field(&'t str),
    Index(usize),
}

impl<'t> Path<'t> {
    /// Reads `$.detail.items[0]['a name']`; names without quotes have letters, digits, `_`, `-` and `/`.
    pub(super) fn parse(text: &'t str) -> Option<Self> {
        let mut rest = text.strip_prefix('$')?;
        let mut steps = Vec::new();
        while !rest.is_empty() {
            let (step, tail) = if let Some(after) = rest.strip_prefix('.') {
                let is_named = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '/');
                let end = after.find(|c| !is_named(c)).unwrap_or(after.len());
                let (name, tail) = after.split_at_checked(end)?;
                (Step::Field(name), tail)
            } else if let Some(after) = rest.strip_prefix("['") {
                let (name, tail) = after.split_once("']")?;
                (Step::Field(name), tail)
            } else {
                let (digits, tail) = rest.strip_prefix('[')?.split_once(']')?;
                let is_index = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
                (Step::Index(is_index.then(|| digits.parse().ok())??), tail)
            };
            if step == Step::Field("") {
                return None;
            }
            steps.push(step);
            rest = tail;
        }
        (!steps.is_empty()).then_some(Self(steps))
    }

    /// What the path leads to.
    pub(super) fn find<'v>(&self, event: &'v Value) -> Option<&'v Value> {
        self.0.iter().try_fold(event, |value, step| match step {
            Step::Field(name) => value.get(name),
            Step::Index(index) => value.get(index),
        })
    }
}
