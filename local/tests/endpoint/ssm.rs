//! Systems Manager through its client, with a script as the agent.

use std::collections::HashMap;

use aws_sdk_ssm::Client;
use aws_sdk_ssm::operation::get_command_invocation::GetCommandInvocationOutput;
use aws_sdk_ssm::types::{InstanceInformationStringFilter, Target};
use rsqlflow_core::config;

use aws_sdk_ssm::error::ProvideErrorMetadata as _;

use crate::support::{Local, agent, code, start, start_with, until};

pub(crate) const FIRST: &str = "i-local000000000001";

/// Of nothing.
const DIGEST: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

pub(crate) fn parameters() -> HashMap<String, Vec<String>> {
    [("ExecutionId", "e-1"), ("JobId", "0003#00017"), ("Attempt", "2"), ("Digest", DIGEST)]
        .map(|(name, value)| (name.to_owned(), vec![value.to_owned()]))
        .into()
}

pub(crate) async fn finished(client: &Client, command: &str, instance: &str) -> GetCommandInvocationOutput {
    until("the command", async || {
        let invocation = client.get_command_invocation().command_id(command).instance_id(instance);
        let invocation = invocation.send().await.unwrap();
        let status = invocation.status().unwrap().as_str().to_owned();
        (!matches!(status.as_str(), "Pending" | "InProgress" | "Cancelling")).then_some(invocation)
    })
    .await
}

/// Sends a job's command to the first instance and waits for its end.
async fn run(local: &Local) -> GetCommandInvocationOutput {
    let client = Client::new(&local.sdk);
    let sent = client
        .send_command()
        .document_name("rsqlflow-run-job")
        .instance_ids(FIRST)
        .set_parameters(Some(parameters()))
        .timeout_seconds(60)
        .send()
        .await
        .unwrap();
    finished(&client, sent.command().unwrap().command_id().unwrap(), FIRST).await
}

#[tokio::test]
async fn a_command_is_a_process_with_arguments_and_a_clean_environment() {
    let local = start().await;
    agent(local.dir.path(), r#"printf '%s\n' "$@"; env; exit 0"#);
    let done = run(&local).await;
    assert_eq!((done.status().unwrap().as_str(), done.response_code()), ("Success", 0));
    let output = done.standard_output_content().unwrap();
    assert!(output.starts_with("run\n--execution-id\ne-1\n--job-id\n0003#00017\n--attempt\n2\n"), "{output}");
    let url = local.endpoint.url();
    let config = local.endpoint.state_dir().join("instances").join(FIRST).join("agent.toml");
    for line in [
        format!("AWS_ENDPOINT_URL={url}"),
        "AWS_REGION=us-east-1".to_owned(),
        format!("AWS_ACCESS_KEY_ID={}", local.endpoint.credentials().access_key_id()),
        format!("RSQLFLOW_AGENT_CONFIG={}", config.display()),
        format!("AWS_SSM_INSTANCE_ID={FIRST}"),
    ] {
        assert!(output.lines().any(|l| l == line), "{line} in {output}");
    }
    assert!(!output.contains("CARGO"), "the endpoint's own environment: {output}");
    let file: toml::Table = std::fs::read_to_string(config).unwrap().parse().unwrap();
    assert_eq!(file["instance_id"].as_str(), Some(FIRST));
    assert_eq!(file["endpoint_url"].as_str(), Some(url));
}

#[tokio::test]
async fn exit_codes_signals_and_output_are_reported() {
    for (script, code, stderr) in
        [("echo oops >&2; exit 3", 3, "oops\n"), ("kill -KILL $$", 137, ""), ("exit 194", 194, "")]
    {
        let local = start().await;
        agent(local.dir.path(), script);
        let done = run(&local).await;
        assert_eq!(done.status().unwrap().as_str(), "Failed", "{script}");
        assert_eq!(done.response_code(), code, "{script}");
        assert_eq!(done.standard_error_content(), Some(stderr), "{script}");
    }
}

#[tokio::test]
async fn much_output_is_cut_and_does_not_block() {
    let local = start().await;
    agent(
        local.dir.path(),
        "head -c 3000000 /dev/zero | tr '\\0' a; head -c 300000 /dev/zero | tr '\\0' b >&2",
    );
    let done = run(&local).await;
    assert_eq!(done.status().unwrap().as_str(), "Success");
    assert_eq!(done.standard_output_content().unwrap().len(), 24_000);
    assert_eq!(done.standard_error_content().unwrap().len(), 8_000);
}

#[tokio::test]
async fn a_grandchild_that_holds_the_pipe_does_not_hold_the_command() {
    let local = start().await;
    let gate = local.dir.path().join("gate");
    // The grandchild waits on a pipe that the test opens at its end, so it is there all the while.
    agent(local.dir.path(), &format!("mkfifo {0}; (read line < {0}) & echo begun", gate.display()));
    let done = run(&local).await;
    assert_eq!(done.status().unwrap().as_str(), "Success");
    assert_eq!(done.standard_output_content(), Some("begun\n"));
    tokio::fs::write(&gate, "go\n").await.unwrap();
}

#[tokio::test]
async fn a_missing_agent_is_a_failed_command() {
    let local = start().await;
    let done = run(&local).await;
    assert_eq!((done.status().unwrap().as_str(), done.response_code()), ("Failed", 127));
    assert!(done.standard_error_content().unwrap().contains("cannot start"), "{done:?}");
}

#[tokio::test]
async fn children_are_reaped() {
    let local = start().await;
    agent(local.dir.path(), "echo $$");
    let pid = run(&local).await.standard_output_content().unwrap().trim().to_owned();
    assert!(!std::path::Path::new("/proc").join(pid).exists(), "a zombie stays");
}

#[tokio::test]
async fn tags_choose_instances() {
    let tags = config::Target::Tags([("Role".to_owned(), "etl".to_owned())].into());
    let local = start_with(|options| {
        options.instances = 3;
        options.deployment.defaults.target = Some(tags);
    })
    .await;
    agent(local.dir.path(), "echo $AWS_SSM_INSTANCE_ID");
    let client = Client::new(&local.sdk);
    let send = |value: &str| {
        let target = Target::builder().key("tag:Role").values(value).build();
        let send = client.send_command().document_name("rsqlflow-run-job").targets(target);
        send.set_parameters(Some(parameters())).send()
    };
    let sent = send("etl").await.unwrap();
    let command = sent.command().unwrap();
    assert_eq!(command.target_count(), 3);
    for instance in [FIRST, "i-local000000000002", "i-local000000000003"] {
        let done = finished(&client, command.command_id().unwrap(), instance).await;
        assert_eq!(done.standard_output_content().unwrap().trim(), instance);
    }
    assert_eq!(send("web").await.unwrap().command().unwrap().target_count(), 0);
}

#[tokio::test]
async fn instances_are_described_with_filters_and_pages() {
    let local = start_with(|options| options.instances = 7).await;
    let client = Client::new(&local.sdk);
    let first = client.describe_instance_information().max_results(5).send().await.unwrap();
    assert_eq!(first.instance_information_list().len(), 5);
    let rest =
        client.describe_instance_information().next_token(first.next_token().unwrap()).send().await.unwrap();
    let ids: Vec<_> = rest.instance_information_list().iter().map(|i| i.instance_id().unwrap()).collect();
    assert_eq!(ids, ["i-local000000000006", "i-local000000000007"]);
    let filter = |key: &str, value: &str| {
        let filter = InstanceInformationStringFilter::builder().key(key).values(value).build().unwrap();
        client.describe_instance_information().filters(filter).send()
    };
    let found = filter("InstanceIds", FIRST).await.unwrap();
    let instance = &found.instance_information_list()[0];
    assert_eq!(instance.ping_status().unwrap().as_str(), "Online");
    assert_eq!(filter("PingStatus", "Online").await.unwrap().instance_information_list().len(), 7);
    assert!(filter("tag:Role", "none").await.unwrap().instance_information_list().is_empty());
    assert_eq!(code(&filter("Colour", "red").await.unwrap_err()), "InvalidFilterKey");
    assert!(filter("PingStatus", "Inactive").await.unwrap().instance_information_list().is_empty());
    assert!(filter("IamRole", "r").await.unwrap().instance_information_list().is_empty());
    assert_eq!(filter("PlatformTypes", "Linux").await.unwrap().instance_information_list().len(), 7);
    let wrong = filter("PingStatus", "Asleep").await.unwrap_err();
    assert_eq!(code(&wrong), "InvalidInstanceInformationFilterValue");
    let few = client.describe_instance_information().max_results(4).send().await.unwrap_err();
    assert_eq!(code(&few), "ValidationException");
    let token = client.describe_instance_information().next_token("forged").send().await.unwrap_err();
    assert_eq!(code(&token), "InvalidNextToken");
}

#[tokio::test]
async fn refusals_have_their_codes() {
    let local = start_with(|options| options.deployment.timing = rsqlflow_core::Timing::default()).await;
    agent(local.dir.path(), "exit 0");
    let client = Client::new(&local.sdk);
    let send = || {
        let send = client.send_command().document_name("rsqlflow-run-job").instance_ids(FIRST);
        send.set_parameters(Some(parameters()))
    };
    for (what, request, expected) in [
        ("document", send().document_name("AWS-RunShellScript"), "InvalidDocument"),
        ("version", send().document_version("7"), "InvalidDocumentVersion"),
        ("instance", send().instance_ids("i-0123456789abcdef0"), "InvalidInstanceId"),
        ("short delivery", send().timeout_seconds(29), "ValidationException"),
        ("long delivery", send().timeout_seconds(2_592_001), "ValidationException"),
        ("pattern", send().parameters("JobId", vec!["0003#00017; reboot".to_owned()]), "InvalidParameters"),
        ("unknown parameter", send().parameters("Colour", vec!["red".to_owned()]), "InvalidParameters"),
        ("list", send().parameters("Attempt", vec!["1".to_owned(), "2".to_owned()]), "InvalidParameters"),
        ("no target", send().set_instance_ids(None), "ValidationException"),
        ("twice", send().instance_ids(FIRST), "DuplicateInstanceId"),
        ("no instance", send().instance_ids("local"), "ValidationException"),
        ("concurrency", send().max_concurrency("0"), "ValidationException"),
        ("errors", send().max_errors("101%"), "ValidationException"),
        ("comment", send().comment("x".repeat(101)), "ValidationException"),
        ("output", send().output_s3_bucket_name("bucket"), "NotImplemented"),
        ("notification", send().service_role_arn("arn:aws:iam::000000000000:role/r"), "NotImplemented"),
    ] {
        let refused = request.send().await.unwrap_err();
        assert_eq!(code(&refused), expected, "{what}");
    }
    let both = send().timeout_seconds(29).comment("x".repeat(101)).send().await.unwrap_err();
    let message = both.into_service_error().message().unwrap().to_owned();
    assert!(
        message.starts_with(
            "2 validation errors detected: Value '29' at 'timeoutSeconds' failed to satisfy constraint: Member \
             must have value greater than or equal to 30; Value 'xxx"
        ),
        "{message}"
    );
    let unknown = client
        .get_command_invocation()
        .command_id("00000000-0000-0000-0000-000000000000")
        .instance_id(FIRST)
        .send()
        .await
        .unwrap_err();
    assert_eq!(code(&unknown), "InvocationDoesNotExist");
}
