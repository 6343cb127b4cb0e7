//! Run Command over several instances: rate controls, cancelling, lists.

use std::path::{Path, PathBuf};

use aws_sdk_ssm::Client;
use aws_sdk_ssm::operation::send_command::builders::SendCommandFluentBuilder;
use aws_sdk_ssm::types::{Command, CommandFilter, CommandFilterKey, DocumentKeyValuesFilter};
use nix::sys::stat::Mode;

use crate::ssm::{FIRST, finished, parameters};
use crate::support::{Local, agent, code, start_with, until};

const SECOND: &str = "i-local000000000002";
const THIRD: &str = "i-local000000000003";

/// An endpoint with three instances.
async fn three() -> Local {
    start_with(|options| options.instances = 3).await
}

pub(crate) fn send(client: &Client) -> SendCommandFluentBuilder {
    let send = client.send_command().document_name("rsqlflow-run-job").set_parameters(Some(parameters()));
    send.instance_ids(FIRST).instance_ids(SECOND).instance_ids(THIRD)
}

pub(crate) async fn sent(send: SendCommandFluentBuilder) -> String {
    send.send().await.unwrap().command().unwrap().command_id().unwrap().to_owned()
}

async fn command(client: &Client, id: &str) -> Command {
    let found = client.list_commands().command_id(id).send().await.unwrap();
    found.commands()[0].clone()
}

/// Waits until a command has ended.
async fn ended(client: &Client, id: &str) -> Command {
    until("the command's end", async || {
        let command = command(client, id).await;
        (command.completed_count() == command.target_count()).then_some(command)
    })
    .await
}

pub(crate) async fn details(client: &Client, id: &str) -> Vec<String> {
    let found = client.list_command_invocations().command_id(id).send().await.unwrap();
    found.command_invocations().iter().map(|i| i.status_details().unwrap().to_owned()).collect()
}

/// An agent that tells its process and waits until somebody writes a line to the gate.
pub(crate) fn gated(dir: &Path) -> PathBuf {
    let gate = dir.join("gate");
    nix::unistd::mkfifo(&gate, Mode::S_IRWXU).unwrap();
    agent(dir, &format!("echo begun; read line < {}", gate.display()));
    gate
}

/// Lets one waiting agent go. It is the writer that waits for the reader.
pub(crate) async fn open(gate: &Path) {
    tokio::fs::write(gate, "go\n").await.unwrap();
}

#[tokio::test]
async fn concurrency_is_kept() {
    let local = three().await;
    let gate = gated(local.dir.path());
    let client = Client::new(&local.sdk);
    let id = sent(send(&client).max_concurrency("34%")).await;
    for already in 0..3 {
        let mut expected = vec!["Success"; already];
        expected.push("InProgress");
        expected.resize(3, "Pending");
        until("the next", async || (details(&client, &id).await == expected).then_some(())).await;
        assert_eq!(command(&client, &id).await.status().unwrap().as_str(), "InProgress");
        open(&gate).await;
    }
    let done = ended(&client, &id).await;
    assert_eq!((done.status().unwrap().as_str(), done.max_concurrency()), ("Success", Some("34%")));
}

#[tokio::test]
async fn too_many_errors_end_a_command() {
    let local = three().await;
    agent(local.dir.path(), "[ $AWS_SSM_INSTANCE_ID = i-local000000000003 ] || exit 1");
    let client = Client::new(&local.sdk);
    for (max_errors, expected, status, errors) in [
        (None, ["Failed", "Terminated", "Terminated"], ("Failed", "Failed"), 1),
        (Some("1"), ["Failed", "Failed", "Terminated"], ("Failed", "Failed"), 2),
        (Some("2"), ["Failed", "Failed", "Success"], ("Failed", "Incomplete"), 2),
    ] {
        let send = send(&client).max_concurrency("1").set_max_errors(max_errors.map(str::to_owned));
        let id = sent(send).await;
        let done = ended(&client, &id).await;
        assert_eq!(details(&client, &id).await, expected, "{max_errors:?}");
        assert_eq!((done.status().unwrap().as_str(), done.status_details().unwrap()), status);
        assert_eq!((done.error_count(), done.completed_count(), done.target_count()), (errors, 3, 3));
    }
}

#[tokio::test]
async fn what_is_pending_is_cancelled_at_once() {
    let local = three().await;
    let gate = gated(local.dir.path());
    let client = Client::new(&local.sdk);
    let id = sent(send(&client).max_concurrency("1")).await;
    until("the first", async || (details(&client, &id).await[0] == "InProgress").then_some(())).await;
    client.cancel_command().command_id(&id).instance_ids(SECOND).send().await.unwrap();
    assert_eq!(details(&client, &id).await, ["InProgress", "Cancelled", "Pending"]);
    open(&gate).await;
    // The first may still have the gate open, and would take the line of the third.
    until("the third", async || {
        (details(&client, &id).await == ["Success", "Cancelled", "InProgress"]).then_some(())
    })
    .await;
    open(&gate).await;
    let done = ended(&client, &id).await;
    assert_eq!(details(&client, &id).await, ["Success", "Cancelled", "Success"]);
    assert_eq!(done.status().unwrap().as_str(), "Cancelled");
    // Of what has ended, nothing can be cancelled.
    client.cancel_command().command_id(&id).send().await.unwrap();
    assert_eq!(details(&client, &id).await, ["Success", "Cancelled", "Success"]);
}

#[tokio::test]
async fn what_runs_is_stopped_with_all_its_processes() {
    let local = start_with(|_| {}).await;
    let dir = local.dir.path();
    let client = Client::new(&local.sdk);
    let send = || {
        let send = client.send_command().document_name("rsqlflow-run-job").instance_ids(FIRST);
        send.set_parameters(Some(parameters()))
    };
    // The first ends as it is asked to; the second, and a child of it, must be killed.
    for (number, script) in [
        "trap 'echo asked; exit 0' TERM; echo $$ > pids.new; mv pids.new pids; while :; do read -t 1 < gate; done",
        "trap '' TERM; (while :; do read -t 60 < gate; done) & \
         echo $$ $! > pids.new; mv pids.new pids; wait; while :; do read -t 60 < gate; done",
    ]
    .into_iter()
    .enumerate()
    {
        let work = dir.join(number.to_string());
        std::fs::create_dir(&work).unwrap();
        nix::unistd::mkfifo(&work.join("gate"), Mode::S_IRWXU).unwrap();
        agent(dir, &format!("cd {}; exec 3<> gate; {script}", work.display()));
        let id = sent(send()).await;
        let pids = until("the process", async || std::fs::read_to_string(work.join("pids")).ok()).await;
        client.cancel_command().command_id(&id).send().await.unwrap();
        let now = details(&client, &id).await;
        assert!(now == ["Cancelling"] || now == ["Cancelled"], "{now:?}");
        let done = finished(&client, &id, FIRST).await;
        assert_eq!((done.status().unwrap().as_str(), done.response_code()), ("Cancelled", -1));
        if number == 0 {
            assert_eq!(done.standard_output_content(), Some("asked\n"));
        }
        for pid in pids.split_whitespace() {
            // A killed process that nobody has reaped yet is gone, too.
            until("the processes' end", async || {
                let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"));
                stat.map_or(true, |stat| stat.contains(") Z ")).then_some(())
            })
            .await;
        }
    }
}

#[tokio::test]
async fn lists_have_filters_details_and_pages() {
    let local = three().await;
    agent(local.dir.path(), "echo out; echo err >&2; [ $AWS_SSM_INSTANCE_ID != i-local000000000002 ]");
    let client = Client::new(&local.sdk);
    let mut ids = Vec::new();
    for number in 0..3 {
        let id = sent(send(&client).comment(format!("number {number}")).max_errors("3")).await;
        ended(&client, &id).await;
        ids.insert(0, id);
    }
    let listed = client.list_commands().send().await.unwrap();
    let found: Vec<_> = listed.commands().iter().map(|c| c.command_id().unwrap()).collect();
    assert_eq!(found, ids, "the newest first");

    let filter = |key, value: &str| CommandFilter::builder().key(key).value(value).build().unwrap();
    let commands =
        async |filter| client.list_commands().filters(filter).send().await.unwrap().commands().len();
    assert_eq!(commands(filter(CommandFilterKey::Status, "Incomplete")).await, 3);
    assert_eq!(commands(filter(CommandFilterKey::Status, "Success")).await, 0);
    assert_eq!(commands(filter(CommandFilterKey::ExecutionStage, "Complete")).await, 3);
    assert_eq!(commands(filter(CommandFilterKey::ExecutionStage, "Executing")).await, 0);
    assert_eq!(commands(filter(CommandFilterKey::DocumentName, "rsqlflow-run-job")).await, 3);
    assert_eq!(commands(filter(CommandFilterKey::InvokedAfter, "2021-07-07T00:00:00Z")).await, 3);
    assert_eq!(commands(filter(CommandFilterKey::InvokedBefore, "2021-07-07T00:00:00Z")).await, 0);
    let failed = || client.list_command_invocations().filters(filter(CommandFilterKey::Status, "Failed"));
    assert_eq!(failed().send().await.unwrap().command_invocations().len(), 3);

    let stage = client.list_command_invocations();
    let stage = stage.filters(filter(CommandFilterKey::ExecutionStage, "Complete")).send().await.unwrap_err();
    assert_eq!(code(&stage), "InvalidFilterKey");

    // Pages of two out of nine, and one instance's invocations.
    let (mut seen, mut token) = (Vec::new(), None);
    loop {
        let page = client.list_command_invocations().max_results(2).set_next_token(token);
        let page = page.send().await.unwrap();
        seen.extend(
            page.command_invocations()
                .iter()
                .map(|i| (i.command_id().unwrap().to_owned(), i.instance_id().unwrap().to_owned())),
        );
        token = page.next_token().map(str::to_owned);
        if token.is_none() {
            break;
        }
    }
    let all: Vec<_> = ids
        .iter()
        .flat_map(|id| [FIRST, SECOND, THIRD].map(|instance| (id.clone(), instance.to_owned())))
        .collect();
    assert_eq!(seen, all);
    let pages = client.list_commands().max_results(2).send().await.unwrap();
    let rest = client.list_commands().next_token(pages.next_token().unwrap()).send().await.unwrap();
    assert_eq!((pages.commands().len(), rest.commands().len()), (2, 1));
    let one = client.list_command_invocations().instance_id(SECOND).details(true).send().await.unwrap();
    assert_eq!(one.command_invocations().len(), 3);
    let plugin = &one.command_invocations()[0].command_plugins()[0];
    assert_eq!((plugin.name(), plugin.response_code()), (Some("runJob"), 1));
    assert_eq!(plugin.output(), Some("out\n\n----------ERROR-------\nerr\n"));
    assert!(seen.len() == 9 && pages.commands()[0].comment() == Some("number 2"));

    let unknown = "00000000-0000-0000-0000-000000000000";
    let empty = client.list_command_invocations().command_id(unknown).send().await.unwrap();
    assert!(empty.command_invocations().is_empty());
    let cancel = client.cancel_command().command_id(unknown).send().await.unwrap_err();
    assert_eq!(code(&cancel), "InvalidCommandId");
    let other = client.cancel_command().command_id(&ids[0]).instance_ids("i-0123456789abcdef0");
    assert_eq!(code(&other.send().await.unwrap_err()), "InvalidInstanceId");
    let token = client.list_commands().next_token("forged").send().await.unwrap_err();
    assert_eq!(code(&token), "InvalidNextToken");
    let short = client.list_commands().command_id("short").send().await.unwrap_err();
    assert_eq!(code(&short), "ValidationException");
}

#[tokio::test]
async fn the_document_is_described() {
    let local = start_with(|_| {}).await;
    let client = Client::new(&local.sdk);
    let name = "rsqlflow-run-job";
    let own = |owner: &str| DocumentKeyValuesFilter::builder().key("Owner").values(owner).build();
    let listed = client.list_documents().filters(own("Self")).send().await.unwrap();
    assert_eq!(listed.document_identifiers()[0].name(), Some(name));
    assert!(
        client
            .list_documents()
            .filters(own("Amazon"))
            .send()
            .await
            .unwrap()
            .document_identifiers()
            .is_empty()
    );
    let described = client.describe_document().name(name).send().await.unwrap();
    let parameters: Vec<_> =
        described.document().unwrap().parameters().iter().map(|p| p.name().unwrap()).collect();
    assert_eq!(parameters, ["ExecutionId", "JobId", "Attempt", "Digest"]);
    let got = client.get_document().name(name).send().await.unwrap();
    let content: serde_json::Value = serde_json::from_str(got.content().unwrap()).unwrap();
    assert_eq!(content["parameters"]["Attempt"]["allowedPattern"], "^[0-9]{1,9}$");
    assert_eq!(
        content["mainSteps"][0]["inputs"]["runCommand"][0],
        "rsqlflow-agent run --execution-id '{{ ExecutionId }}' --job-id '{{ JobId }}' --attempt '{{ Attempt }}' \
         --digest '{{ Digest }}'"
    );
    assert_eq!(code(&client.get_document().name("other").send().await.unwrap_err()), "InvalidDocument");
}
