//! What stands in for the services behind tasks.

use serde_json::{Value, json};

/// What a stub does with a request.
pub(super) enum Answer {
    /// Answers after so many seconds.
    After(i64, Value),
    Fail {
        error: String,
        cause: String,
    },
    /// Takes the request; a callback will come.
    Taken(Value),
}

/// `tries` counts earlier calls of the same stub, for `sequence`.
pub(super) fn answer(stub: &Value, event: Value, tries: usize) -> Answer {
    match stub["kind"].as_str().unwrap() {
        "echo" => Answer::After(0, event),
        "return" => Answer::After(0, stub["value"].clone()),
        "sleep" => Answer::After(stub["seconds"].as_i64().unwrap(), event),
        "raise" => Answer::Fail {
            error: stub["error"].as_str().unwrap().to_owned(),
            cause: stub["cause"].as_str().unwrap().to_owned(),
        },
        "repeat" => {
            let count = usize::try_from(stub["count"].as_u64().unwrap()).unwrap();
            Answer::After(0, Value::String(stub["text"].as_str().unwrap().repeat(count)))
        }
        "token" => Answer::Taken(json!({})),
        // Only in cases of our own: the n-th call does what the n-th stub says.
        "sequence" => {
            let steps = stub["steps"].as_array().unwrap();
            answer(&steps[tries.min(steps.len() - 1)], event, 0)
        }
        other => panic!("unknown kind of stub: {other}"),
    }
}
