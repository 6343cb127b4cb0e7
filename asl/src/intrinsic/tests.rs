use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::random::{Random, Seed};
use crate::scope::{Context, Scope};

fn scope(random: &Random, input: Value) -> Scope<'_> {
    Scope {
        input: input.into(),
        context: Context {
            execution: Arc::new(json!({"Name": "run"})),
            machine: Arc::new(json!({"Name": "m", "Id": "arn"})),
            state_name: Arc::from("S"),
            entered_time: String::new(),
            retry_count: None,
            map_item: None,
            token: None,
        },
        variables: Arc::new(BTreeMap::from([(Arc::from("v"), json!([1, 2]).into())])),
        random,
    }
}

fn call(text: &str) -> Result<Value, String> {
    let random = Random::new(Seed::from_bytes([1; 32]));
    let input = json!({"s": "a'b", "n": 2.5, "l": [1, "x", 1.0, {"k": null}], "o": {"z": 1, "a": [true]}});
    let call = Call::parse(text).map_err(|e| format!("parse: {e}"))?;
    call.evaluate(&scope(&random, input)).map_err(|e| e.cause)
}

#[test]
fn results() {
    for (text, result) in [
        ("States.Array(1, 'a', $.s, null, true, States.Array())", json!([1, "a", "a'b", null, true, []])),
        ("States.ArrayContains($.l, 1)", json!(true)),
        ("States.ArrayGetItem($.l, 3)", json!({"k": null})),
        ("States.ArrayLength($v)", json!(2)),
        ("States.ArrayPartition($.l, 3)", json!([[1, "x", 1.0], [{"k": null}]])),
        ("States.ArrayRange(3, -3, -3)", json!([3, 0, -3])),
        ("States.ArrayUnique($.l)", json!([1, "x", {"k": null}])),
        ("States.Base64Decode(States.Base64Encode('é'))", json!("é")),
        (
            r"States.Format('\{{}\} it\'s {}\\{}', $.s, $.o, $.l)",
            json!(r"{a'b} it's {z=1, a=[true]}\[1, x, 1.0, {k=null}]"),
        ),
        ("States.JsonMerge($.o, States.StringToJson('{\"z\":2}'), false)", json!({"z": 2, "a": [true]})),
        ("States.JsonToString($.o)", json!(r#"{"z":1,"a":[true]}"#)),
        ("States.MathAdd($.n, -4)", json!(-1)),
        ("States.StringSplit('a.b+c', '.+')", json!(["a", "b", "c"])),
        ("States.Format( '{}' , $$.Execution.Name )", json!("run")),
    ] {
        assert_eq!(call(text), Ok(result), "{text}");
    }
}

#[test]
fn failures_name_the_call() {
    for text in [
        "States.ArrayGetItem($.l, 4)",
        "States.ArrayGetItem($.l, -1)",
        "States.ArrayPartition($.l, 0)",
        "States.ArrayRange(0, 1000, 1)",
        "States.ArrayRange(0, 1, 0)",
        "States.Base64Decode('*')",
        "States.Hash('x', 'CRC')",
        "States.JsonMerge($.o, $.o, true)",
        "States.StringToJson('{')",
        "States.Format('{}')",
        "States.Format('{', 1)",
        "States.Format('x', 1)",
        "States.MathRandom(2, 2)",
        "States.ArrayLength($.none)",
    ] {
        let failure = call(text).unwrap_err();
        assert!(
            failure.starts_with(&format!("The function '{text}' had the following error: ")),
            "{failure}"
        );
    }
}

#[test]
fn what_is_no_call_is_refused() {
    for text in [
        "",
        "States.Nope()",
        "States.Array(",
        "States.Array(1",
        "States.Array(1,)",
        "States.Array(1) x",
        "States.ArrayLength()",
        "States.UUID(1)",
        "States.Array('a)",
        "States.Array(abc)",
        "States.Array($.a[)",
    ] {
        assert!(Call::parse(text).is_err(), "{text}");
    }
    assert!(Call::parse(&format!("{}{}", "States.Array(".repeat(11), ")".repeat(11))).is_err());
}

#[test]
fn random_values_stay_in_range_and_follow_their_seed() {
    let random = Random::new(Seed::from_bytes([1; 32]));
    let scope = scope(&random, Value::Null);
    let draw = Call::parse("States.MathRandom(-3, 3)").unwrap();
    let values: Vec<i64> = (0..200).map(|_| draw.evaluate(&scope).unwrap().as_i64().unwrap()).collect();
    assert!(values.iter().all(|v| (-3..3).contains(v)));
    assert!((-3..3).all(|v| values.contains(&v)));
    let seeded = Call::parse("States.MathRandom(0, 1000000, 7)").unwrap();
    assert_eq!(seeded.evaluate(&scope), seeded.evaluate(&scope));
    let uuid = call("States.UUID()").unwrap();
    assert_eq!(uuid.as_str().map(|u| (u.len(), u.as_bytes()[14])), Some((36, b'4')));
}

proptest! {
    #[test]
    fn the_parser_never_panics(text in "\\PC{0,40}") {
        let _ = Call::parse(&text);
    }

    #[test]
    fn nor_on_things_that_look_like_calls(text in "States\\.(Array|Format|UUID|MathAdd)\\([$.a\\[\\]'{}\\\\(), 0-9é-]{0,24}\\)?") {
        let _ = call(&text);
    }
}
