//! Plays executions that the real service was recorded doing, and compares result and history.
//!
//! The cases are not part of this repository: `ASL_CASES` names their folder (default `../shared/asl-cases`, from the
//! workspace). Without it the test fails and says so, unless `ASL_CASES=none`. The cases under `documented/` have the
//! same form, are ours, and follow the AWS documentation where no recording covers it.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests: a bad case should stop the test where it is read"
)]

mod recorded_support;

use std::path::{Path, PathBuf};

use recorded_support::{changes, differences, load, report};

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[test]
fn recorded() {
    let folder = match std::env::var_os("ASL_CASES") {
        Some(value) if value == "none" => {
            println!("recorded: not run, as ASL_CASES=none asks");
            return;
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
    report(&cases);
}

#[test]
fn documented() {
    let cases = load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/documented"));
    assert!(!cases.is_empty());
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
    for case in load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/documented")) {
        assert_eq!(differences(&case), Vec::<String>::new());
        for changed in changes(&case) {
            assert!(!differences(&changed).is_empty(), "not seen: {}", changed.value["expect"]);
        }
    }
}
