//! A parsed call and its evaluation.

use serde_json::{Number, Value};

use super::function::Function;
use super::{arrays, text};
use crate::error::{EvalError, names};
use crate::path::Path;
use crate::random::Random;
use crate::scope::Scope;

/// A call with its arguments.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Call {
    pub(crate) function: Function,
    pub(crate) arguments: Vec<Argument>,
    /// The source text, for messages.
    pub(crate) text: String,
}

/// An argument of a call.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Argument {
    Path(Path),
    Literal(Value),
    Call(Call),
}

/// The message of a failed function.
pub(super) type Failure = String;

impl Call {
    /// Evaluates the arguments, then the function. The error of a failure at any depth names the whole expression.
    pub(crate) fn evaluate(&self, scope: &Scope<'_>) -> Result<Value, EvalError> {
        self.value(scope).map_err(|(error, message)| EvalError {
            error,
            cause: format!("The function '{}' had the following error: {message}", self.text),
        })
    }

    fn value(&self, scope: &Scope<'_>) -> Result<Value, (&'static str, Failure)> {
        let mut arguments = Vec::with_capacity(self.arguments.len());
        for argument in &self.arguments {
            arguments.push(match argument {
                Argument::Literal(value) => value.clone(),
                Argument::Call(call) => call.value(scope)?,
                Argument::Path(path) => match scope.find(path) {
                    Ok(Some(value)) => value.into_value(),
                    // Unlike a failure of the function itself, this one cannot be caught.
                    Ok(None) => {
                        let message = format!(
                            "The JsonPath argument for the field '{path}' could not be found in the input '{}'",
                            scope.input
                        );
                        return Err((names::RUNTIME, message));
                    }
                    Err(error) => return Err((error.error, error.cause)),
                },
            });
        }
        self.apply(&arguments, scope.random).map_err(|message| (names::INTRINSIC_FAILURE, message))
    }

    /// Paths in the arguments, at any depth.
    pub(crate) fn paths(&self) -> Vec<&Path> {
        let mut paths = Vec::new();
        for argument in &self.arguments {
            match argument {
                Argument::Path(path) => paths.push(path),
                Argument::Call(call) => paths.extend(call.paths()),
                Argument::Literal(_) => {}
            }
        }
        paths
    }

    fn apply(&self, args: &[Value], random: &Random) -> Result<Value, Failure> {
        match (self.function, args) {
            (Function::Array, items) => Ok(Value::Array(items.to_vec())),
            (Function::ArrayContains, [list, item]) => arrays::contains(list, item),
            (Function::ArrayGetItem, [list, index]) => arrays::get_item(list, index),
            (Function::ArrayLength, [list]) => arrays::length(list),
            (Function::ArrayPartition, [list, size]) => arrays::partition(list, size),
            (Function::ArrayRange, [first, last, step]) => arrays::range(first, last, step),
            (Function::ArrayUnique, [list]) => arrays::unique(list),
            (Function::Base64Decode, [input]) => text::base64_decode(input),
            (Function::Base64Encode, [input]) => text::base64_encode(input),
            (Function::Format, [template, values @ ..]) => text::format(template, values),
            (Function::Hash, [data, algorithm]) => text::hash(data, algorithm),
            (Function::JsonMerge, [left, right, deep]) => merge(left, right, deep),
            (Function::JsonToString, [value]) => Ok(Value::String(value.to_string())),
            (Function::MathAdd, [left, right]) => add(left, right),
            (Function::MathRandom, [start, end, seed @ ..]) => draw(start, end, seed.first(), random),
            (Function::StringSplit, [input, splitter]) => text::split(input, splitter),
            (Function::StringToJson, [input]) => text::to_json(input),
            (Function::Uuid, []) => Ok(Value::String(random.uuid())),
            // The parser checked the number of arguments.
            _ => Err("wrong number of arguments".to_owned()),
        }
    }
}

fn merge(left: &Value, right: &Value, deep: &Value) -> Result<Value, Failure> {
    let (Value::Object(left), Value::Object(right)) = (left, right) else {
        return Err("the first two arguments must be objects".to_owned());
    };
    match deep {
        Value::Bool(false) => {}
        Value::Bool(true) => return Err("deep merging is not supported".to_owned()),
        _ => return Err("the third argument must be a boolean".to_owned()),
    }
    let mut merged = left.clone();
    merged.extend(right.iter().map(|(name, value)| (name.clone(), value.clone())));
    Ok(Value::Object(merged))
}

/// A number as an integer, halves towards positive infinity (recorded: -1.5 is -1).
pub(super) fn rounded(value: &Value, what: &str) -> Result<i64, Failure> {
    let number = value.as_number().ok_or_else(|| format!("{what} must be a number"))?;
    number
        .as_i64()
        .or_else(|| number.as_f64().map(|f| (f + 0.5).floor() as i64))
        .ok_or_else(|| format!("{what} is out of range"))
}

fn add(left: &Value, right: &Value) -> Result<Value, Failure> {
    let sum = rounded(left, "the first argument")?.checked_add(rounded(right, "the second argument")?);
    sum.map(|sum| Value::Number(Number::from(sum))).ok_or_else(|| "the sum is out of range".to_owned())
}

fn draw(start: &Value, end: &Value, seed: Option<&Value>, random: &Random) -> Result<Value, Failure> {
    let start = rounded(start, "the start")?;
    let end = rounded(end, "the end")?;
    let width = end.checked_sub(start).and_then(|w| u64::try_from(w).ok()).filter(|w| *w > 0);
    let Some(width) = width else {
        return Err("the end must be greater than the start".to_owned());
    };
    let offset = match seed {
        None => random.below(width),
        Some(seed) => Random::from_number(rounded(seed, "the seed")?).below(width),
    };
    let drawn = start.saturating_add_unsigned(offset);
    Ok(Value::Number(Number::from(drawn)))
}
