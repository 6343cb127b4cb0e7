//! Comparison as the cases' README defines it.

use asl::HistoryEvent;
use serde_json::{Map, Value};

use super::case::Case;
use super::driver::Played;

/// Members of an event that a case leaves out.
const DROPPED: &[&str] = &[
    "id",
    "previousEventId",
    "timestamp",
    "inputDetails",
    "outputDetails",
    "assignedVariablesDetails",
    "roleArn",
    "region",
];

/// Members that a task's output may lack.
const METADATA: &[&str] = &["SdkHttpMetadata", "SdkResponseMetadata"];

/// Every difference, readable; none if the case passed.
pub(super) fn compare(case: &Case, played: &Played) -> Vec<String> {
    let expect = &case.value["expect"];
    let mut out = Vec::new();
    let status = played.ended.status.as_str();
    if expect["status"] != status {
        out.push(format!("status: expected {}, got {status}", expect["status"]));
    }
    if let Some(wanted) = expect.get("output") {
        let got = played.ended.output.as_deref().unwrap_or(&Value::Null);
        difference("output", wanted, got, &mut out);
    }
    let text = |t: &Option<std::sync::Arc<str>>| t.as_deref().map_or(Value::Null, Value::from);
    let (error, cause) = (text(&played.ended.error), text(&played.ended.cause));
    difference("error", &expect["error"], &error, &mut out);
    difference_of_cause("cause", &expect["cause"], &cause, &mut out);
    if let Some(wanted) = expect["events"].as_array() {
        let got: Vec<Value> = played.execution.history().iter().map(flat).collect();
        if expect["unordered"] == true {
            multiset(wanted, &got, &mut out);
        } else {
            sequence(wanted, &got, &mut out);
        }
    }
    if let Some(wanted) = expect.get("previousEventIds") {
        let got: Vec<Value> = played.execution.history().iter().map(|e| e.previous_event_id.into()).collect();
        difference("previousEventIds", wanted, &Value::Array(got), &mut out);
    }
    if let Some(wanted) = expect["children"].as_array() {
        let got: Vec<Value> = played.children.iter().map(|(_, status)| status.as_str().into()).collect();
        difference("children", &Value::Array(wanted.clone()), &Value::Array(got), &mut out);
    }
    out
}

/// An event of ours in the form of a case: one flat object, payloads as JSON.
fn flat(event: &HistoryEvent) -> Value {
    let mut flat = Map::new();
    let Value::Object(members) = event.to_json(true) else { unreachable!("an event is an object") };
    for (name, value) in members {
        if DROPPED.contains(&name.as_str()) {
            continue;
        }
        let Value::Object(details) = value else {
            flat.insert(name, value);
            continue;
        };
        for (name, value) in details {
            let value = match (name.as_str(), value) {
                (name, _) if DROPPED.contains(&name) => continue,
                ("input" | "output" | "parameters", Value::String(text)) => {
                    serde_json::from_str(&text).unwrap()
                }
                ("assignedVariables", Value::Object(texts)) => texts
                    .into_iter()
                    .map(|(name, text)| {
                        (name, serde_json::from_str::<Value>(text.as_str().unwrap()).unwrap())
                    })
                    .collect(),
                (_, value) => value,
            };
            flat.insert(name, value);
        }
    }
    Value::Object(flat)
}

fn sequence(wanted: &[Value], got: &[Value], out: &mut Vec<String>) {
    for i in 0..wanted.len().max(got.len()) {
        match (wanted.get(i), got.get(i)) {
            (Some(wanted), Some(got)) if wanted["type"] != got["type"] => {
                out.push(format!("event {}: expected {wanted}, got {got}; comparison stops here", i + 1));
                return;
            }
            (Some(wanted), Some(got)) => event(&format!("event {}", i + 1), wanted, got, out),
            (Some(wanted), None) => out.push(format!("event {}: missing {wanted}", i + 1)),
            (None, Some(got)) => out.push(format!("event {}: unexpected {got}", i + 1)),
            (None, None) => {}
        }
    }
}

fn multiset(wanted: &[Value], got: &[Value], out: &mut Vec<String>) {
    let mut left: Vec<&Value> = got.iter().collect();
    for wanted in wanted {
        let found = left.iter().position(|got| {
            let mut differences = Vec::new();
            event("", wanted, got, &mut differences);
            differences.is_empty()
        });
        match found {
            Some(i) => drop(left.remove(i)),
            None => out.push(format!("events: missing {wanted}")),
        }
    }
    out.extend(left.into_iter().map(|got| format!("events: unexpected {got}")));
}

fn event(at: &str, wanted: &Value, got: &Value, out: &mut Vec<String>) {
    let none = Map::new();
    let (wanted, got) = (wanted.as_object().unwrap_or(&none), got.as_object().unwrap_or(&none));
    for (name, value) in wanted {
        let at = format!("{at} {name}");
        match got.get(name) {
            None => out.push(format!("{at}: missing, expected {value}")),
            Some(got) if name == "cause" => difference_of_cause(&at, value, got, out),
            Some(got) => difference(&at, value, got, out),
        }
    }
    for (name, value) in got.iter().filter(|(name, _)| !wanted.contains_key(*name)) {
        out.push(format!("{at} {name}: unexpected {value}"));
    }
}

/// A cause given as an object is JSON text with this content.
fn difference_of_cause(at: &str, wanted: &Value, got: &Value, out: &mut Vec<String>) {
    if wanted.is_object() {
        let parsed =
            got.as_str().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_else(|| got.clone());
        difference(at, wanted, &parsed, out);
    } else {
        difference(at, wanted, got, out);
    }
}

fn difference(at: &str, wanted: &Value, got: &Value, out: &mut Vec<String>) {
    match (wanted, got) {
        (Value::String(pattern), _) if pattern == "*" => {}
        (Value::String(pattern), Value::String(text)) if like(pattern, text) => {}
        (Value::Number(wanted), Value::Number(got)) if wanted.as_f64() == got.as_f64() => {}
        (Value::Array(wanted), Value::Array(got)) if wanted.len() == got.len() => {
            for (i, (wanted, got)) in wanted.iter().zip(got).enumerate() {
                difference(&format!("{at}[{i}]"), wanted, got, out);
            }
        }
        (Value::Object(wanted), Value::Object(got)) => {
            for (name, value) in wanted {
                match got.get(name) {
                    Some(got) => difference(&format!("{at}.{name}"), value, got, out),
                    None if METADATA.contains(&name.as_str()) => {}
                    None => out.push(format!("{at}.{name}: missing, expected {value}")),
                }
            }
            for (name, value) in got {
                if !wanted.contains_key(name) && !METADATA.contains(&name.as_str()) {
                    out.push(format!("{at}.{name}: unexpected {value}"));
                }
            }
        }
        _ if wanted == got => {}
        _ => out.push(format!("{at}: expected {wanted}, got {got}")),
    }
}

/// `*` in a pattern matches any run of characters.
fn like(pattern: &str, text: &str) -> bool {
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut last = None;
    for piece in pieces {
        if let Some(previous) = last.replace(piece) {
            match rest.find(previous) {
                Some(at) => rest = &rest[at + previous.len()..],
                None => return false,
            }
        }
    }
    last.map_or(rest.is_empty(), |last| rest.ends_with(last))
}
