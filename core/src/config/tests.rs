use proptest::prelude::*;
use serde_json::{Value, json};

use super::arbitrary::{json, nearly_valid, workflow};
use super::*;
use crate::{Seconds, Timing};

fn read(item: &Value) -> Workflow {
    Workflow::from_json(item, &Timing::default()).unwrap_or_else(|problems| panic!("{problems}"))
}

/// The shape of the item in AWS's sample, which users bring along.
fn sample() -> Value {
    json!({ "workflow_id": "blog_test_workflow",
      "workflow_description": "Test workflow",
      "workflow_stages": [
        { "stage_description": "Schema & Table Creation", "execution_flag": "y", "execution_type": "sequential",
          "scripts": ["rsql_blog_script_1.sh", "rsql_blog_script_2.sh"] },
        { "stage_description": "Data Insertion 1", "execution_flag": "y", "execution_type": "parallel",
          "scripts": ["rsql_blog_script_3.sh", "rsql_blog_script_4.sh"] },
        { "stage_description": "Data Insertion 2", "execution_flag": "y", "execution_type": "parallel",
          "scripts": ["rsql_blog_script_5.sh", "rsql_blog_script_6.sh"] } ] })
}

#[test]
fn the_sample_is_valid_unchanged() {
    let workflow = read(&sample());
    assert_eq!(workflow.job_count(), 6);
    assert_eq!(workflow.workflow_stages[1].execution_type, ExecutionType::Parallel);
    assert_eq!(workflow.workflow_stages[0].scripts[0], Job::of_script("rsql_blog_script_1.sh"));
    assert_eq!(workflow.notify, Notify { on: vec![NotifyOn::Failure], topic_arn: None });
}

#[test]
fn nothing_to_do_is_valid() {
    for stages in [
        json!([]),
        json!([{}]),
        json!([{ "scripts": [] }]),
        json!([{ "execution_flag": "N", "scripts": ["a.sh"] }]),
    ] {
        read(&json!({ "workflow_id": "w", "workflow_stages": stages }));
    }
    assert_eq!(read(&json!({ "workflow_id": "w" })).job_count(), 0);
}

#[test]
fn every_field_is_read() {
    let workflow = read(&json!({
        "workflow_id": "w \"quoted\" $(reboot)",
        "workflow_stages": [{
            "execution_type": "parallel", "max_concurrency": 4.0, "on_failure": "stop", "secret": "stage",
            "target": { "tags": { "Role": "etl" } },
            "scripts": [{
                "script": "loads/täglich; $(rm -rf ~) 'x'.sh", "args": ["", "a\nb"], "env": { "INPUT_PATH": "/opt" },
                "execution_flag": "N", "secret": "redshift!x", "timeout": "1h30m", "heartbeat": 60, "retries": 3.0,
                "retry_delay": "10s", "retry_backoff": 1.5, "ok_exit_codes": [0, 194, 255], "on_lost": "rerun",
                "target": { "instance_ids": ["i-0123456789abcdef0", "mi-0123456789abcdef0"] },
            }],
        }],
        "defaults": { "timeout": 7200 },
        "parameters": { "schema": "{{ not read }}" },
        "time_zone": "Europe/Berlin",
        "concurrency_policy": "allow",
        "notify": { "on": [], "topic_arn": "arn:aws:sns:eu-west-1:123456789012:ops" },
    }));
    let stage = &workflow.workflow_stages[0];
    assert_eq!((stage.max_concurrency, stage.on_failure), (Some(4), OnFailure::Stop));
    let job = &stage.scripts[0];
    assert_eq!(job.name(), "täglich; $(rm -rf ~) 'x'.sh");
    assert_eq!(job.execution_flag, ExecutionFlag::No);
    assert_eq!(job.settings.timeout, Some(Seconds::saturating(5400)));
    assert_eq!(job.settings.retries, Some(3));
    assert_eq!(job.settings.ok_exit_codes, Some(vec![0, 194, 255]));
    assert_eq!(workflow.notify.on, []);
    // What people put into the environment is not for logs.
    assert!(format!("{job:?}").contains("INPUT_PATH") && !format!("{job:?}").contains("/opt"));
}

#[test]
fn limits_are_inclusive() {
    let stages = vec![json!({}); MAX_STAGES];
    read(&json!({ "workflow_id": "w", "workflow_stages": stages }));
    let jobs = vec!["a.sh"; MAX_JOBS];
    assert_eq!(
        read(&json!({ "workflow_id": "w", "workflow_stages": [{ "scripts": jobs }] })).job_count(),
        MAX_JOBS
    );
    let frame = json!({ "workflow_id": "w", "workflow_description": "" }).to_string().len();
    read(&json!({ "workflow_id": "w", "workflow_description": "x".repeat(MAX_ITEM_BYTES - frame) }));
}

#[test]
fn messages_do_not_show_what_may_be_secret() {
    let item = json!({
        "workflow_id": "w",
        "parameters": { "p": ["hunter2"] },
        "workflow_stages": [{ "scripts": [{
            "script": "a.sh",
            "args": ["hunter2{{ x", "hunter2\u{0}", ["hunter2"], "hunter2{{ y }}hunter2"],
            "env": { "A": 42_424_242, "B": "hunter2 {{ z z }}", "RSPASSWORD": "hunter2" },
        }] }],
    });
    let problems = Workflow::from_json(&item, &Timing::default()).unwrap_err();
    assert_eq!(problems.len(), 8, "{problems}");
    let shown = format!("{problems}{problems:?}{}", serde_json::to_string(&problems).unwrap());
    assert!(!shown.contains("hunter2") && !shown.contains("42424242"), "{shown}");
}

proptest! {
    #[test]
    fn a_valid_workflow_reads_back_as_itself(workflow in workflow()) {
        let item = serde_json::to_value(&workflow).unwrap();
        prop_assert_eq!(Workflow::from_json(&item, &Timing::default()), Ok(workflow));
    }

    #[test]
    fn no_json_makes_the_reader_panic(item in json()) {
        let _ = Workflow::from_json(&item, &Timing::default());
    }

    #[test]
    fn no_damage_makes_the_reader_panic(item in nearly_valid()) {
        if let Err(problems) = Workflow::from_json(&item, &Timing::default()) {
            prop_assert!(!problems.is_empty());
            prop_assert!(!problems.to_string().is_empty());
        }
    }
}

#[test]
fn variables_of_a_job_are_data_and_no_switches() {
    let stored = |name: &str, script: &str| json!({ "workflow_id": "w", "workflow_stages": [{ "scripts": [{ "script": script, "env": { name: "x" } }] }] });
    let read = |name: &str| Workflow::from_json(&stored(name, "a.sh"), &Timing::default());
    for name in [
        "PERL5OPT",
        "PERL5LIB",
        "PYTHONWARNINGS",
        "PYTHONPATH",
        "BROWSER",
        "RSQL_PORT",
        "RSQL_ANYTHING",
        "RUBYOPT",
        "NODE_OPTIONS",
        "JAVA_TOOL_OPTIONS",
        "_JAVA_OPTIONS",
        "LD_LIBRARY_PATH",
        "LD_PRELOAD",
        "BASH_ENV",
        "BASH_FUNC_x",
        "PGHOST",
        "PGSERVICEFILE",
        "PSQLRC",
        "ODBCINI",
        "GIT_SSH_COMMAND",
        "PROMPT_COMMAND",
        "IFS",
        "PATH",
        "HOME",
        "AWS_ENDPOINT_URL",
        "AWS_CONFIG_FILE",
        "https_proxy",
        "HTTPS_PROXY",
        "LESSOPEN",
        "MANPAGER",
        "EDITOR",
        "MY_PROXY",
        "X_PRELOAD",
        "SBT_OPTS",
        "LUA_INIT",
        "R_PROFILE",
        "GCONV_PATH",
        "GLIBC_TUNABLES",
        "HOSTALIASES",
    ] {
        let problems = read(name).expect_err(name);
        assert!(problems.to_string().contains(name), "{problems}");
        // A run that began before there was the rule goes on.
        assert!(Workflow::from_stored(&stored(name, "a.sh"), &Timing::default()).is_ok(), "{name}");
    }
    for name in [
        "TABLE",
        "INPUT_PATH",
        "LOAD_DATE",
        "TZ",
        "LC_ALL",
        "LANG",
        "AWS_REGION",
        "STAGE",
        "region",
        "PROFILE",
    ] {
        assert!(read(name).is_ok(), "{name}: {}", read(name).unwrap_err());
    }
    for script in ["a.sh ", " a.sh", "a.sh\u{a0}"] {
        let problems = Workflow::from_json(&stored("A", script), &Timing::default()).unwrap_err().to_string();
        assert!(problems.contains("space") && problems.contains("remove"), "{problems}");
        assert!(Workflow::from_stored(&stored("A", script), &Timing::default()).is_ok());
    }
}
