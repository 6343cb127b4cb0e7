//! Reading cases. References `fn:name` and `sm:name` become ARNs, throughout a case.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

pub(super) const ACCOUNT: &str = "us-east-1:000000000000";

pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) area: String,
    pub(crate) source: String,
    pub(crate) value: Value,
}

impl Case {
    /// Stubs by the ARN or integration that calls them.
    pub(crate) fn functions(&self) -> BTreeMap<String, Value> {
        object(&self.value["functions"])
    }

    /// Definitions of other machines by ARN.
    pub(crate) fn machines(&self) -> BTreeMap<String, Value> {
        object(&self.value["machines"])
    }
}

fn object(value: &Value) -> BTreeMap<String, Value> {
    value.as_object().into_iter().flatten().map(|(k, v)| (k.clone(), v.clone())).collect()
}

/// Every case of every file in a folder.
pub(crate) fn load(folder: &Path) -> Vec<Case> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "json"))
        .collect();
    files.sort();
    let mut cases = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let values: Vec<Value> =
            serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        let area = file.file_stem().unwrap().to_string_lossy().into_owned();
        cases.extend(values.iter().map(|value| case(&area, value)));
    }
    cases
}

fn case(area: &str, value: &Value) -> Case {
    let name = value["name"].as_str().unwrap().to_owned();
    let source = value["source"].as_str().or(value["documented"].as_str()).unwrap_or_default().to_owned();
    let mut text = value.to_string();
    for reference in object(&value["functions"]).keys().filter(|k| k.starts_with("fn:")) {
        text = text.replace(reference, &format!("arn:aws:lambda:{ACCOUNT}:function:{}", &reference[3..]));
    }
    for reference in object(&value["machines"]).keys() {
        text = text.replace(reference, &format!("arn:aws:states:{ACCOUNT}:stateMachine:{}", &reference[3..]));
    }
    let value = serde_json::from_str(&text).unwrap();
    Case { name, area: area.to_owned(), source, value }
}

/// Variants of a case of which none can pass: its expectation with one thing changed.
pub(crate) fn changes(case: &Case) -> Vec<Case> {
    let mut variants = Vec::new();
    let mut change = |edit: &dyn Fn(&mut Value)| {
        let mut value = case.value.clone();
        edit(&mut value["expect"]);
        let (name, area, source) = (case.name.clone(), case.area.clone(), case.source.clone());
        variants.push(Case { name, area, source, value });
    };
    change(&|expect| expect["status"] = "ABORTED?".into());
    change(&|expect| expect["output"] = json!({"not": "this"}));
    change(&|expect| expect["error"] = "Another".into());
    change(&|expect| expect["cause"] = "Another".into());
    let events = case.value["expect"]["events"].as_array().map_or(0, Vec::len);
    for i in 0..events {
        change(&|expect| {
            expect["events"].as_array_mut().unwrap().remove(i);
        });
        change(&|expect| expect["events"][i]["type"] = "Another".into());
        change(&|expect| expect["events"][i]["extra"] = 1.into());
        let members = case.value["expect"]["events"][i].as_object().unwrap();
        for member in members.keys().filter(|member| *member != "type") {
            change(&|expect| {
                expect["events"][i].as_object_mut().unwrap().remove(member);
            });
            change(&|expect| expect["events"][i][member] = json!({"not": "this"}));
        }
    }
    variants
}
