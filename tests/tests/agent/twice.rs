//! Commands that come late or twice.

use super::*;

#[tokio::test]
async fn a_later_trys_token_is_adopted_by_the_agent_that_lives() {
    let world = held().await;
    let (gate, id, network, mut agent) = behind_a_network(&world, SHORT).await;
    let token = |row: JobRow| row.state.reply().map(|reply| reply.token.expose().to_owned());
    let first = token(world.reach(&id, 0, Running).await);
    network.fail(STATES, Fault::Cut);
    eventually("the token of a second try", async || {
        (token(world.job(&id, 0, 0).await?) != first).then_some(())
    })
    .await;
    network.restore();
    outlast_a_heartbeat(&world, &id, 0).await;
    gate.open();
    let run = world.end(&id).await;
    assert_eq!((run.statuses(), run.jobs[0].state.attempt), (vec![Completed], 1));
    assert_eq!(agent.wait().await.unwrap().code(), Some(0));
    assert_eq!(gate.starts(), 1);
    let history = world.child_history().await;
    assert_eq!(count(&history, "TaskTimedOut"), 1, "the second try was kept alive: {history:?}");
    assert_eq!(count(&history, "TaskSucceeded"), 2, "iterator and job: {history:?}");
}

#[tokio::test]
async fn a_command_that_comes_twice_starts_one_script() {
    let world = held().await;
    let gate = world.gate("wait.sh");
    let id = begin(&world, "wait.sh", LONG).await;
    let ssm = aws_sdk_ssm::Client::new(&world.sdk);
    let instance = world.instance().file_name().unwrap().to_str().unwrap().to_owned();
    let end_of = async |command: String| {
        eventually("the command's end", async || {
            let seen = ssm.get_command_invocation().command_id(&command).instance_id(&instance).send().await;
            seen.ok().filter(|seen| seen.response_code() >= 0)
        })
        .await
    };
    let held = eventually("the command's id", async || world.job(&id, 0, 0).await?.ssm_command_id).await;
    end_of(held).await;
    world.release_commands();
    let row = world.job(&id, 0, 0).await.unwrap();
    let digest = row.job.digest(&row.workflow_id, &id, row.job_id);
    let send = async || {
        ssm.send_command()
            .document_name(&world.deployment.ssm_document)
            .instance_ids(&instance)
            .parameters("ExecutionId", vec![id.to_string()])
            .parameters("JobId", vec![JobId::new(0, 0).to_string()])
            .parameters("Attempt", vec!["1".to_owned()])
            .parameters("Digest", vec![digest.clone()])
            .send()
            .await
            .unwrap()
            .command
            .and_then(|command| command.command_id)
            .unwrap()
    };
    let (one, other) = tokio::join!(send(), send());
    let (one, other) = tokio::join!(end_of(one), end_of(other));
    assert_eq!((one.response_code(), other.response_code()), (0, 0), "{one:?} {other:?}");

    // These two meet the row of whoever came first, and stay to say so.
    let mut late = [world.agent_for(&world.url, &id, 1), world.agent_for(&world.url, &id, 1)];
    let [one, other] = &mut late;
    gate.started(1).await;
    let (one, other) = tokio::join!(one.status(), other.status());
    assert_eq!((one.unwrap().code(), other.unwrap().code()), (Some(0), Some(0)));
    gate.open();
    assert!(world.end(&id).await.completed());
    assert_eq!(gate.starts(), 1);
}

#[tokio::test]
async fn two_agents_of_one_attempt_at_once_start_one_script() {
    let world = held().await;
    let gate = world.gate("wait.sh");
    gate.open();
    let id = begin(&world, "wait.sh", LONG).await;
    let mut agents = [world.agent_for(&world.url, &id, 1), world.agent_for(&world.url, &id, 1)];
    let [one, other] = &mut agents;
    let (one, other) = tokio::join!(one.status(), other.status());
    assert_eq!((one.unwrap().code(), other.unwrap().code()), (Some(0), Some(0)));
    assert!(world.end(&id).await.completed());
    assert_eq!(gate.starts(), 1);
}

#[tokio::test]
async fn a_late_command_of_an_earlier_attempt_loses() {
    let world = held().await;
    let gate = world.gate("wait.sh");
    let id = begin(&world, "wait.sh", SHORT).await;
    eventually("the second attempt", async || (world.job(&id, 0, 0).await?.state.attempt == 2).then_some(()))
        .await;
    let late = world.agent_for(&world.url, &id, 1).status().await.unwrap();
    assert_eq!(late.code(), Some(0));
    let row = world.job(&id, 0, 0).await.unwrap();
    assert_eq!((row.state.status, row.state.attempt, gate.starts()), (Triggered, 2, 0));

    let mut agent = world.agent_for(&world.url, &id, 2).spawn().unwrap();
    gate.started(1).await;
    let late = world.agent_for(&world.url, &id, 1).status().await.unwrap();
    assert_eq!(late.code(), Some(0));
    gate.open();
    let run = world.end(&id).await;
    assert_eq!((run.statuses(), run.jobs[0].state.attempt), (vec![Completed], 2));
    assert_eq!(agent.wait().await.unwrap().code(), Some(0));
    assert_eq!(gate.starts(), 1);
}
