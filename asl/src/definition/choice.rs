//! Rules of a Choice state.

use std::cmp::Ordering;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::fields::Fields;
use crate::error::EvalError;
use crate::path::Path;
use crate::payload::Payload;
use crate::scope::Scope;
use crate::value::compare_numbers;

/// A rule, compiled.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Rule {
    And(Vec<Rule>),
    Or(Vec<Rule>),
    Not(Box<Rule>),
    /// Whether the variable is present (or not).
    Present(Path, bool),
    /// Whether the variable is of a type (or not).
    Type(Path, Type, bool),
    Matches(Path, Arc<str>),
    Compare(Path, Domain, Relation, Operand),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Type {
    Boolean,
    Null,
    Numeric,
    String,
    Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Domain {
    Boolean,
    Numeric,
    String,
    Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Relation {
    Equals,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Operand {
    Constant(Value),
    Path(Path),
}

/// Every comparison operator. A `Path` variant of each that compares takes its operand from a path.
const OPERATORS: &[&str] = &[
    "BooleanEquals",
    "BooleanEqualsPath",
    "IsBoolean",
    "IsNull",
    "IsNumeric",
    "IsPresent",
    "IsString",
    "IsTimestamp",
    "NumericEquals",
    "NumericEqualsPath",
    "NumericGreaterThan",
    "NumericGreaterThanPath",
    "NumericGreaterThanEquals",
    "NumericGreaterThanEqualsPath",
    "NumericLessThan",
    "NumericLessThanPath",
    "NumericLessThanEquals",
    "NumericLessThanEqualsPath",
    "StringEquals",
    "StringEqualsPath",
    "StringGreaterThan",
    "StringGreaterThanPath",
    "StringGreaterThanEquals",
    "StringGreaterThanEqualsPath",
    "StringLessThan",
    "StringLessThanPath",
    "StringLessThanEquals",
    "StringLessThanEqualsPath",
    "StringMatches",
    "TimestampEquals",
    "TimestampEqualsPath",
    "TimestampGreaterThan",
    "TimestampGreaterThanPath",
    "TimestampGreaterThanEquals",
    "TimestampGreaterThanEqualsPath",
    "TimestampLessThan",
    "TimestampLessThanPath",
    "TimestampLessThanEquals",
    "TimestampLessThanEqualsPath",
];

/// Compiles the rule in an object. `Next`, `Assign` and unknown fields are left to the caller.
pub(super) fn rule(f: &Fields<'_>) -> Option<Rule> {
    let _ = f.get("Comment");
    let given: Vec<&'static str> = ["And", "Or", "Not"]
        .iter()
        .chain(OPERATORS)
        .copied()
        .filter(|operator| f.get(operator).is_some())
        .collect();
    let [operator] = given.as_slice() else {
        f.report("", "must have exactly one operator");
        return None;
    };
    match *operator {
        "And" => Some(Rule::And(nested(f, "And")?)),
        "Or" => Some(Rule::Or(nested(f, "Or")?)),
        "Not" => {
            let inner = f.inner(f.get("Not")?, "Not")?;
            let compiled = rule(&inner);
            inner.finish();
            compiled.map(|rule| Rule::Not(Box::new(rule)))
        }
        operator => {
            f.required("Variable")?;
            comparison(f, operator, f.path("Variable")?)
        }
    }
}

fn nested(f: &Fields<'_>, operator: &'static str) -> Option<Vec<Rule>> {
    let items = f.list(operator)?;
    if items.is_empty() {
        f.report(operator, "must have at least one rule");
    }
    let mut rules = Vec::new();
    for (i, item) in items.iter().enumerate() {
        let inner = f.inner(item, &format!("{operator}[{i}]"))?;
        rules.push(rule(&inner));
        inner.finish();
    }
    rules.into_iter().collect()
}

fn comparison(f: &Fields<'_>, operator: &'static str, variable: Path) -> Option<Rule> {
    let of_type = |t: Type, variable: Path| f.boolean(operator).map(|wanted| Rule::Type(variable, t, wanted));
    match operator {
        "IsPresent" => return f.boolean(operator).map(|wanted| Rule::Present(variable, wanted)),
        "IsNull" => return of_type(Type::Null, variable),
        "IsBoolean" => return of_type(Type::Boolean, variable),
        "IsNumeric" => return of_type(Type::Numeric, variable),
        "IsString" => return of_type(Type::String, variable),
        "IsTimestamp" => return of_type(Type::Timestamp, variable),
        "StringMatches" => {
            return f.text(operator).map(|pattern| Rule::Matches(variable, Arc::from(pattern)));
        }
        _ => {}
    }
    let (plain, by_path) = match operator.strip_suffix("Path") {
        Some(plain) => (plain, true),
        None => (operator, false),
    };
    let (domain, relation) = [
        ("Boolean", Domain::Boolean),
        ("Numeric", Domain::Numeric),
        ("String", Domain::String),
        ("Timestamp", Domain::Timestamp),
    ]
    .into_iter()
    .find_map(|(prefix, domain)| plain.strip_prefix(prefix).map(|rest| (domain, rest)))?;
    let relation = match relation {
        "Equals" => Relation::Equals,
        "LessThan" => Relation::Less,
        "LessThanEquals" => Relation::LessOrEqual,
        "GreaterThan" => Relation::Greater,
        "GreaterThanEquals" => Relation::GreaterOrEqual,
        _ => return None,
    };
    let operand = if by_path {
        Operand::Path(f.path(operator)?)
    } else {
        let value = f.get(operator)?;
        let wanted = match domain {
            Domain::Boolean => value.is_boolean(),
            Domain::Numeric => value.is_number(),
            Domain::String => value.is_string(),
            Domain::Timestamp => value.as_str().and_then(timestamp).is_some(),
        };
        if !wanted {
            let what = match domain {
                Domain::Boolean => "true or false",
                Domain::Numeric => "a number",
                Domain::String => "a string",
                Domain::Timestamp => "a timestamp such as 2024-08-18T17:33:00Z",
            };
            f.report(operator, format!("must be {what}"));
            return None;
        }
        Operand::Constant(value.clone())
    };
    Some(Rule::Compare(variable, domain, relation, operand))
}

/// A timestamp of the language's profile of RFC 3339: `T` and `Z` in upper case, an offset is needed.
///
/// <https://states-language.net/spec.html#timestamps>
pub(crate) fn timestamp(text: &str) -> Option<Timestamp> {
    if text.as_bytes().get(10) != Some(&b'T') || text.contains(['z', '[', ' ']) {
        return None;
    }
    text.parse().ok()
}

impl Rule {
    /// Whether the rule holds.
    ///
    /// # Errors
    /// A path selects nothing (except with `IsPresent`).
    pub(crate) fn holds(&self, scope: &Scope<'_>) -> Result<bool, EvalError> {
        match self {
            Self::And(rules) => {
                for rule in rules {
                    if !rule.holds(scope)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Self::Or(rules) => {
                for rule in rules {
                    if rule.holds(scope)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Self::Not(rule) => Ok(!rule.holds(scope)?),
            Self::Present(path, wanted) => Ok(present(path, scope)? == *wanted),
            Self::Type(path, of, wanted) => Ok(of.holds(&*value(path, scope)?) == *wanted),
            Self::Matches(path, pattern) => {
                Ok(value(path, scope)?.as_str().is_some_and(|text| matches(pattern, text)))
            }
            Self::Compare(path, domain, relation, operand) => {
                let left = value(path, scope)?;
                let ordering = match operand {
                    Operand::Constant(right) => domain.compare(&left, right),
                    Operand::Path(path) => domain.compare(&left, &*value(path, scope)?),
                };
                Ok(ordering.is_some_and(|o| relation.holds(o)))
            }
        }
    }
}

fn present(path: &Path, scope: &Scope<'_>) -> Result<bool, EvalError> {
    Ok(match scope.find(path)? {
        None => false,
        Some(found) => path.is_definite() || found.as_array().is_none_or(|items| !items.is_empty()),
    })
}

fn value(path: &Path, scope: &Scope<'_>) -> Result<Payload, EvalError> {
    scope.find(path)?.ok_or_else(|| {
        EvalError::runtime(format!(
            "Invalid path '{path}': The choice state's condition path references an invalid value."
        ))
    })
}

impl Type {
    fn holds(self, value: &Value) -> bool {
        match self {
            Self::Boolean => value.is_boolean(),
            Self::Null => value.is_null(),
            Self::Numeric => value.is_number(),
            Self::String => value.is_string(),
            Self::Timestamp => value.as_str().and_then(timestamp).is_some(),
        }
    }
}

impl Domain {
    fn compare(self, left: &Value, right: &Value) -> Option<Ordering> {
        match (self, left, right) {
            (Self::Boolean, Value::Bool(left), Value::Bool(right)) => Some(left.cmp(right)),
            (Self::Numeric, Value::Number(left), Value::Number(right)) => compare_numbers(left, right),
            (Self::String, Value::String(left), Value::String(right)) => Some(left.cmp(right)),
            (Self::Timestamp, Value::String(left), Value::String(right)) => {
                Some(timestamp(left)?.cmp(&timestamp(right)?))
            }
            _ => None,
        }
    }
}

impl Relation {
    fn holds(self, ordering: Ordering) -> bool {
        match self {
            Self::Equals => ordering.is_eq(),
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
        }
    }
}

/// `StringMatches`: `*` matches any characters, `\*` matches a literal `*`.
fn matches(pattern: &str, text: &str) -> bool {
    enum Piece {
        Char(char),
        Any,
    }
    let mut pieces = Vec::new();
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        pieces.push(match c {
            '\\' => Piece::Char(chars.next().unwrap_or('\\')),
            '*' => Piece::Any,
            c => Piece::Char(c),
        });
    }
    let text: Vec<char> = text.chars().collect();
    // On a mismatch the last `*` takes one character more; linear in memory, no recursion.
    let (mut p, mut t, mut last) = (0, 0, None);
    while t < text.len() {
        match pieces.get(p) {
            Some(Piece::Char(c)) if text.get(t) == Some(c) => {
                p += 1;
                t += 1;
            }
            Some(Piece::Any) => {
                last = Some((p, t));
                p += 1;
            }
            _ => match last {
                Some((star, from)) => {
                    p = star + 1;
                    t = from + 1;
                    last = Some((star, t));
                }
                None => return false,
            },
        }
    }
    pieces.iter().skip(p).all(|piece| matches!(piece, Piece::Any))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        assert!(matches("log-*.txt", "log-2024.txt"));
        assert!(matches("*", ""));
        assert!(matches(r"a\*b", "a*b"));
        assert!(!matches(r"a\*b", "axb"));
        assert!(matches("*a*b", "xxaybab"));
        assert!(!matches("a*b", "abc"));
    }

    #[test]
    fn timestamps_need_t_and_offset() {
        assert!(timestamp("2012-10-09T19:00:55Z").is_some());
        assert!(timestamp("2012-10-09T19:00:55.123456789+02:00").is_some());
        for text in ["2012-10-09 19:00:55Z", "2012-10-09T19:00:55", "2012-10-09T19:00:55z", "", "2012-10-09"]
        {
            assert!(timestamp(text).is_none(), "{text}");
        }
    }
}
