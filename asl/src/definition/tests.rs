use serde_json::{Value, json};

use super::*;

fn problems(definition: &Value) -> Vec<String> {
    Definition::from_value(definition).err().unwrap_or_default().iter().map(ToString::to_string).collect()
}

/// Problems of a machine with the given state and a state Done.
fn problems_of(state: Value) -> Vec<String> {
    let mut map = state;
    if map.get("Next").is_none() && map.get("End").is_none() && map["Type"] != "Choice" {
        map["Next"] = "Done".into();
    }
    problems(&json!({"StartAt": "S", "States": {"S": map, "Done": {"Type": "Succeed"}}}))
}

#[test]
fn all_problems_at_once_with_state_and_field() {
    let found = problems(&json!({
        "StartAt": "Nowhere",
        "Version": "2.0",
        "Extra": 1,
        "States": {
            "A": {"Type": "Pass", "Next": "Gone", "Parameters": {"x": {"y.$": "nope"}}, "InputPath": "x"},
            "B": {"Type": "Task", "Resource": "arn:aws:states:::glue:startJobRun", "End": true},
            "C": {"Type": "Wait", "Seconds": 1, "Timestamp": "2024-01-01T00:00:00Z", "End": true}
        }
    }));
    for expected in [
        "field \"StartAt\": the state \"Nowhere\" does not exist in this block",
        "field \"Version\": must be \"1.0\"",
        "field \"Extra\": is not a supported field",
        "state \"A\", field \"Next\": the state \"Gone\" does not exist in this block",
        "state \"A\", field \"InputPath\": \"x\" is not a JSONPath: a path begins with $ at character 1",
        "state \"B\", field \"Resource\": the service integration \"glue:startJobRun\" is not supported",
        "state \"C\": must have exactly one of Seconds, SecondsPath, Timestamp and TimestampPath",
        "state \"A\": no StartAt, Next, Default or Catch leads to this state",
    ] {
        assert!(found.iter().any(|p| p == expected), "{expected}\nnot in {found:#?}");
    }
    assert!(found.iter().any(|p| p.starts_with("state \"A\", field \"Parameters/x/y.$\"")), "{found:#?}");
}

#[test]
fn what_is_not_supported_is_refused_by_name() {
    for (state, expected) in [
        (json!({"Type": "Pass", "QueryLanguage": "JSONata"}), "JSONata is not supported"),
        (json!({"Type": "Pass", "Output": "{% 1 %}"}), "JSONata is not supported"),
        (
            json!({"Type": "Map", "ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED"}, "StartAt": "I",
                "States": {"I": {"Type": "Succeed"}}}}),
            "Distributed Map is not supported",
        ),
        (
            json!({"Type": "Map", "ItemReader": {}, "ItemProcessor": {"StartAt": "I", "States": {"I": {"Type": "Succeed"}}}}),
            "Distributed Map is not supported",
        ),
        (
            json!({"Type": "Task", "Resource": "arn:aws:states:us-east-1:1:activity:a"}),
            "activities are not supported",
        ),
        (json!({"Type": "Pass", "Parameters": {"a.$": "$.l[?(@.x =~ /a/)]"}}), "regular expressions"),
        (json!({"Type": "Jump"}), "\"Jump\" is not a type of state"),
    ] {
        let found = problems_of(state.clone());
        assert!(found.iter().any(|p| p.contains(expected)), "{state}: {found:#?}");
    }
}

#[test]
fn fields_are_checked() {
    let lambda = "arn:aws:states:::lambda:invoke";
    for (state, field) in [
        (
            json!({"Type": "Task", "Resource": lambda, "Parameters": {"Payload": 1}}),
            "Parameters/FunctionName",
        ),
        (
            json!({"Type": "Task", "Resource": lambda, "Parameters": {"FunctionName": "f", "Pay": 1}}),
            "Parameters/Pay",
        ),
        (json!({"Type": "Task", "Resource": lambda, "TimeoutSeconds": 0}), "TimeoutSeconds"),
        (
            json!({"Type": "Task", "Resource": lambda, "TimeoutSeconds": 5, "HeartbeatSeconds": 5}),
            "HeartbeatSeconds",
        ),
        (
            json!({"Type": "Task", "Resource": lambda, "TimeoutSeconds": 5, "TimeoutSecondsPath": "$.t"}),
            "TimeoutSecondsPath",
        ),
        (json!({"Type": "Task", "Resource": lambda, "Retry": [{"ErrorEquals": []}]}), "Retry[0]/ErrorEquals"),
        (
            json!({"Type": "Task", "Resource": lambda, "Retry": [{"ErrorEquals": ["States.Nope"]}]}),
            "Retry[0]/ErrorEquals",
        ),
        (
            json!({"Type": "Task", "Resource": lambda, "Retry": [{"ErrorEquals": ["E"], "BackoffRate": 0.5}]}),
            "Retry[0]/BackoffRate",
        ),
        (
            json!({"Type": "Task", "Resource": lambda, "Retry": [{"ErrorEquals": ["E"], "Jitter": "FULL"}]}),
            "Retry[0]/Jitter",
        ),
        (
            json!({"Type": "Task", "Resource": lambda, "Catch": [
                {"ErrorEquals": ["States.ALL"], "Next": "Done"}, {"ErrorEquals": ["E"], "Next": "Done"}]}),
            "Catch[0]/ErrorEquals",
        ),
        (json!({"Type": "Pass", "ResultPath": "$.a[*]"}), "ResultPath"),
        (json!({"Type": "Pass", "Catch": []}), "Catch"),
        (json!({"Type": "Pass", "Assign": {"1x": 1}}), "Assign/1x"),
        (json!({"Type": "Pass", "InputPath": "$unknown"}), "InputPath"),
        (json!({"Type": "Choice", "Choices": [], "Default": "Done"}), "Choices"),
        (
            json!({"Type": "Choice", "Choices": [{"Variable": "$", "IsNull": 1, "Next": "Done"}]}),
            "Choices[0]/IsNull",
        ),
        (
            json!({"Type": "Choice", "Choices": [{"Variable": "$", "TimestampEquals": "today", "Next": "Done"}]}),
            "Choices[0]/TimestampEquals",
        ),
        (
            json!({"Type": "Choice", "Choices": [{"Not": {"Variable": "$", "StringEquals": "a", "Next": "Done"}, "Next": "Done"}]}),
            "Choices[0]/Not/Next",
        ),
        (json!({"Type": "Map"}), "ItemProcessor"),
        (json!({"Type": "Parallel", "Branches": []}), "Branches"),
    ] {
        let found = problems_of(state.clone());
        let expected = format!("state \"S\", field \"{field}\":");
        assert!(found.iter().any(|p| p.starts_with(&expected)), "{state}: {expected} not in {found:#?}");
    }
}

#[test]
fn names_are_unique_in_the_whole_machine() {
    let inner = json!({"StartAt": "S", "States": {"S": {"Type": "Succeed"}}});
    let found = problems_of(json!({"Type": "Parallel", "Branches": [inner]}));
    assert!(found.iter().any(|p| p.contains("another state has the same name")), "{found:#?}");
}

#[test]
fn not_even_json() {
    let found = Definition::parse("{").unwrap_err();
    assert!(found[0].to_string().starts_with("definition: is not valid JSON"));
}

proptest::proptest! {
    #[test]
    fn parsing_never_panics(text in "\\PC{0,60}") {
        let _ = Definition::parse(&text);
    }
}
