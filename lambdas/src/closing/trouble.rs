//! Parses nested causes of Step Functions.

use rsqlflow_core::ErrorName;
use rsqlflow_core::message::Trouble;
use serde_json::Value;

/// Maximum length in characters. Executions have the complete text.
const LONGEST: usize = 1_000;

/// Maximum depth: executions in executions in functions.
const DEEPEST: usize = 4;

/// The causes within a cause: for a function `{"errorType", "errorMessage"}`, for a child execution the answer of
/// DescribeExecution with its own `Error` and `Cause`.
fn within(trouble: &Trouble) -> Option<Trouble> {
    let cause: Value = serde_json::from_str(&trouble.cause).ok()?;
    let text = |name: &str| cause.get(name).and_then(Value::as_str).map(str::to_owned);
    if let Some(message) = text("errorMessage") {
        return Some(Trouble { error: text("errorType").unwrap_or_default(), cause: message });
    }
    if let Some(error) = text("Error") {
        return Some(Trouble { error, cause: text("Cause").unwrap_or_default() });
    }
    let status = text("Status")?;
    Some(Trouble { error: trouble.error.clone(), cause: format!("the execution ended as {status}") })
}

/// The innermost cause, in one short text.
pub(super) fn readable(trouble: &Trouble) -> String {
    let mut inner = trouble.clone();
    for _ in 0..DEEPEST {
        match within(&inner) {
            Some(deeper) => inner = deeper,
            None => break,
        }
    }
    inner.to_string().chars().take(LONGEST).collect()
}

/// Whether a child execution failed with the error `name`. Then the rows have the details.
pub(crate) fn explains(name: ErrorName, trouble: &Trouble) -> bool {
    match within(trouble) {
        Some(inner) => inner.error == name.as_str(),
        // The service truncates causes at 32,768 characters, and a child's cause contains its input, so it may not be valid JSON.
        // In a string within the JSON, the quotes would be escaped.
        None => trouble.cause.starts_with('{') && trouble.cause.contains(&format!(r#""Error":"{name}""#)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn trouble(error: &str, cause: &str) -> Trouble {
        Trouble { error: error.into(), cause: cause.into() }
    }

    #[test]
    fn the_innermost_cause_is_told() {
        let function = json!({ "errorType": "ServiceRefused", "errorMessage": "no permission" }).to_string();
        let child = json!({ "Error": "ServiceRefused", "Cause": function, "Status": "FAILED" }).to_string();
        assert_eq!(readable(&trouble("States.TaskFailed", &child)), "ServiceRefused: no permission");
        let aborted = json!({ "Status": "ABORTED", "Name": "e-s0000-c000" }).to_string();
        assert_eq!(
            readable(&trouble("States.TaskFailed", &aborted)),
            "States.TaskFailed: the execution ended as ABORTED"
        );
        assert_eq!(readable(&trouble("States.Timeout", "")), "States.Timeout");
        assert_eq!(readable(&trouble("", "")), "");
        assert_eq!(readable(&trouble("A", &"x".repeat(5_000))).len(), LONGEST);
    }

    #[test]
    fn only_a_childs_own_error_explains() {
        let failed = json!({ "Error": "StageFailed", "Cause": "2 of 3", "Status": "FAILED" }).to_string();
        assert!(explains(ErrorName::StageFailed, &trouble("States.TaskFailed", &failed)));
        let cut = failed.trim_end_matches('}');
        assert!(explains(ErrorName::StageFailed, &trouble("States.TaskFailed", cut)));
        let quoted = json!({ "Input": failed, "Status": "FAILED" }).to_string();
        assert!(!explains(
            ErrorName::StageFailed,
            &trouble("States.TaskFailed", quoted.trim_end_matches('}'))
        ));
        let refused = trouble("StepFunctions.AWSStepFunctionsException", "not authorised to StageFailed");
        assert!(!explains(ErrorName::StageFailed, &refused));
        let aborted = json!({ "Status": "ABORTED" }).to_string();
        assert!(!explains(ErrorName::StageFailed, &trouble("States.TaskFailed", &aborted)));
    }
}
