//! `docs/local.md` is true: its commands work, and its table lists what is there.

use std::path::{Path, PathBuf};

use rsqlflow_tests::{World, client, directory};

fn clients_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("clients")
}

#[test]
fn the_commands_of_the_page_work() {
    let dir = directory();
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/local.md");
    let output = client("python", dir.path())
        .arg(clients_folder().join("page.py"))
        .arg(page)
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
    let output = world
        .client("python")
        .args(["-m", "unittest", "operations"])
        .envs(std::env::var_os(UPDATE).map(|value| (UPDATE, value)))
        .current_dir(clients_folder())
        .output()
        .expect("python starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("Ran 1 test"), "{said}");
}
