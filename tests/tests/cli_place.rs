//! Where a command works, what it says of that, and what a program that calls it can rely on.

use std::path::Path;
use std::process::Stdio;

use rsqlflow_tests::{Said, World, command};
use serde_json::json;

fn rsqlflow(dir: &Path, env: &[(&str, &str)], args: &[&str]) -> Said {
    let mut command = command("rsqlflow");
    command.current_dir(dir).envs(env.iter().copied()).args(args).stdin(Stdio::null());
    command.output().unwrap().into()
}

#[tokio::test]
async fn an_address_a_variable_and_a_directory_lead_to_the_same_place() {
    let world = World::start().await;
    world.put(&json!({ "workflow_id": "here" })).await;
    let elsewhere = tempfile::tempdir().unwrap();
    let (url, dir) = (world.url.as_str(), world.state_dir().display().to_string());
    let keys = world.keys.env().to_vec();
    for (env, args) in [
        (keys.clone(), vec!["--endpoint-url", url]),
        ([keys.clone(), vec![("AWS_ENDPOINT_URL", url)]].concat(), vec![]),
        ([keys.clone(), vec![("AWS_ENDPOINT_URL", url)]].concat(), vec!["--region", "us-east-1"]),
        // The directory that is served has its keys, whatever keys for AWS are set.
        (
            vec![
                ("RSQLFLOW_STATE_DIR", dir.as_str()),
                ("AWS_ACCESS_KEY_ID", "AK"),
                ("AWS_SECRET_ACCESS_KEY", "SK"),
            ],
            vec!["--endpoint-url", url],
        ),
        (vec![], vec!["--state-dir", &dir]),
        (vec![("RSQLFLOW_STATE_DIR", dir.as_str())], vec![]),
    ] {
        let args: Vec<&str> = ["list", "--output", "json"].into_iter().chain(args).collect();
        let listed = rsqlflow(elsewhere.path(), &env, &args).ends(0).json();
        assert_eq!(listed["workflows"][0]["workflow_id"], "here", "{env:?} {args:?}");
    }
    let other = ["config", "--endpoint-url", url, "--region", "eu-west-1", "--profile", "prod"];
    let other = rsqlflow(elsewhere.path(), &[], &other).ends(0);
    assert!(other.err.contains("--region eu-west-1 with --profile prod is ignored"), "{other:?}");
    assert!(other.out.contains("us-east-1") && other.out.contains("the endpoint's own"), "{other:?}");
    for env in [vec![], vec![("AWS_ACCESS_KEY_ID", "AK"), ("AWS_SECRET_ACCESS_KEY", "SK")]] {
        let refused = rsqlflow(elsewhere.path(), &env, &["list", "--endpoint-url", url]).ends(3);
        let _ = refused.says("UnrecognizedClientException").says("the endpoint takes only its own keys");
    }
    let both = ["list", "--state-dir", &dir, "--endpoint-url", url];
    let _ = rsqlflow(elsewhere.path(), &[], &both).ends(2).says("cannot be used with");
    let healthy =
        rsqlflow(elsewhere.path(), &keys, &["doctor", "--endpoint-url", url, "--output", "json"]).ends(0);
    assert_eq!(healthy.json()["healthy"], true, "{healthy:?}");
}

#[test]
fn a_place_that_is_not_there_is_told_with_a_mend() {
    let dir = tempfile::tempdir().unwrap();
    let _ = rsqlflow(dir.path(), &[], &["list"])
        .ends(2)
        .says("the state directory .rsqlflow does not exist")
        .says("--profile");
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{nobody}");
    let gone =
        rsqlflow(dir.path(), &[], &["list", "--endpoint-url", &url, "--output", "json"]).ends(3).json();
    assert_eq!((&gone["version"], &gone["exit_code"]), (&json!(1), &json!(3)), "{gone}");
    let hint = gone["hint"].as_str().unwrap();
    assert!(
        hint.contains(&format!("the endpoint {url} refused the connection: check the address")),
        "{gone}"
    );
    let _ = rsqlflow(dir.path(), &[], &["list", "--endpoint-url", "here"])
        .ends(2)
        .says("is not the address of an endpoint");
    let home = dir.path().display().to_string();
    let env = [("HOME", home.as_str()), ("AWS_EC2_METADATA_DISABLED", "true")];
    let nobody = rsqlflow(dir.path(), &env, &["list", "--profile", "nobody"]).ends(2);
    let _ = nobody.says("the profile \"nobody\" does not exist").says("aws configure --profile");
    for region in ["", "eu_west_1", "-1"] {
        let region = format!("--region={region}");
        let told = rsqlflow(dir.path(), &env, &["list", &region]).ends(2);
        let _ = told.says("is not the name of an AWS region").says("--region, else AWS_REGION");
    }
    let keys = [("AWS_ACCESS_KEY_ID", "AK"), ("AWS_SECRET_ACCESS_KEY", "SK")];
    // RFC 6761, section 6.4: nobody has a name that ends so.
    let unknown = ["list", "--endpoint-url", "http://nobody.invalid", "--region", "eu-west-1"];
    let unknown = rsqlflow(dir.path(), &[env.as_slice(), &keys].concat(), &unknown).ends(3);
    let _ = unknown
        .says("the host name of the endpoint http://nobody.invalid cannot be resolved: check the network");
    let _ =
        rsqlflow(dir.path(), &env, &["doctor", "--endpoint-url", &url]).ends(3).says("FAILED").says("hint:");
}

#[test]
fn every_setting_is_shown_with_its_source() {
    let dir = tempfile::tempdir().unwrap();
    let profiles = dir.path().join("profiles");
    std::fs::write(&profiles, "[prod]\naws_access_key_id = AK\naws_secret_access_key = SK\n").unwrap();
    let env = [
        ("RSQLFLOW_PREFIX", "nightly"),
        ("RSQLFLOW_JOB_AUDIT_TABLE", "jobs"),
        ("AWS_REGION", "eu-west-1"),
        ("AWS_SHARED_CREDENTIALS_FILE", profiles.to_str().unwrap()),
    ];
    let shown =
        rsqlflow(dir.path(), &env, &["config", "--profile", "prod", "--output", "json"]).ends(0).json();
    let find = |name: &str| {
        let setting = shown["settings"].as_array().unwrap().iter().find(|s| s["name"] == name).unwrap();
        (setting["value"].as_str().unwrap().to_owned(), setting["source"].as_str().unwrap().to_owned())
    };
    let pair = |value: &str, source: &str| (value.to_owned(), source.to_owned());
    assert_eq!(find("backend"), pair("AWS", "--profile"));
    assert_eq!(find("region"), pair("eu-west-1", "AWS_REGION"));
    assert_eq!(find("profile"), pair("prod", "--profile"));
    assert_eq!(find("RSQLFLOW_PREFIX"), pair("nightly", "environment"));
    assert_eq!(find("RSQLFLOW_CONFIG_TABLE"), pair("nightly-config-table", "from RSQLFLOW_PREFIX"));
    assert_eq!(find("RSQLFLOW_JOB_AUDIT_TABLE"), pair("jobs", "environment"));
    assert_eq!(find("RSQLFLOW_AGENT_START"), pair("5s", "default"));
    let wrong = rsqlflow(dir.path(), &[("RSQLFLOW_AGENT_START", "soon")], &["config"]).ends(2);
    assert!(wrong.err.contains("RSQLFLOW_AGENT_START"), "{wrong:?}");
}

#[test]
fn a_mistyped_command_line_is_a_document_for_programs() {
    let dir = tempfile::tempdir().unwrap();
    for args in [
        &["statsu", "r", "--output", "json"][..],
        &["--output=json", "restart"],
        &["cancel", "--output", "json"],
    ] {
        let said = rsqlflow(dir.path(), &[], args).ends(2);
        let document = said.json();
        assert_eq!(document["version"], 1, "{document}");
        assert!(!document["error"].as_str().unwrap().is_empty() && said.err.is_empty(), "{said:?}");
    }
    for from in ["-1", "0", "second", "10000", ""] {
        let told = rsqlflow(dir.path(), &[], &["restart", "r", "--from", from]).ends(2);
        let _ = told.says("invalid value").says("write the number of a stage, from 1");
    }
    let _ = rsqlflow(dir.path(), &[], &["history", "--limit", "-1"]).ends(2).says("-1 is not in 1..=1000");
    let _ = rsqlflow(dir.path(), &[], &["--help", "--output", "json"]).ends(0).says("Usage");
    let _ = rsqlflow(dir.path(), &[], &["statsu"]).ends(2).says("similar subcommand");
}

#[test]
fn schema_completions_and_manual_pages_are_made() {
    let dir = tempfile::tempdir().unwrap();
    let schema = rsqlflow(dir.path(), &[], &["schema"]).ends(0).json();
    assert!(schema["properties"]["workflow_stages"].is_object(), "{schema}");
    for shell in ["bash", "zsh", "fish"] {
        let _ = rsqlflow(dir.path(), &[], &["completions", shell]).ends(0).says("restart");
    }
    let _ =
        rsqlflow(dir.path(), &[], &["man", "nowhere"]).ends(2).says("the directory nowhere does not exist");
    let _ = rsqlflow(dir.path(), &[], &["man", "."]).ends(0);
    let page = std::fs::read_to_string(dir.path().join("rsqlflow-restart.1")).unwrap();
    assert!(page.contains("all\\-failed") && page.contains(".TH"), "{page}");
}
