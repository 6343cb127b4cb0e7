use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn query(path: &str, document: &Value) -> Option<Value> {
    Path::parse(path).unwrap().find(document).into_value()
}

#[test]
fn definite_paths() {
    let doc = json!({"a": {"b-c": [1, {"d": null}]}, "x y": 1, "q'": 2});
    assert_eq!(query("$", &doc), Some(doc.clone()));
    assert_eq!(query("$.a.b-c[0]", &doc), Some(json!(1)));
    assert_eq!(query("$['a']['b-c'][-1].d", &doc), Some(Value::Null));
    assert_eq!(query("$['x y']", &doc), Some(json!(1)));
    assert_eq!(query(r"$['q\'']", &doc), Some(json!(2)));
    assert_eq!(query("$.a.nope", &doc), None);
    assert_eq!(query("$.a.b-c[2]", &doc), None);
    assert_eq!(query("$.a.b-c.length()", &doc), Some(json!(2)));
}

#[test]
fn indefinite_paths_give_lists() {
    let doc = json!({"l": [{"n": 1, "t": "a"}, {"n": 2, "t": "b"}, {"t": "c"}]});
    assert_eq!(query("$.l[*].n", &doc), Some(json!([1, 2])));
    assert_eq!(query("$.l[1:].t", &doc), Some(json!(["b", "c"])));
    assert_eq!(query("$.l[:-1].t", &doc), Some(json!(["a", "b"])));
    assert_eq!(query("$.l[0,2].t", &doc), Some(json!(["a", "c"])));
    assert_eq!(query("$..n", &doc), Some(json!([1, 2])));
    assert_eq!(query("$.l[0]['n','t']", &doc), Some(json!([1, "a"])));
    assert_eq!(query("$.none[*].x", &doc), Some(json!([])));
    assert_eq!(query("$.l[*].n.max()", &doc), Some(json!(2.0)));
}

#[test]
fn filters() {
    let doc = json!({"l": [{"n": 1, "t": "a"}, {"n": 2.0, "t": "b"}, {"t": "c", "f": [1]}], "want": 2});
    let texts = |filter: &str| query(&format!("$.l[?({filter})].t"), &doc).unwrap();
    assert_eq!(texts("@.n"), json!(["a", "b"]));
    assert_eq!(texts("!@.n"), json!(["c"]));
    assert_eq!(texts("@.n == 2"), json!(["b"]));
    assert_eq!(texts("@.n >= 1 && @.t != 'a'"), json!(["b"]));
    assert_eq!(texts("(@.t == 'a') || @.f size 1"), json!(["a", "c"]));
    assert_eq!(texts("@.n == $.want"), json!(["b"]));
    assert_eq!(texts("@.t in ['a', \"c\"]"), json!(["a", "c"]));
    assert_eq!(texts("@.f contains 1"), json!(["c"]));
}

#[test]
fn what_is_no_path_is_refused() {
    for text in
        ["", "a", "$.", "$[", "$['a", "$.a b", "$[?(@.a =~ /x/)]", "$.a.concat()", "$[1:2:3]", "$[]", "$.a]"]
    {
        assert!(Path::parse(text).is_err(), "{text}");
    }
    assert!(Path::parse(&format!("$[?({}@.a{})]", "(".repeat(10_000), ")".repeat(10_000))).is_err());
    assert!(Path::parse(&format!("$[?({}@.a)]", "!".repeat(10_000))).is_err());
}

#[test]
fn roots() {
    assert_eq!(Path::parse("$$.Map.Item").unwrap().root, Root::Context);
    assert_eq!(Path::parse("$v_1.x").unwrap().root, Root::Variable("v_1".into()));
    assert_eq!(Path::parse_prefix("$.a, 1)").unwrap().1, 3);
}

#[test]
fn result_paths_make_what_is_missing() {
    let put = |path: &str, mut target: Value| {
        ReferencePath::parse(path).unwrap().put(&mut target, json!(9)).map(|()| target)
    };
    assert_eq!(put("$.a.b", json!({"c": 1})), Ok(json!({"c": 1, "a": {"b": 9}})));
    assert_eq!(put("$['a'][1]", json!({"a": [1, 2]})), Ok(json!({"a": [1, 9]})));
    assert!(put("$.a", json!("text")).is_err());
    assert!(put("$.a[2]", json!({"a": [1, 2]})).is_err());
    assert!(ReferencePath::parse("$.a[*]").is_err());
    assert!(ReferencePath::parse("$$.a").is_err());
}

proptest! {
    #[test]
    fn the_parser_never_panics(text in "\\PC{0,40}") {
        let _ = Path::parse(&text);
    }

    #[test]
    fn nor_on_things_that_look_like_paths(text in "\\$[\\$.a\\[\\]'\"*?@()<=!&|,:0-9 \\\\é-]{0,30}") {
        if let Ok(path) = Path::parse(&text) {
            let _ = path.find(&json!({"a": [{"a": 1}, [2, "é"]], "é": null}));
        }
    }
}
