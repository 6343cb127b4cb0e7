//! Functions on arrays.

use serde_json::Value;

use super::call::{Failure, rounded};
use crate::value::{as_integer, same};

/// The service's limit of the result of `States.ArrayRange`.
const MAX_RANGE: i64 = 1000;

fn list(value: &Value) -> Result<&Vec<Value>, Failure> {
    value.as_array().ok_or_else(|| "the first argument must be an array".to_owned())
}

pub(super) fn contains(items: &Value, item: &Value) -> Result<Value, Failure> {
    Ok(Value::Bool(list(items)?.iter().any(|other| same(other, item))))
}

pub(super) fn get_item(items: &Value, index: &Value) -> Result<Value, Failure> {
    let items = list(items)?;
    let index = as_integer(index).ok_or_else(|| "the index must be an integer".to_owned())?;
    let found = usize::try_from(index).ok().and_then(|index| items.get(index));
    found
        .cloned()
        .ok_or_else(|| format!("the index {index} is out of bounds of an array of length {}", items.len()))
}

pub(super) fn length(items: &Value) -> Result<Value, Failure> {
    Ok(Value::from(list(items)?.len()))
}

pub(super) fn partition(items: &Value, size: &Value) -> Result<Value, Failure> {
    let items = list(items)?;
    let size = usize::try_from(rounded(size, "the chunk size")?).ok().filter(|size| *size > 0);
    let Some(size) = size else {
        return Err("the chunk size must be positive".to_owned());
    };
    Ok(Value::Array(items.chunks(size).map(|chunk| Value::Array(chunk.to_vec())).collect()))
}

pub(super) fn range(first: &Value, last: &Value, step: &Value) -> Result<Value, Failure> {
    let first = rounded(first, "the first value")?;
    let last = rounded(last, "the last value")?;
    let step = rounded(step, "the increment")?;
    if step == 0 {
        return Err("the increment must not be 0".to_owned());
    }
    let mut values = Vec::new();
    let mut next = Some(first);
    while let Some(value) = next.filter(|v| if step > 0 { *v <= last } else { *v >= last }) {
        if values.len() as i64 >= MAX_RANGE {
            return Err(format!("the range has more than {MAX_RANGE} values"));
        }
        values.push(Value::from(value));
        next = value.checked_add(step);
    }
    Ok(Value::Array(values))
}

pub(super) fn unique(items: &Value) -> Result<Value, Failure> {
    let mut kept: Vec<Value> = Vec::new();
    for item in list(items)? {
        if !kept.iter().any(|other| same(other, item)) {
            kept.push(item.clone());
        }
    }
    Ok(Value::Array(kept))
}
