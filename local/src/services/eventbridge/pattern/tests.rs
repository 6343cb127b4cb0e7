//! The documentation's examples, and laws that hold for every pattern.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::Pattern;
use super::wildcard::Wildcard;

fn matches(pattern: &Value, event: &Value) -> bool {
    Pattern::parse(&pattern.to_string()).unwrap().matches(event)
}

/// Whether a test of a single value passes.
#[expect(clippy::needless_pass_by_value, reason = "cases are written as they are")]
fn passes(test: Value, value: Value) -> bool {
    matches(&json!({"detail": {"x": [test]}}), &json!({"detail": {"x": value}}))
}

fn reason(pattern: &str) -> String {
    Pattern::parse(pattern).unwrap_err().to_string()
}

#[test]
fn values_are_compared_as_they_are() {
    assert!(passes(json!("a"), json!("a")));
    assert!(!passes(json!("a"), json!("A")));
    assert!(!passes(json!("1"), json!(1)));
    assert!(passes(json!(1), json!(1)));
    assert!(!passes(json!(300), json!(300.0)));
    assert!(passes(json!(true), json!(true)));
    assert!(passes(Value::Null, Value::Null));
    assert!(!passes(Value::Null, json!("")));
    assert!(passes(json!(""), json!("")));
}

#[test]
fn texts_have_their_operators() {
    assert!(passes(json!({"prefix": "us-"}), json!("us-east-1")));
    assert!(!passes(json!({"prefix": "us-"}), json!("eu-us-1")));
    assert!(passes(json!({"prefix": {"equals-ignore-case": "EventB"}}), json!("eVENTbridge")));
    assert!(passes(json!({"suffix": ".png"}), json!("a.png")));
    assert!(passes(json!({"suffix": {"equals-ignore-case": ".png"}}), json!("a.PNG")));
    assert!(passes(json!({"equals-ignore-case": "Alice"}), json!("aLICE")));
    assert!(!passes(json!({"equals-ignore-case": "Alice"}), json!("aLICEs")));
    assert!(passes(json!({"wildcard": "dir/*.png"}), json!("dir/a/b.png")));
    assert!(!passes(json!({"wildcard": "dir/*.png"}), json!("dir/a.jpg")));
    assert!(!passes(json!({"prefix": "1"}), json!(1)));
}

#[test]
fn numbers_have_ranges() {
    let range = json!({"numeric": [">", 0, "<=", 5]});
    for (value, inside) in [(json!(0), false), (json!(0.001), true), (json!(5), true), (json!(5.1), false)] {
        assert_eq!(passes(range.clone(), value.clone()), inside, "{value}");
    }
    assert!(passes(json!({"numeric": ["=", 3.018e2]}), json!(301.8)));
    assert!(passes(json!({"numeric": ["=", 300]}), json!(300.0)));
    assert!(passes(json!({"numeric": ["<", 10]}), json!(-1)));
    assert!(!passes(json!({"numeric": ["<", 10]}), json!("1")));
}

#[test]
fn anything_but_has_all_its_forms() {
    let but = |operand: Value| json!({"anything-but": operand});
    assert!(!passes(but(json!("initializing")), json!("initializing")));
    assert!(passes(but(json!("initializing")), json!("running")));
    assert!(passes(but(json!(123)), json!("123")));
    assert!(!passes(but(json!([100, 200])), json!(200)));
    assert!(!passes(but(json!(["stopped", "overloaded"])), json!("stopped")));
    assert!(!passes(but(json!({"prefix": "init"})), json!("initializing")));
    assert!(!passes(but(json!({"prefix": ["init", "run"]})), json!("running")));
    assert!(passes(but(json!({"suffix": [".png", ".jpg"]})), json!("a.txt")));
    assert!(!passes(but(json!({"equals-ignore-case": ["initializing"]})), json!("INITIALIZING")));
    assert!(!passes(but(json!({"wildcard": ["*/lib/*", "*/bin/*"]})), json!("/usr/bin/x")));
    assert!(passes(but(json!({"prefix": "init"})), json!(5)));
    // What is not there is not anything.
    assert!(!matches(&json!({"detail": {"x": [but(json!("a"))]}}), &json!({"detail": {}})));
}

#[test]
fn leaves_exist_or_not() {
    let exists = |wanted: bool| json!({"detail": {"c-count": [{"exists": wanted}]}});
    let with = json!({"detail": {"c-count": null}});
    let without = json!({"detail": {"state": "x"}});
    let intermediate = json!({"detail": {"c-count": {"c1": 100}}});
    assert!(matches(&exists(true), &with) && !matches(&exists(false), &with));
    assert!(!matches(&exists(true), &without) && matches(&exists(false), &without));
    assert!(!matches(&exists(true), &intermediate) && matches(&exists(false), &intermediate));
    // Also below what is not there.
    assert!(matches(&json!({"detail": {"a": {"b": [{"exists": false}]}}}), &without));
}

#[test]
fn addresses_have_ranges() {
    let range = json!({"cidr": "10.0.0.0/24"});
    assert!(passes(range.clone(), json!("10.0.0.255")));
    assert!(!passes(range.clone(), json!("10.0.1.0")));
    assert!(!passes(range, json!("::1")));
    assert!(passes(json!({"cidr": "0.0.0.0/0"}), json!("1.2.3.4")));
    assert!(passes(json!({"cidr": "2001:db8::/32"}), json!("2001:db8:1::5")));
    assert!(!passes(json!({"cidr": "2001:db8::/128"}), json!("2001:db8::1")));
}

#[test]
fn arrays_match_by_any_element() {
    let event =
        json!({"resources": ["a", "b"], "detail": {"items": [{"k": 1, "v": "x"}, {"k": 2, "v": "y"}]}});
    assert!(matches(&json!({"resources": ["b", "c"]}), &event));
    assert!(!matches(&json!({"resources": ["c"]}), &event));
    assert!(matches(&json!({"detail": {"items": {"k": [1], "v": ["x"]}}}), &event));
    // Both fields of one and the same element.
    assert!(!matches(&json!({"detail": {"items": {"k": [1], "v": ["y"]}}}), &event));
}

#[test]
fn or_takes_any_of_its_members_beside_other_fields() {
    let pattern = json!({
        "source": ["s"],
        "detail": {"$or": [{"a": [1]}, {"b": [{"numeric": ["<", 0]}]}, {"$or": [{"c": [1]}, {"d": [1]}]}]},
    });
    for (detail, wanted) in [
        (json!({"a": 1}), true),
        (json!({"b": -1}), true),
        (json!({"d": 1}), true),
        (json!({"a": 2, "b": 1}), false),
    ] {
        assert_eq!(matches(&pattern, &json!({"source": "s", "detail": detail})), wanted, "{detail}");
        assert!(!matches(&pattern, &json!({"source": "t", "detail": detail})));
    }
}

#[test]
fn mistakes_have_their_reasons() {
    for (pattern, wanted) in [
        ("[]", "Filter is not an object"),
        ("{", "Filter is not valid JSON"),
        ("{}", "Empty objects are not allowed"),
        (r#"{"a": []}"#, "Empty arrays are not allowed"),
        (r#"{"a": "x"}"#, "\"a\" must be an object or an array"),
        (r#"{"a": [[1]]}"#, "Match value must be String, number, true, false, or null"),
        (r#"{"a": [{"like": "x"}]}"#, "Unrecognized match type like"),
        (r#"{"a": [{"prefix": 1}]}"#, "prefix match pattern must be a string"),
        (r#"{"a": [{"prefix": "x", "suffix": "y"}]}"#, "Only one key allowed in match expression"),
        (r#"{"a": [{"exists": "yes"}]}"#, "exists match pattern must be either true or false"),
        (r#"{"a": [{"numeric": ["<", "1"]}]}"#, "must be numeric"),
        (r#"{"a": [{"numeric": ["<", 1, ">", 0]}]}"#, "do not fit together"),
        (r#"{"a": [{"numeric": [">", 1, "<", 1]}]}"#, "Bottom must be less than top"),
        (r#"{"a": [{"numeric": ["=", 6e9]}]}"#, "inclusive"),
        (r#"{"a": [{"anything-but": []}]}"#, "must not be empty"),
        (r#"{"a": [{"anything-but": [1, "a"]}]}"#, "mixed type is not supported"),
        (r#"{"a": [{"anything-but": {"numeric": 1}}]}"#, "Unsupported anything-but pattern: numeric"),
        (r#"{"a": [{"wildcard": "a**"}]}"#, "Consecutive wildcard characters at pos 1"),
        (r#"{"a": [{"wildcard": "a\\b"}]}"#, "Invalid escape character at pos 1"),
        (r#"{"a": [{"cidr": "10.0.0.0"}]}"#, "one '/' required"),
        (r#"{"a": [{"cidr": "10.0.0.0/33"}]}"#, "must not exceed 32"),
        (r#"{"$or": [{"a": [1]}]}"#, "at least 2 members"),
    ] {
        let found = reason(pattern);
        assert!(found.starts_with("Event pattern is not valid. Reason: "), "{found}");
        assert!(found.contains(wanted), "{pattern}: {found}");
    }
    let ten = |n: usize| json!((0..10).map(|v| json!({ format!("f{n}"): [v] })).collect::<Vec<_>>());
    let few = json!({"a": {"$or": ten(1)}, "b": {"$or": ten(2)}, "c": {"$or": ten(3)}});
    assert!(Pattern::parse(&few.to_string()).is_ok());
    let many = json!({"a": few, "d": {"$or": ten(4)}});
    assert!(reason(&many.to_string()).contains("1000 combinations"));
}

/// Every way to share a text among the wildcards, as slow as it is plain.
fn slowly(pattern: &[char], text: &[char]) -> bool {
    match pattern {
        [] => text.is_empty(),
        ['*', rest @ ..] => (0..=text.len()).any(|n| slowly(rest, &text[n..])),
        ['\\', c, rest @ ..] | [c, rest @ ..] => text.first() == Some(c) && slowly(rest, &text[1..]),
    }
}

fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        "[ab]{0,3}".prop_map(Value::from),
        (-3_i64..4).prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        Just(Value::Null),
    ]
}

fn tree() -> impl Strategy<Value = Value> {
    leaf().prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map("[a-c]", inner, 0..3).prop_map(|map| json!(map)),
        ]
    })
}

/// A pattern that an event fulfils by taking each of its leaves as it is.
fn mirror(event: &Value) -> Option<Value> {
    match event {
        Value::Object(object) => {
            let fields: serde_json::Map<String, Value> =
                object.iter().filter_map(|(name, value)| Some((name.clone(), mirror(value)?))).collect();
            (!fields.is_empty()).then_some(Value::Object(fields))
        }
        Value::Array(elements) => {
            let leaves: Vec<&Value> = elements.iter().filter(|e| !e.is_object() && !e.is_array()).collect();
            (!leaves.is_empty()).then(|| json!(leaves))
        }
        leaf => Some(json!([leaf])),
    }
}

proptest! {
    #[test]
    fn wildcards_match_as_their_definition(
        pattern in "(\\*?([ab]|\\\\\\*|\\\\\\\\)){0,4}\\*?", text in "[ab*\\\\]{0,8}"
    ) {
        let wildcard = Wildcard::parse(&pattern).unwrap();
        let (pattern, characters): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
        prop_assert_eq!(wildcard.matches(&text), slowly(&pattern, &characters));
    }

    #[test]
    fn an_event_fulfils_the_pattern_of_its_own_leaves(event in tree()) {
        if let Some(pattern) = mirror(&event).filter(Value::is_object) {
            prop_assert!(matches(&pattern, &event), "{} {}", pattern, event);
        }
    }

    #[test]
    fn a_leaf_exists_or_does_not(event in tree(), name in "[a-c]") {
        let exists = |wanted: bool| json!({name.clone(): [{"exists": wanted}]});
        if event.is_object() {
            prop_assert_ne!(matches(&exists(true), &event), matches(&exists(false), &event));
        }
    }

    #[test]
    fn anything_but_is_the_opposite_for_one_leaf(value in leaf(), wanted in "[ab]{1,2}") {
        prop_assert_ne!(
            passes(json!(wanted), value.clone()),
            passes(json!({"anything-but": wanted}), value.clone())
        );
        for operator in ["prefix", "suffix", "equals-ignore-case"] {
            prop_assert_ne!(
                passes(json!({operator: wanted}), value.clone()),
                passes(json!({"anything-but": {operator: wanted}}), value.clone())
            );
        }
    }

    #[test]
    fn or_is_the_disjunction(event in tree(), a in leaf(), b in leaf()) {
        let (left, right) = (json!({"a": [a]}), json!({"b": [b]}));
        let event = json!({"detail": event});
        let detail = |pattern: Value| json!({"detail": pattern});
        // In an array the members of $or hold for one element each, so the law needs an object.
        if event["detail"].is_object() {
            let either = matches(&detail(left.clone()), &event) || matches(&detail(right.clone()), &event);
            prop_assert_eq!(matches(&detail(json!({"$or": [left, right]})), &event), either);
        }
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC{0,40}", pattern in tree()) {
        let _ = Pattern::parse(&text);
        let _ = Pattern::parse(&json!({"a": pattern}).to_string());
    }
}
