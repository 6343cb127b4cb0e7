//! One state of any type but Task.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::choice;
use super::fields::Fields;
use super::model::{
    ChoiceRule, DataPath, IntegerSource, Kind, MapState, Next, ResultPath, State, StateId, TextSource,
    WaitUntil,
};
use super::names::NO_DISTRIBUTED;
use super::parse::Block;
use super::{retry, task};
use crate::template::Expression;

/// Compiles a state. `None` if a problem was reported and nothing can be compiled.
pub(super) fn compile(f: &Fields<'_>, name: Arc<str>, block: &mut Block<'_>) -> Option<State> {
    f.required("Type")?;
    let kind = f.text("Type")?;
    let _ = f.text("Comment");
    f.query_language();
    let flows = !matches!(kind, "Choice" | "Succeed" | "Fail");
    let works = matches!(kind, "Task" | "Parallel" | "Map");
    let mut state = State {
        name,
        kind: Kind::Succeed,
        input_path: DataPath::All,
        output_path: DataPath::All,
        parameters: None,
        result_selector: None,
        result_path: ResultPath::root(),
        assign: None,
        next: Next::End,
        retry: Vec::new(),
        catch: Vec::new(),
    };
    if kind != "Fail" {
        state.input_path = f.data_path("InputPath");
        state.output_path = f.data_path("OutputPath");
    }
    if !matches!(kind, "Succeed" | "Fail") {
        state.assign = f.assign();
    }
    if works || kind == "Pass" {
        state.parameters = f.template("Parameters");
        state.result_path = f.result_path().unwrap_or_else(ResultPath::root);
    }
    if works {
        state.result_selector = f.template("ResultSelector");
        state.retry = retry::retry(f);
        state.catch = retry::catch(f, block);
    }
    if flows {
        state.next = next(f, block)?;
    }
    state.kind = match kind {
        "Pass" => Kind::Pass { result: f.get("Result").map(|v| v.clone().into()) },
        "Task" => task::compile(f)?,
        "Choice" => choice_state(f, block)?,
        "Wait" => Kind::Wait(wait(f)?),
        "Succeed" => Kind::Succeed,
        "Fail" => Kind::Fail {
            error: text_source(f, "Error", "ErrorPath"),
            cause: text_source(f, "Cause", "CausePath"),
        },
        "Parallel" => parallel(f, block)?,
        "Map" => {
            let selector = f.template("ItemSelector");
            if selector.is_some() && state.parameters.is_some() {
                f.report("Parameters", "must not be used with ItemSelector");
            }
            state.parameters = selector.or(state.parameters);
            Kind::Map(map(f, block)?)
        }
        other => {
            f.report("Type", format!("\"{other}\" is not a type of state"));
            return None;
        }
    };
    f.finish();
    Some(state)
}

fn next(f: &Fields<'_>, block: &mut Block<'_>) -> Option<Next> {
    let end = f.boolean("End").unwrap_or(false);
    let has_next = f.get("Next").is_some();
    match (end, has_next) {
        (true, false) => Some(Next::End),
        (false, true) => block.target(f, "Next", true).map(Next::To),
        (true, true) => {
            f.report("Next", "must not be used with End");
            None
        }
        (false, false) => {
            f.report("Next", "is required, or End with the value true");
            None
        }
    }
}

fn choice_state(f: &Fields<'_>, block: &mut Block<'_>) -> Option<Kind> {
    f.required("Choices")?;
    let items = f.list("Choices")?;
    if items.is_empty() {
        f.report("Choices", "must have at least one rule");
    }
    let mut rules = Vec::new();
    for (i, item) in items.iter().enumerate() {
        let Some(inner) = f.inner(item, &format!("Choices[{i}]")) else { continue };
        let next = block.target(&inner, "Next", true);
        let assign = inner.assign();
        let rule = choice::rule(&inner);
        inner.finish();
        if let (Some(rule), Some(next)) = (rule, next) {
            rules.push(ChoiceRule { rule, next, assign });
        }
    }
    let default = block.target(f, "Default", false);
    Some(Kind::Choice { rules, default })
}

fn wait(f: &Fields<'_>) -> Option<WaitUntil> {
    let given: Vec<&str> = ["Seconds", "SecondsPath", "Timestamp", "TimestampPath"]
        .into_iter()
        .filter(|field| f.get(field).is_some())
        .collect();
    match given.as_slice() {
        ["Seconds"] => f.integer("Seconds", 0, 99_999_999).map(WaitUntil::Seconds),
        ["SecondsPath"] => f.path("SecondsPath").map(WaitUntil::SecondsPath),
        ["TimestampPath"] => f.path("TimestampPath").map(WaitUntil::TimestampPath),
        ["Timestamp"] => {
            let timestamp = f.text("Timestamp").and_then(choice::timestamp);
            if timestamp.is_none() {
                f.report("Timestamp", "must be a timestamp such as 2024-08-18T17:33:00Z");
            }
            timestamp.map(|t: Timestamp| WaitUntil::Timestamp(t))
        }
        _ => {
            f.report("", "must have exactly one of Seconds, SecondsPath, Timestamp and TimestampPath");
            None
        }
    }
}

fn text_source(f: &Fields<'_>, field: &'static str, path_field: &'static str) -> Option<TextSource> {
    let constant = f.text(field).map(|text| TextSource::Constant(Arc::from(text)));
    let dynamic = f.text(path_field);
    if constant.is_some() && dynamic.is_some() {
        f.report(path_field, format!("must not be used with {field}"));
    }
    let dynamic = dynamic.and_then(|text| match Expression::parse(text) {
        Ok(expression) => {
            f.uses(path_field, expression.paths());
            Some(TextSource::from(expression))
        }
        Err(message) => {
            f.report(path_field, format!("must be a JSONPath or an intrinsic function call: {message}"));
            None
        }
    });
    constant.or(dynamic)
}

fn parallel(f: &Fields<'_>, block: &mut Block<'_>) -> Option<Kind> {
    f.required("Branches")?;
    let items = f.list("Branches")?;
    if items.is_empty() {
        f.report("Branches", "must have at least one branch");
    }
    let mut branches = Vec::new();
    for (i, item) in items.iter().enumerate() {
        let Some(inner) = f.inner(item, &format!("Branches[{i}]")) else { continue };
        branches.extend(machine(&inner, block));
    }
    (branches.len() == items.len()).then_some(Kind::Parallel { branches })
}

/// A branch or item processor: StartAt and States.
fn machine(f: &Fields<'_>, block: &mut Block<'_>) -> Option<StateId> {
    let _ = f.text("Comment");
    let start = block.compiler.block(f);
    f.finish();
    start
}

fn map(f: &Fields<'_>, block: &mut Block<'_>) -> Option<MapState> {
    let processor = f.get("ItemProcessor").map(|v| (v, "ItemProcessor"));
    let iterator = f.get("Iterator").map(|v| (v, "Iterator"));
    if processor.is_some() && iterator.is_some() {
        f.report("Iterator", "must not be used with ItemProcessor");
    }
    let items = f.path("ItemsPath");
    let max_concurrency = f
        .integer_or_path("MaxConcurrency", "MaxConcurrencyPath", 0, i64::from(i32::MAX))
        .unwrap_or(IntegerSource::Constant(0));
    let Some((value, field)) = processor.or(iterator) else {
        f.report("ItemProcessor", "is required");
        return None;
    };
    let inner = f.inner(value, field)?;
    if let Some(config) = inner.get("ProcessorConfig")
        && let Some(config) = inner.inner(config, "ProcessorConfig")
    {
        match config.get("Mode").map(|mode| mode.as_str()) {
            None | Some(Some("INLINE")) => {}
            Some(Some("DISTRIBUTED")) => config.report("Mode", NO_DISTRIBUTED),
            Some(_) => config.report("Mode", "must be INLINE"),
        }
        if config.get("ExecutionType").map(Value::is_string).is_some() {
            config.report("ExecutionType", NO_DISTRIBUTED);
        }
        config.finish();
    }
    let start = machine(&inner, block)?;
    Some(MapState { start, items, max_concurrency })
}
