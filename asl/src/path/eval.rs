//! Evaluates a path on a document.

use serde_json::{Number, Value};

use super::ast::{Function, Path, Step};

/// The values that a path selects in a document.
#[derive(Debug, PartialEq)]
pub(crate) enum Found<'a> {
    /// A definite path: the value itself.
    One(&'a Value),
    /// An indefinite path: every selected value, possibly none.
    Many(Vec<&'a Value>),
    /// A path that ends in a function.
    Made(Value),
    /// A definite path that selects nothing.
    Missing,
}

impl Found<'_> {
    /// The value, cloned. `None` if missing.
    pub(crate) fn into_value(self) -> Option<Value> {
        match self {
            Self::One(value) => Some(value.clone()),
            Self::Many(values) => Some(Value::Array(values.into_iter().cloned().collect())),
            Self::Made(value) => Some(value),
            Self::Missing => None,
        }
    }
}

impl Path {
    /// Evaluates the steps on a document, whatever the root of the path is.
    pub(crate) fn find<'a>(&self, document: &'a Value) -> Found<'a> {
        find(&self.steps, document, document)
    }

    /// As `find`, with another document for `$` in filters.
    pub(super) fn find_within<'a>(&self, candidate: &'a Value, document: &'a Value) -> Found<'a> {
        find(&self.steps, candidate, document)
    }
}

pub(crate) fn find<'a>(steps: &[Step], start: &'a Value, document: &'a Value) -> Found<'a> {
    let mut current = vec![start];
    let mut definite = true;
    let mut descend = false;
    for (position, step) in steps.iter().enumerate() {
        if let Step::Function(function) = step {
            let list;
            let subject = match (definite, current.as_slice()) {
                (true, [one]) => *one,
                (true, _) => return Found::Missing,
                (false, many) => {
                    list = Value::Array(many.iter().map(|v| (*v).clone()).collect());
                    &list
                }
            };
            // A function is the last step in practice; later steps have nothing to apply to.
            return match apply(*function, subject) {
                Some(value) if position + 1 == steps.len() => Found::Made(value),
                _ => Found::Missing,
            };
        }
        if matches!(step, Step::Descend) {
            descend = true;
            definite = false;
            continue;
        }
        let mut next = Vec::new();
        for value in current {
            if descend {
                each_descendant(value, &mut |value| select(step, value, document, &mut next));
            } else {
                select(step, value, document, &mut next);
            }
        }
        descend = false;
        definite &= matches!(step, Step::Child(_) | Step::Index(_));
        current = next;
    }
    match (definite, current.pop()) {
        (true, Some(one)) => Found::One(one),
        (true, None) if steps.iter().all(|s| matches!(s, Step::Child(_) | Step::Index(_))) => Found::Missing,
        (_, Some(last)) => {
            current.push(last);
            Found::Many(current)
        }
        (_, None) => Found::Many(current),
    }
}

fn select<'a>(step: &Step, value: &'a Value, document: &'a Value, out: &mut Vec<&'a Value>) {
    match step {
        Step::Child(name) => out.extend(value.as_object().and_then(|map| map.get(name))),
        Step::Children(names) => {
            if let Some(map) = value.as_object() {
                out.extend(names.iter().filter_map(|name| map.get(name)));
            }
        }
        Step::Index(index) => out.extend(at(value, *index)),
        Step::Indexes(indexes) => out.extend(indexes.iter().filter_map(|index| at(value, *index))),
        Step::Slice { start, end } => {
            if let Some(items) = value.as_array() {
                let start = clamp(start.unwrap_or(0), items.len());
                let end = clamp(end.unwrap_or(i64::MAX), items.len());
                out.extend(items.get(start..end.max(start)).unwrap_or_default());
            }
        }
        Step::Wildcard => match value {
            Value::Array(items) => out.extend(items),
            Value::Object(map) => out.extend(map.values()),
            _ => {}
        },
        Step::Filter(filter) => match value {
            Value::Array(items) => out.extend(items.iter().filter(|item| filter.accepts(item, document))),
            Value::Object(_) if filter.accepts(value, document) => out.push(value),
            _ => {}
        },
        // Handled by the caller.
        Step::Descend | Step::Function(_) => {}
    }
}

fn at(value: &Value, index: i64) -> Option<&Value> {
    let items = value.as_array()?;
    let index = if index < 0 { i64::try_from(items.len()).ok()?.checked_add(index)? } else { index };
    items.get(usize::try_from(index).ok()?)
}

fn clamp(index: i64, len: usize) -> usize {
    let len_signed = i64::try_from(len).unwrap_or(i64::MAX);
    let index = if index < 0 { len_signed.saturating_add(index).max(0) } else { index.min(len_signed) };
    usize::try_from(index).unwrap_or(len)
}

/// Calls `f` with the value and all its descendants. Iterative, since input may be nested deeply.
fn each_descendant<'a>(value: &'a Value, f: &mut impl FnMut(&'a Value)) {
    let mut stack = vec![value];
    while let Some(value) = stack.pop() {
        f(value);
        match value {
            Value::Array(items) => stack.extend(items.iter().rev()),
            Value::Object(map) => {
                let children: Vec<&Value> = map.values().collect();
                stack.extend(children.into_iter().rev());
            }
            _ => {}
        }
    }
}

fn apply(function: Function, subject: &Value) -> Option<Value> {
    if function == Function::Length {
        let length = match subject {
            Value::Array(items) => items.len(),
            Value::Object(map) => map.len(),
            Value::String(text) => text.chars().count(),
            _ => return None,
        };
        return Some(length.into());
    }
    let numbers: Vec<f64> = subject.as_array()?.iter().filter_map(Value::as_f64).collect();
    if numbers.is_empty() {
        return None;
    }
    let result = match function {
        Function::Min => numbers.iter().copied().fold(f64::INFINITY, f64::min),
        Function::Max => numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        Function::Sum => numbers.iter().sum(),
        Function::Avg => numbers.iter().sum::<f64>() / numbers.len() as f64,
        Function::Length => return None,
    };
    Number::from_f64(result).map(Value::Number)
}
