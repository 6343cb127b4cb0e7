//! Plays executions that the real service was recorded doing, and compares result and history.
//!
//! The cases are not part of this repository: `ASL_CASES` names their folder (default `../shared/asl-cases`, from the
//! workspace). Without it the test fails and says so, unless `ASL_CASES=none`. The cases under `documented/` have the
//! same form, are ours, and follow the AWS documentation where no recording covers it.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "helpers of tests: a bad case should stop the test where it is read"
)]

mod recorded_support;

use std::path::{Path, PathBuf};

use recorded_support::{Case, changes, differences, history, load, report};
use serde_json::Value;

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The recorded cases, unless they are not to be played.
fn recorded_cases() -> Option<Vec<Case>> {
    let folder = match std::env::var_os("ASL_CASES") {
        Some(value) if value == "none" => {
            println!("recorded: not run, as ASL_CASES=none asks");
            return None;
        }
        Some(value) => workspace().join(value),
        None => workspace().join("../shared/asl-cases"),
    };
    assert!(
        folder.is_dir(),
        "the recorded cases are not at {}: set ASL_CASES to their folder (or to `none` to leave them out)",
        folder.display()
    );
    let cases = load(&folder);
    assert!(!cases.is_empty(), "no cases in {}", folder.display());
    Some(cases)
}

fn documented_cases() -> Vec<Case> {
    let cases = load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/documented"));
    assert!(!cases.is_empty());
    cases
}

#[test]
fn recorded() {
    if let Some(cases) = recorded_cases() {
        report(&cases);
    }
}

#[test]
fn documented() {
    let cases = documented_cases();
    for case in &cases {
        assert!(
            case.value["documented"].as_str().is_some_and(|page| page.starts_with("https://")),
            "{}",
            case.name
        );
    }
    report(&cases);
}

/// The comparison itself: whatever is changed in what a case expects, it must not pass any more.
#[test]
fn every_change_is_seen() {
    for case in documented_cases() {
        assert_eq!(differences(&case), Vec::<String>::new());
        for changed in changes(&case) {
            assert!(!differences(&changed).is_empty(), "not seen: {}", changed.value["expect"]);
        }
    }
}

/// A rendered event that was stored loses its data exactly as one that is rendered without.
#[test]
fn data_can_be_taken_out_of_rendered_events() {
    let mut events = 0;
    for case in recorded_cases().into_iter().flatten().chain(documented_cases()) {
        for event in history(&case) {
            let stored = event.to_json(true).to_string();
            let full: Value = serde_json::from_str(&stored).unwrap();
            let mut reduced = full.clone();
            asl::without_data(&mut reduced);
            assert_eq!(reduced.to_string(), event.to_json(false).to_string(), "{}", case.name);
            assert_eq!(reduced, expected_without_data(&full), "{}", case.name);
            events += 1;
        }
    }
    assert!(events > 100, "{events}");
}

fn expected_without_data(event: &Value) -> Value {
    let mut event = event.clone();
    for details in event.as_object_mut().unwrap().values_mut().filter_map(Value::as_object_mut) {
        for member in ["input", "inputDetails", "output", "outputDetails"] {
            details.shift_remove(member);
        }
    }
    event
}
