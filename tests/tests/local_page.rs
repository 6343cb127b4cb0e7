//! `docs/local.md` is true: its commands work, and its table lists what is there.

use std::path::Path;

use rsqlflow_tests::{World, client, directory};

#[test]
fn the_commands_of_the_page_work() {
    let dir = directory();
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = client("python", dir.path())
        .arg(tests.join("clients/page.py"))
        .arg(tests.join("../docs/local.md"))
        .output()
        .expect("python starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}\n{said}", String::from_utf8_lossy(&output.stdout));
}

/// Where it is set, the page is not tested but put right.
const UPDATE: &str = "RSQLFLOW_UPDATE_PAGE";

#[tokio::test]
async fn the_operations_of_the_page_are_those_that_are_there() {
    let world = World::start().await;
    let update = std::env::var(UPDATE).unwrap_or_default();
    world.boto3("operations", &[(UPDATE, &update)]);
}
