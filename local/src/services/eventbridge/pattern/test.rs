//! The comparison operators: what one leaf of an event must fulfil.

use serde_json::Value;

use super::cidr::Cidr;
use super::wildcard::Wildcard;

/// One comparison.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Test {
    /// A string, number, boolean or null as it stands.
    Equals(Value),
    Text(TextTest),
    Numeric(Range),
    Cidr(Cidr),
    Exists(bool),
    /// None of these values.
    NoneOf(Vec<Value>),
    /// None of these texts; what is no text passes.
    NoText(Vec<TextTest>),
}

/// A comparison of texts.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum TextTest {
    Prefix(String),
    Suffix(String),
    /// The operand is in lower case.
    PrefixIgnoringCase(String),
    SuffixIgnoringCase(String),
    EqualsIgnoringCase(String),
    Wildcard(Wildcard),
}

/// A range of numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Range {
    pub(super) low: Option<Bound>,
    pub(super) high: Option<Bound>,
}

/// One end of a range.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bound {
    pub(super) value: f64,
    pub(super) inclusive: bool,
}

impl Test {
    /// Whether a leaf passes; none is a leaf that the event does not have.
    pub(super) fn passes(&self, leaf: Option<&Value>) -> bool {
        let Some(leaf) = leaf else { return *self == Self::Exists(false) };
        match self {
            Self::Equals(wanted) => leaf == wanted,
            Self::Text(test) => leaf.as_str().is_some_and(|text| test.passes(text)),
            Self::Numeric(range) => leaf.as_f64().is_some_and(|number| range.contains(number)),
            Self::Cidr(cidr) => leaf.as_str().is_some_and(|text| cidr.contains(text)),
            Self::Exists(wanted) => *wanted,
            Self::NoneOf(values) => !values.contains(leaf),
            Self::NoText(tests) => {
                leaf.as_str().is_none_or(|text| !tests.iter().any(|test| test.passes(text)))
            }
        }
    }
}

impl TextTest {
    fn passes(&self, text: &str) -> bool {
        match self {
            Self::Prefix(prefix) => text.starts_with(prefix),
            Self::Suffix(suffix) => text.ends_with(suffix),
            Self::PrefixIgnoringCase(prefix) => text.to_lowercase().starts_with(prefix),
            Self::SuffixIgnoringCase(suffix) => text.to_lowercase().ends_with(suffix),
            Self::EqualsIgnoringCase(wanted) => text.to_lowercase() == *wanted,
            Self::Wildcard(wildcard) => wildcard.matches(text),
        }
    }
}

impl Range {
    fn contains(&self, number: f64) -> bool {
        let above = self.low.is_none_or(|b| number > b.value || (b.inclusive && number == b.value));
        let below = self.high.is_none_or(|b| number < b.value || (b.inclusive && number == b.value));
        above && below
    }
}
