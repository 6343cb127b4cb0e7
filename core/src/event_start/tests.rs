use proptest::prelude::*;
use serde_json::json;

use super::*;

/// As S3 sends it (S3 user guide, "EventBridge event message structure").
fn arrival() -> Value {
    json!({
        "version": "0", "id": "17793124-05d4-b198-2fde-7ededc63b103", "detail-type": "Object Created",
        "source": "aws.s3", "account": "111122223333", "time": "2026-11-21T06:30:00Z", "region": "eu-west-1",
        "resources": ["arn:aws:s3:::landing"],
        "detail": {
            "version": "0", "bucket": { "name": "landing" },
            "object": { "key": "in/sales; rm -rf $HOME.csv", "size": 5, "sequencer": "00617F08299329D189" },
            "reason": "PutObject",
        },
    })
}

#[expect(clippy::needless_pass_by_value, reason = "cases are written as they are")]
fn request(parameters: Value, once_per: Value, event: Value) -> EventRequest {
    serde_json::from_value(json!({
        "start": { "name": "arrivals", "workflow_id": "load", "parameters": parameters, "once_per": once_per },
        "event": event,
    }))
    .unwrap()
}

fn id(request: &EventRequest) -> String {
    request.trigger().unwrap().workflow_execution_id.unwrap().to_string()
}

fn problems(request: &EventRequest) -> Vec<String> {
    request.trigger().unwrap_err().iter().map(ToString::to_string).collect()
}

#[test]
fn fields_become_parameters_as_they_are() {
    let parameters = json!({
        "key": "$.detail.object.key", "size": "$.detail.object.size", "bucket": "$['detail'].bucket['name']",
        "kind": "$.detail-type", "arn": "$.resources[0]", "region": "emea",
    });
    let got = request(parameters, json!([]), arrival()).trigger().unwrap();
    assert_eq!(got.workflow_id.as_str(), "load");
    assert_eq!(
        got.parameters.unwrap(),
        json!({
            "key": "in/sales; rm -rf $HOME.csv", "size": "5", "bucket": "landing", "kind": "Object Created",
            "arn": "arn:aws:s3:::landing", "region": "emea",
        })
    );
    assert_eq!(request(json!({}), json!([]), arrival()).trigger().unwrap().parameters, None);
}

#[test]
fn one_event_is_one_run() {
    let first = request(json!({}), json!([]), arrival());
    let name = id(&first);
    assert!(name.starts_with("arrivals_") && name.len() == 41, "{name}");
    assert_eq!(id(&first), name, "the same event");
    let mut other = arrival();
    other["id"] = json!("17793124-05d4-b198-2fde-7ededc63b104");
    assert_ne!(id(&request(json!({}), json!([]), other.clone())), name, "another event");

    // S3 may tell of one object twice, by events with ids of their own.
    let once = json!(["$.detail.bucket.name", "$.detail.object.key", "$.detail.object.sequencer"]);
    let name = id(&request(json!({}), once.clone(), arrival()));
    assert_eq!(id(&request(json!({}), once.clone(), other.clone())), name, "the same object");
    other["detail"]["object"]["sequencer"] = json!("00617F08299329D190");
    assert_ne!(id(&request(json!({}), once, other)), name, "the object was written again");
}

#[test]
fn ids_stay_what_they_were() {
    // Events may be delivered again by a deployment of tomorrow.
    assert_eq!(id(&request(json!({}), json!([]), arrival())), "arrivals_1be149bef68106496237ee06baed2583");
}

#[test]
fn everything_that_is_wrong_is_told() {
    let parameters = json!({
        "a": "$.detail.nothing", "b": "$.detail.object", "c": "$..x", "d": "$", "e": "$.long", "f": "$.lines", "g": "$.half",
    });
    let mut event = arrival();
    event["long"] = json!("x".repeat(MAX_EVENT_VALUE_BYTES + 1));
    event["lines"] = json!("a\nb");
    event["half"] = json!(0.5);
    assert_eq!(
        problems(&request(parameters, json!(["$.order", "$.id", "$.line"]), event)),
        [
            "start.once_per[0]: the event has no field $.order",
            "start.once_per[2]: the event has no field $.line",
            "start.parameters.a: the event has no field $.detail.nothing",
            "start.parameters.b: the field $.detail.object of the event must be a string, a whole number or a boolean",
            "start.parameters.c: \"$..x\" is not a path into an event, such as \"$.detail.object.key\"",
            "start.parameters.d: \"$\" is not a path into an event, such as \"$.detail.object.key\"",
            "start.parameters.e: the field $.long of the event has 2049 bytes; the maximum is 2048",
            "start.parameters.f: the field $.lines of the event contains a control character",
            "start.parameters.g: the field $.half of the event must be a string, a whole number or a boolean",
        ]
    );
    for name in ["", "a_b", "a b", "a-name-that-is-too-long"] {
        let mut bad = request(json!({}), json!([]), arrival());
        bad.start.name = name.to_owned();
        assert_eq!(problems(&bad), ["start.name: is not a name of 1 to 20 letters, digits and -"]);
    }
    assert!(serde_json::from_value::<EventRequest>(json!({ "start": {}, "event": {} })).is_err());
}

#[test]
fn paths_are_read_whole_or_not_at_all() {
    for bad in [
        "", "a", "$", "$.", "$.a.", "$a", "$.*", "$[*]", "$[-1]", "$[+1]", "$[]", "$['']", "$['a'", "$.a b",
        "$.é",
    ] {
        assert_eq!(Path::parse(bad), None, "{bad}");
    }
    let value = json!({ "a b": [{ "c/d": 1 }] });
    assert_eq!(Path::parse("$['a b'][0].c/d").unwrap().find(&value), Some(&json!(1)));
    assert_eq!(Path::parse("$['a b'][1]").unwrap().find(&value), None);
    assert_eq!(Path::parse("$['a b'].c").unwrap().find(&value), None);
}

proptest! {
    #[test]
    fn no_two_identities_meet(a in "\\PC{0,8}", b in "\\PC{0,8}", c in "\\PC{0,8}", d in "\\PC{0,8}") {
        let of = |x: &str, y: &str| id(&request(json!({}), json!(["$.x", "$.y"]), json!({ "x": x, "y": y })));
        prop_assert_eq!(of(&a, &b) == of(&c, &d), (a, b) == (c, d));
    }

    #[test]
    fn no_path_ends_in_a_panic(path in "\\$[$.\\[\\]'a0*é]{0,12}") {
        let _ = request(json!({ "p": path }), json!([]), arrival()).trigger();
    }
}
