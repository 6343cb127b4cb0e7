//! From JSON to a compiled pattern.

use serde_json::{Map, Value};

use super::cidr::Cidr;
use super::test::{Bound, Range, Test, TextTest};
use super::wildcard::Wildcard;
use super::{Field, Fields, Pattern, PatternError};

/// Combinations of `$or` members in one pattern.
///
/// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns-content-based-filtering.html>
const COMBINATIONS: usize = 1_000;

/// The greatest absolute value of `numeric`.
const GREATEST_NUMBER: f64 = 5.0e9;

impl Pattern {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// What is wrong with it, in the service's words where they are known.
    pub(crate) fn parse(text: &str) -> Result<Self, PatternError> {
        let value: Value =
            serde_json::from_str(text).map_err(|e| refuse(format!("Filter is not valid JSON: {e}")))?;
        let Value::Object(object) = value else { return Err(refuse("Filter is not an object")) };
        Self::from_object(&object)
    }

    /// Compiles a pattern that is JSON already.
    pub(crate) fn from_object(object: &Map<String, Value>) -> Result<Self, PatternError> {
        let fields = fields(object)?;
        if fields.combinations() > COMBINATIONS {
            return Err(refuse(format!("there are more than {COMBINATIONS} combinations of $or")));
        }
        Ok(Self(fields))
    }
}

impl Fields {
    /// How many patterns without `$or` say the same.
    fn combinations(&self) -> usize {
        let below = self.fields.iter().map(|(_, field)| match field {
            Field::Object(fields) => fields.combinations(),
            Field::Leaf(_) => 1,
        });
        let alternatives = self
            .alternatives
            .iter()
            .map(|any| any.iter().fold(0_usize, |sum, fields| sum.saturating_add(fields.combinations())));
        below.chain(alternatives).fold(1, usize::saturating_mul)
    }
}

fn refuse(reason: impl Into<String>) -> PatternError {
    PatternError { reason: reason.into() }
}

fn fields(object: &Map<String, Value>) -> Result<Fields, PatternError> {
    if object.is_empty() {
        return Err(refuse("Empty objects are not allowed"));
    }
    let mut compiled = Fields::default();
    for (name, value) in object {
        match value {
            Value::Array(members) if name == "$or" => compiled.alternatives.push(alternatives(members)?),
            Value::Object(object) => compiled.fields.push((name.clone(), Field::Object(fields(object)?))),
            Value::Array(tests) if tests.is_empty() => return Err(refuse("Empty arrays are not allowed")),
            Value::Array(values) => {
                let tests = values.iter().map(test).collect::<Result<_, _>>()?;
                compiled.fields.push((name.clone(), Field::Leaf(tests)));
            }
            _ => return Err(refuse(format!("\"{name}\" must be an object or an array"))),
        }
    }
    Ok(compiled)
}

fn alternatives(members: &[Value]) -> Result<Vec<Fields>, PatternError> {
    if members.len() < 2 {
        return Err(refuse("\"$or\" must have at least 2 members"));
    }
    members
        .iter()
        .map(|member| match member {
            Value::Object(object) => fields(object),
            _ => Err(refuse("the members of \"$or\" must be objects")),
        })
        .collect()
}

fn test(value: &Value) -> Result<Test, PatternError> {
    let object = match value {
        Value::Object(object) => object,
        Value::Array(_) => return Err(refuse("Match value must be String, number, true, false, or null")),
        scalar => return Ok(Test::Equals(scalar.clone())),
    };
    let (name, operand) = only_member(object)?;
    match name {
        "exists" => match operand {
            Value::Bool(wanted) => Ok(Test::Exists(*wanted)),
            _ => Err(refuse("exists match pattern must be either true or false.")),
        },
        "numeric" => numeric(operand).map(Test::Numeric),
        "cidr" => Cidr::parse(text(name, operand)?).map(Test::Cidr).map_err(refuse),
        "anything-but" => anything_but(operand),
        _ => text_test(name, operand).map(Test::Text),
    }
}

fn only_member(object: &Map<String, Value>) -> Result<(&str, &Value), PatternError> {
    let mut members = object.iter();
    match (members.next(), members.next()) {
        (Some((name, operand)), None) => Ok((name, operand)),
        _ => Err(refuse("Only one key allowed in match expression")),
    }
}

fn text<'a>(name: &str, operand: &'a Value) -> Result<&'a str, PatternError> {
    operand.as_str().ok_or_else(|| refuse(format!("{name} match pattern must be a string")))
}

fn text_test(name: &str, operand: &Value) -> Result<TextTest, PatternError> {
    Ok(match (name, operand) {
        ("prefix", Value::Object(inner)) => TextTest::PrefixIgnoringCase(ignoring_case(name, inner)?),
        ("suffix", Value::Object(inner)) => TextTest::SuffixIgnoringCase(ignoring_case(name, inner)?),
        ("prefix", _) => TextTest::Prefix(text(name, operand)?.to_owned()),
        ("suffix", _) => TextTest::Suffix(text(name, operand)?.to_owned()),
        ("equals-ignore-case", _) => TextTest::EqualsIgnoringCase(text(name, operand)?.to_lowercase()),
        ("wildcard", _) => TextTest::Wildcard(Wildcard::parse(text(name, operand)?).map_err(refuse)?),
        _ => return Err(refuse(format!("Unrecognized match type {name}"))),
    })
}

/// The operand of `{"prefix": {"equals-ignore-case": "…"}}`, in lower case.
fn ignoring_case(outer: &str, inner: &Map<String, Value>) -> Result<String, PatternError> {
    match only_member(inner)? {
        ("equals-ignore-case", operand) => Ok(text("equals-ignore-case", operand)?.to_lowercase()),
        (name, _) => Err(refuse(format!("Unsupported {outer} match type: {name}"))),
    }
}

fn anything_but(operand: &Value) -> Result<Test, PatternError> {
    match operand {
        Value::String(_) | Value::Number(_) => Ok(Test::NoneOf(vec![operand.clone()])),
        Value::Array(values) if values.is_empty() => Err(refuse("Anything-But list must not be empty")),
        Value::Array(values) => {
            if values.iter().all(Value::is_string) || values.iter().all(Value::is_number) {
                return Ok(Test::NoneOf(values.clone()));
            }
            let reason = "Inside anything-but list, either all values are number or string, mixed type is not supported";
            Err(refuse(reason))
        }
        Value::Object(object) => {
            let (name, operand) = only_member(object)?;
            if !matches!(name, "prefix" | "suffix" | "equals-ignore-case" | "wildcard") {
                return Err(refuse(format!("Unsupported anything-but pattern: {name}")));
            }
            let one = |operand: &Value| match operand {
                Value::String(text) if text.is_empty() && name != "equals-ignore-case" => {
                    Err(refuse("Null prefix/suffix not allowed"))
                }
                Value::String(_) => text_test(name, operand),
                _ => Err(refuse(format!(
                    "anything-but {name} match pattern must be a string or a list of strings"
                ))),
            };
            match operand {
                Value::Array(operands) if operands.is_empty() => {
                    Err(refuse("Anything-But list must not be empty"))
                }
                Value::Array(operands) => {
                    operands.iter().map(one).collect::<Result<_, _>>().map(Test::NoText)
                }
                operand => Ok(Test::NoText(vec![one(operand)?])),
            }
        }
        _ => Err(refuse("Value of anything-but must be an array or single string/number value.")),
    }
}

/// `["=", n]`, or a lower bound, an upper bound, or both in this order.
fn numeric(operand: &Value) -> Result<Range, PatternError> {
    let Value::Array(parts) = operand else { return Err(refuse("Value of numeric must be an array.")) };
    let mut bounds = Vec::new();
    for pair in parts.chunks(2) {
        let [Value::String(operator), value] = pair else {
            return Err(refuse("Value of numeric must be pairs of an operator and a number"));
        };
        let value = value.as_f64().ok_or_else(|| refuse(format!("Value of {operator} must be numeric")))?;
        if value.abs() > GREATEST_NUMBER {
            return Err(refuse(format!(
                "Value must be between -{GREATEST_NUMBER} and {GREATEST_NUMBER}, inclusive"
            )));
        }
        bounds.push((operator.as_str(), value));
    }
    let bound = |operator: &str, value| Some(Bound { value, inclusive: operator.ends_with('=') });
    let range = match bounds.as_slice() {
        [("=", value)] => Range { low: bound("=", *value), high: bound("=", *value) },
        [(operator @ (">" | ">="), value)] => Range { low: bound(operator, *value), high: None },
        [(operator @ ("<" | "<="), value)] => Range { low: None, high: bound(operator, *value) },
        [(lower @ (">" | ">="), low), (upper @ ("<" | "<="), high)] => {
            if low >= high {
                return Err(refuse("Bottom must be less than top"));
            }
            Range { low: bound(lower, *low), high: bound(upper, *high) }
        }
        [] => return Err(refuse("Invalid member in numeric match: ]")),
        _ => {
            return Err(refuse("Unrecognized numeric range operator, or operators that do not fit together"));
        }
    };
    Ok(range)
}
