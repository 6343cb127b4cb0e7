//! `rsqlflow deploy`, `destroy` and `doctor --aws`: against wrong states, and as far as an endpoint of this machine goes.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use rsqlflow_tests::{Keys, Said, World, command, shown};
use serde_json::{Value, json};

/// A checkout with an app whose `node` and `npx` are ours: what they were called with stands in a file.
struct Checkout {
    dir: tempfile::TempDir,
    keys: Option<Keys>,
}

impl Checkout {
    fn new(settings: &Value) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let app = dir.path().join("cdk-config");
        std::fs::create_dir_all(app.join("bin")).unwrap();
        std::fs::create_dir_all(app.join("node_modules/.bin")).unwrap();
        std::fs::create_dir(dir.path().join("tools")).unwrap();
        std::fs::write(app.join("bin/app.ts"), "").unwrap();
        std::fs::write(app.join("node_modules/.bin/cdk"), "").unwrap();
        std::fs::write(app.join("cdk.json"), json!({ "context": { "rsqlflow": settings } }).to_string())
            .unwrap();
        let checkout = Self { dir, keys: None };
        checkout.tool("node", "echo v22.1.0");
        checkout.tool("npx", NPX);
        checkout
    }

    /// Commands that name an endpoint have the keys of this one.
    fn of(self, world: &World) -> Self {
        Self { keys: Some(world.keys.clone()), ..self }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn tool(&self, name: &str, body: &str) {
        let path = self.path("tools").join(name);
        std::fs::write(&path, format!("#!/bin/sh\n{body}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn build_packages(&self) {
        let packages = self.path("target/package");
        std::fs::create_dir_all(&packages).unwrap();
        for name in ["lambda.zip", "rsqlflow-agent.rpm", "rsqlflow-agent.deb"] {
            std::fs::write(packages.join(name), "").unwrap();
        }
    }

    fn run(&self, args: &[&str]) -> Said {
        self.run_with(args, &self.path("tools"), &[])
    }

    fn run_with(&self, args: &[&str], tools: &Path, env: &[(&str, &str)]) -> Said {
        let mut command = command("rsqlflow");
        command
            .args(args)
            .current_dir(self.dir.path())
            .env("PATH", format!("{}:/usr/bin:/bin", tools.display()))
            .env("HOME", self.dir.path())
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("CALLS", self.path("calls"))
            .envs(env.iter().copied())
            .stdin(Stdio::null());
        if let Some(keys) = self.keys.as_ref().filter(|_| args.contains(&"--endpoint-url")) {
            command.envs(keys.env());
        }
        command.output().unwrap().into()
    }

    fn calls(&self) -> Vec<String> {
        let calls = std::fs::read_to_string(self.path("calls")).unwrap_or_default();
        calls.lines().map(str::to_owned).collect()
    }
}

/// Notes how it was called, and answers as `cdk` does.
const NPX: &str = r#"
[ "$1" = --version ] && { echo 10.0.0; exit 0; }
shift 3
echo "$AWS_REGION $AWS_ENDPOINT_URL $*" >> "$CALLS"
case "$1" in
list) echo team-data; echo team-orchestration ;;
deploy)
    echo "deploying" ; file=
    while [ $# -gt 0 ]; do [ "$1" = --outputs-file ] && file=$2; shift; done
    echo '{"team-fleet":{"InstanceProfileName":"team-profile"}}' > "$file" ;;
esac
"#;

#[tokio::test]
async fn a_deployment_is_asked_for_checked_and_made_with_nothing_of_a_shell() {
    let world = World::start().await;
    let checkout = Checkout::new(&json!({ "prefix": "team" })).of(&world);
    checkout.build_packages();
    let url = world.url.as_str();
    let settings = checkout.path("settings.json");
    std::fs::write(&settings, r#"{ "prefix": "team", "tags": { "a": "$(touch owned); `id`" } }"#).unwrap();
    let settings = settings.display().to_string();

    let dry = checkout.run(&["deploy", "--dry-run", "--endpoint-url", url, "--settings", &settings]).ends(0);
    let _ =
        dry.says("nothing was deployed").says("team-data, team-orchestration").says("account 000000000000");
    assert!(!checkout.path("owned").exists() && !checkout.path("cdk-config/owned").exists());
    let calls = checkout.calls();
    assert_eq!(calls.len(), 2, "{calls:?}");
    assert!(calls[0].starts_with(&format!("us-east-1 {url} list")), "{calls:?}");
    assert!(
        calls[0].contains(r#"--context rsqlflow={"prefix":"team","tags":{"a":"$(touch owned); `id`"}}"#),
        "{calls:?}"
    );
    assert!(calls[1].contains("synth --all --quiet"), "{calls:?}");

    let _ = checkout.run(&["deploy", "--endpoint-url", url]).ends(2).says("--yes");
    assert!(!checkout.calls().iter().any(|call| call.contains(" deploy ")), "without leave nothing is made");
    let done = checkout.run(&["deploy", "--yes", "--endpoint-url", url]).ends(0);
    let _ = done.says("team-profile").says("RSQLFLOW_PREFIX=team").says("rsqlflow doctor --aws");
    let document = checkout.run(&["deploy", "--yes", "--endpoint-url", url, "--output", "json"]).ends(0);
    assert_eq!(document.json()["outputs"]["team-fleet"]["InstanceProfileName"], "team-profile");
    assert!(document.err.contains("deploying"), "what CDK says is not the document: {document:?}");
    let _ = checkout
        .run(&["deploy", "--yes", "--endpoint-url", url, "team-nets"])
        .ends(2)
        .says("known here: team-data, team-orchestration");
    let _ = checkout.run(&["deploy", "--yes", "--endpoint-url", url, "team-data"]).ends(0);
    assert!(checkout.calls().last().unwrap().contains("deploy team-data --require-approval"));
    let deploys = checkout.calls().into_iter().filter(|call| call.contains(" deploy ")).collect::<Vec<_>>();
    assert!(deploys[0].contains("--all --require-approval never --outputs-file "), "{deploys:?}");
}

#[tokio::test]
async fn a_removal_says_what_stays() {
    let world = World::start().await;
    let url = world.url.as_str();
    let kept = Checkout::new(&json!({ "prefix": "team" })).of(&world);
    let _ = kept
        .run(&["destroy", "--endpoint-url", url])
        .ends(2)
        .says("the tables and the scripts' log group are retained");
    assert!(!kept.calls().iter().any(|call| call.contains(" destroy ")));
    let done = kept.run(&["destroy", "--yes", "--endpoint-url", url]).ends(0);
    let _ = done.says("the tables of team and");
    assert!(kept.calls().last().unwrap().contains("destroy --all --force"));

    let all = Checkout::new(&json!({ "removal_policy": "destroy" })).of(&world);
    let _ = all.run(&["destroy", "--endpoint-url", url]).ends(2).says("ALL WORKFLOWS AND HISTORY");
}

#[tokio::test]
async fn what_is_missing_is_told_before_anything_is_made() {
    let world = World::start().await;
    let url = world.url.as_str();
    let checkout = Checkout::new(&json!({})).of(&world);
    let deploy = ["deploy", "--yes", "--endpoint-url", url];
    let told = checkout.run(&deploy).ends(3).says("lambda.zip (lambda_zip)").says("make package");
    assert!(checkout.calls().is_empty(), "{told:?}");
    checkout.build_packages();

    // No node: the path has nothing but what a shell script needs.
    let empty = checkout.path("empty");
    std::fs::create_dir(&empty).unwrap();
    let mut bare = command("rsqlflow");
    bare.args(deploy).current_dir(checkout.dir.path()).env("PATH", &empty).stdin(Stdio::null());
    let _ = Said::from(bare.output().unwrap()).ends(3).says("node is not installed").says("nodejs.org");
    checkout.tool("node", "echo v18.20.0");
    let _ = checkout.run(&deploy).ends(3).says("node v18.20.0 is too old").says("20 or newer");
    checkout.tool("node", "echo v22.0.0");

    // No credentials: an address that is not of this machine takes the user's own, of which there are none.
    let aws = checkout.run(&["deploy", "--yes", "--region", "eu-west-1"]).ends(3);
    let _ = aws.says("cannot read the caller's identity").says("hint:");
    let _ = checkout.run(&["deploy", "--yes"]).ends(2).says("the AWS region is missing");

    // Settings that the app refuses are the user's to fix.
    checkout.tool(
        "npx",
        "[ \"$1\" = --version ] && exit 0\necho 'error: 1 problem' >&2\necho '  prefix: is wrong' >&2\n\
                          echo 'node bin/app.ts: Subprocess exited with error 2' >&2\nexit 1",
    );
    let told = checkout.run(&deploy).ends(2).says("prefix: is wrong").says("cdk.json");
    assert!(!told.err.contains("Subprocess"), "{told:?}");
    checkout.tool("npx", "[ \"$1\" = --version ] && exit 0\necho 'Cannot find module' >&2\nexit 1");
    let _ = checkout.run(&deploy).ends(3).says("Cannot find module");

    let elsewhere = tempfile::tempdir().unwrap();
    let wrong = elsewhere.path().display().to_string();
    let _ =
        checkout.run(&["deploy", "--app", &wrong, "--endpoint-url", url]).ends(2).says("is not the CDK app");
}

#[tokio::test]
async fn who_deploys_is_known_before_packages_are_installed() {
    let world = World::start().await;
    let checkout = Checkout::new(&json!({})).of(&world);
    checkout.build_packages();
    std::fs::remove_file(checkout.path("cdk-config/node_modules/.bin/cdk")).unwrap();
    checkout.tool("npm", "echo npm >> \"$CALLS\"; exit 1");
    std::fs::create_dir(checkout.path(".aws")).unwrap();
    std::fs::write(checkout.path(".aws/config"), "[profile corp]\nregion = eu-west-1\n").unwrap();
    let _ = checkout
        .run(&["deploy", "--yes", "--profile", "crop"])
        .ends(2)
        .says("the profile \"crop\" does not exist")
        .says("did you mean \"corp\"? known here: corp");
    let _ = checkout
        .run(&["deploy", "--yes", "--region", "eu-west-1"])
        .ends(3)
        .says("cannot read the caller's identity");
    let _ = checkout.run(&["destroy", "--yes", "--profile", "nobody"]).ends(2).says("known here: corp");
    assert!(checkout.calls().is_empty(), "{:?}", checkout.calls());
    let _ = checkout.run(&["deploy", "--yes", "--endpoint-url", &world.url]).ends(3).says("`npm ci` failed");
    assert_eq!(checkout.calls(), ["npm"]);
}

#[tokio::test]
async fn a_session_that_is_over_is_told_with_the_command_that_renews_it() {
    let checkout = Checkout::new(&json!({}));
    let aws = checkout.path(".aws");
    std::fs::create_dir(&aws).unwrap();
    std::fs::write(
        aws.join("config"),
        "[profile corp]\nregion = eu-west-1\nsso_session = corp\nsso_account_id = 123456789012\nsso_role_name = dev\n\
         [sso-session corp]\nsso_region = eu-west-1\nsso_start_url = https://corp.awsapps.com/start\n",
    )
    .unwrap();
    let told = checkout.run(&["list", "--profile", "corp"]).ends(3);
    let _ = told.says("aws sso login --profile corp");
    let told =
        checkout.run_with(&["doctor", "--aws"], &checkout.path("tools"), &[("AWS_PROFILE", "corp")]).ends(3);
    let _ = told.says("aws sso login --profile corp");
}

/// The checks by name.
fn health<'d>(document: &'d Value, name: &str) -> &'d str {
    let checks = document["checks"].as_array().unwrap();
    let check = checks.iter().find(|check| check["name"].as_str().unwrap().starts_with(name));
    check.unwrap_or_else(|| panic!("{name}: {document:#}"))["health"].as_str().unwrap()
}

#[tokio::test]
async fn the_doctor_looks_at_every_part_and_names_what_is_wrong() {
    let world = World::start().await;
    let doctor = ["doctor", "--aws", "--endpoint-url", &world.url, "--output", "json"];
    let well = world.operator(&doctor).ends(0).json();
    for part in [
        "credentials",
        "table rsqlflow-config-table",
        "table rsqlflow-workflow-audit-table",
        "table rsqlflow-job-audit-table",
        "function rsqlflow-rsql-invoke",
        "state machine rsqlflow-master",
        "state machine rsqlflow-parallel",
        "SSM document",
        "instances",
        "log group",
    ] {
        assert_eq!(health(&well, part), "ok", "{part}: {well:#}");
    }
    let names = |document: &Value, part: &str| {
        let checks = document["checks"].as_array().unwrap().iter();
        checks.filter(|check| check["name"].as_str().unwrap().starts_with(part)).count()
    };
    // The endpoint has no IAM and no backups, so there is nothing to check.
    assert_eq!((names(&well, "permissions"), names(&well, "recovery")), (0, 0), "{well:#}");
    let here = world.operator(&["doctor", "--output", "json"]).ends(0).json();
    assert_eq!(names(&here, ""), names(&well, "") + 1, "the same checks, and the disk: {here:#}");

    // A machine that somebody edited in the console, and a table that is gone.
    let arn = "arn:aws:states:us-east-1:000000000000:stateMachine:rsqlflow-sequential";
    let found = world.call("AWSStepFunctions.DescribeStateMachine", &json!({ "stateMachineArn": arn })).await;
    let edited = found["definition"].as_str().unwrap().replace("\"MaxAttempts\": 8", "\"MaxAttempts\": 1");
    assert_ne!(edited, found["definition"].as_str().unwrap());
    let update = json!({ "stateMachineArn": arn, "definition": edited });
    world.call("AWSStepFunctions.UpdateStateMachine", &update).await;
    world.call("DynamoDB_20120810.DeleteTable", &json!({ "TableName": "rsqlflow-config-table" })).await;
    let ill = world.operator(&doctor).ends(3).json();
    assert_eq!(health(&ill, "state machine rsqlflow-sequential"), "failed");
    assert_eq!(health(&ill, "table rsqlflow-config-table"), "failed");
    assert_eq!(health(&ill, "state machine rsqlflow-master"), "ok");
    let text = world.operator(&["doctor", "--aws", "--endpoint-url", &world.url]).ends(3);
    let url = world.url.as_str();
    shown(
        "aws.md",
        "rsqlflow doctor --aws --endpoint-url http://127.0.0.1:4566",
        &text.out.replace(url, "http://127.0.0.1:4566"),
    );
    let _ = text.says("MaxAttempts").says("hint: restore it with `rsqlflow deploy`");
}
