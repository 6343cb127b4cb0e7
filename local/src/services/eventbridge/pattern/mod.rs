//! Event patterns: pure, without I/O.
//!
//! `parse` compiles a pattern and reports what is wrong with it, `test` holds the comparison operators of one value,
//! `matching` applies a compiled pattern to an event.
//!
//! <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html>

mod cidr;
mod matching;
mod parse;
mod test;
mod wildcard;

#[cfg(test)]
mod tests;

use test::Test;

/// A compiled pattern.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Pattern(Fields);

/// What one object must fulfil: all of it.
#[derive(Debug, Clone, PartialEq, Default)]
struct Fields {
    fields: Vec<(String, Field)>,
    /// Each `$or`: at least one of its members.
    alternatives: Vec<Vec<Fields>>,
}

/// What stands below one name.
#[derive(Debug, Clone, PartialEq)]
enum Field {
    Object(Fields),
    /// At least one of them.
    Leaf(Vec<Test>),
}

/// Why a text is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Event pattern is not valid. Reason: {reason}")]
pub(crate) struct PatternError {
    reason: String,
}
