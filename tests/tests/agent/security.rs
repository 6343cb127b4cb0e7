//! What a row and a script cannot do.

use std::os::unix::fs::PermissionsExt;

use aws_sdk_dynamodb::types::AttributeValue;

use super::*;

async fn change_row(world: &World, id: &ExecutionId, set: &str, value: AttributeValue) {
    aws_sdk_dynamodb::Client::new(&world.sdk)
        .update_item()
        .table_name(&world.deployment.tables.job_audit)
        .key("workflow_execution_id", AttributeValue::S(id.to_string()))
        .key("job_id", AttributeValue::S(JobId::new(0, 0).to_string()))
        .update_expression(format!("SET {set} = :value"))
        .expression_attribute_values(":value", value)
        .send()
        .await
        .unwrap();
}

/// The digest that the launcher has sent with the last command.
async fn sent_digest(world: &World) -> String {
    let client = aws_sdk_ssm::Client::new(&world.sdk);
    let commands = client.list_commands().send().await.unwrap().commands.unwrap_or_default();
    commands[0].parameters().unwrap()["Digest"][0].clone()
}

#[tokio::test]
async fn only_what_was_planned_is_run() {
    let text = |text: &str| AttributeValue::S(text.to_owned());
    for (set, value) in [
        ("job.script", text("other.sh")),
        ("job.args", AttributeValue::L(vec![text("x")])),
        ("job.env", AttributeValue::M([("A".to_owned(), text("x"))].into())),
        ("job.secret", text("other")),
        ("workflow_id", text("other")),
    ] {
        let world = held().await;
        let gate = world.gate("wait.sh");
        gate.open();
        world.script("other.sh", "true");
        let id = begin(&world, "wait.sh", LONG).await;
        change_row(&world, &id, set, value).await;
        let digest = sent_digest(&world).await;
        let mut agent = world.agent_for(&world.url, &id, 1);
        let status = agent.args(["--digest", &digest]).status().await.unwrap();
        assert_eq!(status.code(), Some(0));
        let run = world.end(&id).await;
        assert_eq!(run.statuses(), [Failed], "{set}");
        assert!(run.message(0).contains("not the one that was planned"), "{set}: {}", run.message(0));
        assert_eq!(gate.starts(), 0, "{set}");
    }
}

#[tokio::test]
async fn the_digest_of_a_row_that_nobody_touched_is_the_planned_one() {
    let world = held().await;
    let gate = world.gate("wait.sh");
    gate.open();
    let job = json!({ "script": "wait.sh", "heartbeat": LONG, "args": ["ü", "{{ ds }}"], "env": { "A": "1" },
        "retry_backoff": 1.5, "linger": 3 });
    world.put_stage("w", "sequential", json!([job])).await;
    let id = world.begin("w").await;
    world.reach(&id, 0, Triggered).await;
    let digest = sent_digest(&world).await;
    let status = world.agent_for(&world.url, &id, 1).args(["--digest", &digest]).status().await.unwrap();
    assert_eq!(status.code(), Some(0));
    assert_eq!(world.end(&id).await.statuses(), [Completed]);
}

/// A user that every machine has.
const USER: &str = "daemon";

#[tokio::test]
async fn a_script_of_another_user_has_no_way_back_and_no_credentials_of_the_instance() {
    if !nix::unistd::geteuid().is_root() {
        eprintln!("left out: only root can start a script as another user");
        return;
    }
    let world = World::start().await;
    for dir in [world.file("x").parent().unwrap().to_owned(), world.scripts()] {
        std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o777)).unwrap();
    }
    world.set_agent("run_as", &format!("{USER:?}"));
    world.script(
        "look.sh",
        "grep -E '^(NoNewPrivs|CapBnd|CapEff):' /proc/self/status\n\
         echo user $(id -un) $$\n\
         (exec 3<>/dev/tcp/169.254.169.254/80) 2>&1\n\
         for pid in /proc/[0-9]*; do [[ $(stat -c %U $pid 2>/dev/null) == $(id -un) ]] || continue\n\
         tr '\\0' '\\n' < $pid/environ 2>/dev/null | grep ^RSQLFLOW_JOB_ID; done | sort -u",
    );
    let gate = world.gate("wait.sh");
    world.put_stage("w", "parallel", json!([{ "script": "wait.sh" }])).await;
    let other = world.begin("w").await;
    gate.started(1).await;
    world
        .put_stage(
            "v",
            "sequential",
            json!([{ "script": "look.sh", "job_name": "look" }, { "script": "look.sh" }]),
        )
        .await;
    let id = world.begin("v").await;
    let run = world.end(&id).await;
    assert_eq!(run.statuses(), [Completed, Completed]);
    let log = world.log(&run.jobs[1]).await.join("\n");
    assert!(log.contains("NoNewPrivs:\t1"), "{log}");
    assert!(log.contains("CapBnd:\t0000000000000000"), "{log}");
    assert!(log.contains("CapEff:\t0000000000000000"), "{log}");
    assert!(log.contains(&format!("user {USER}")), "{log}");
    assert!(log.contains("Operation not permitted"), "the metadata service: {log}");
    assert!(log.contains("RSQLFLOW_JOB_ID=0000#00001"), "it sees its own: {log}");
    assert!(!log.contains("RSQLFLOW_JOB_ID=0000#00000"), "it does not see the other job's: {log}");
    gate.open();
    world.end(&other).await;
}
