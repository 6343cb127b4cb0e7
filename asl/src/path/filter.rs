//! Filters: `[?(@.a == 1 && @.b)]`.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::Value;

use super::ast::{Filter, Operand, Operator};
use super::eval::Found;
use crate::value::{compare_numbers, same};

impl Filter {
    pub(super) fn accepts(&self, candidate: &Value, document: &Value) -> bool {
        match self {
            Self::Or(any) => any.iter().any(|f| f.accepts(candidate, document)),
            Self::And(all) => all.iter().all(|f| f.accepts(candidate, document)),
            Self::Not(filter) => !filter.accepts(candidate, document),
            Self::Exists(path) => match path.find_within(candidate, document) {
                Found::Missing => false,
                Found::Many(values) => !values.is_empty(),
                Found::One(_) | Found::Made(_) => true,
            },
            Self::Compare(left, operator, right) => {
                let left = left.value(candidate, document);
                let right = right.value(candidate, document);
                compare(left.as_deref(), *operator, right.as_deref())
            }
        }
    }
}

impl Operand {
    fn value<'a>(&'a self, candidate: &'a Value, document: &'a Value) -> Option<Cow<'a, Value>> {
        match self {
            Self::Literal(value) => Some(Cow::Borrowed(value)),
            Self::Path { from_candidate, path } => {
                let start = if *from_candidate { candidate } else { document };
                match path.find_within(start, document) {
                    Found::One(value) => Some(Cow::Borrowed(value)),
                    other => other.into_value().map(Cow::Owned),
                }
            }
        }
    }
}

fn compare(left: Option<&Value>, operator: Operator, right: Option<&Value>) -> bool {
    match operator {
        Operator::Equal => equal(left, right),
        Operator::NotEqual => !equal(left, right),
        Operator::Less => order(left, right) == Some(Ordering::Less),
        Operator::LessOrEqual => order(left, right).is_some_and(Ordering::is_le),
        Operator::Greater => order(left, right) == Some(Ordering::Greater),
        Operator::GreaterOrEqual => order(left, right).is_some_and(Ordering::is_ge),
        Operator::In => contains(right, left),
        Operator::NotIn => !contains(right, left),
        Operator::Contains => match (left, right) {
            (Some(Value::String(text)), Some(Value::String(part))) => text.contains(part.as_str()),
            _ => contains(left, right),
        },
        Operator::Size => {
            let size = match left {
                Some(Value::Array(items)) => items.len(),
                Some(Value::String(text)) => text.chars().count(),
                _ => return false,
            };
            right.and_then(Value::as_u64).is_some_and(|wanted| wanted == size as u64)
        }
        Operator::Empty => {
            let empty = match left {
                Some(Value::Array(items)) => items.is_empty(),
                Some(Value::Object(map)) => map.is_empty(),
                Some(Value::String(text)) => text.is_empty(),
                _ => return false,
            };
            right.and_then(Value::as_bool) == Some(empty)
        }
    }
}

fn equal(left: Option<&Value>, right: Option<&Value>) -> bool {
    match (left, right) {
        (Some(left), Some(right)) => same(left, right),
        (None, None) => true,
        _ => false,
    }
}

fn order(left: Option<&Value>, right: Option<&Value>) -> Option<Ordering> {
    match (left?, right?) {
        (Value::Number(left), Value::Number(right)) => compare_numbers(left, right),
        (Value::String(left), Value::String(right)) => Some(left.cmp(right)),
        _ => None,
    }
}

fn contains(list: Option<&Value>, item: Option<&Value>) -> bool {
    match (list, item) {
        (Some(Value::Array(items)), Some(item)) => items.iter().any(|other| same(other, item)),
        _ => false,
    }
}
