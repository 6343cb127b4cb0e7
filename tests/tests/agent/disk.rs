//! Disks and directories that cannot be used.

use super::*;

#[tokio::test]
async fn directories_that_cannot_be_used_cost_log_and_spool_and_not_the_job() {
    let world = World::start().await;
    let file = world.file("no-directory");
    std::fs::write(&file, "").unwrap();
    for setting in ["log_dir", "spool_dir"] {
        world.set_agent(setting, &format!("{file:?}"));
    }
    world.script("chatty.sh", "seq 20000");
    world.put_stage("w", "sequential", json!(["chatty.sh"])).await;
    let run = world.run("w").await;
    assert_eq!(run.statuses(), [Completed]);
    assert_eq!(run.jobs[0].state.attempt, 1);
    let row = world.job(&run.workflow.workflow_execution_id, 0, 0).await.unwrap();
    assert_eq!((row.log_complete, row.log_bytes), (Some(false), Some(108_894)));
}

#[tokio::test]
async fn a_full_disk_costs_the_log_and_not_the_job() {
    let world = World::start().await;
    // What is written there fails with ENOSPC (full(4)); a disk of its own would take root to mount.
    let logs = world.instance().join("log");
    std::fs::create_dir(logs.join("full")).unwrap();
    for file in ["agent.log", "full/0000-00000-a1.log"] {
        std::os::unix::fs::symlink("/dev/full", logs.join(file)).unwrap();
    }
    world.script("chatty.sh", "seq 20000");
    world.put_stage("w", "sequential", json!(["chatty.sh"])).await;
    world.trigger(json!({ "workflow_id": "w", "workflow_execution_id": "full" })).await.unwrap();
    let id = "full".parse().unwrap();
    assert_eq!(world.end(&id).await.statuses(), [Completed]);
    let row = world.job(&id, 0, 0).await.unwrap();
    assert_eq!((row.log_complete, row.log_bytes), (Some(false), Some(108_894)));
}

#[tokio::test]
async fn a_full_disk_costs_the_spool_and_not_the_result() {
    let world = held().await;
    let disk = world.file("disk");
    std::fs::create_dir(&disk).unwrap();
    for (setting, folder) in [("log_dir", "log"), ("spool_dir", "spool")] {
        world.set_agent(setting, &format!("{:?}", disk.join(folder)));
    }
    world.script("chatty.sh", "seq 20000");
    let id = begin(&world, "chatty.sh", LONG).await;
    let agent = world.agent_for(&world.url, &id, 1);
    let Some(mut agent) = on_a_full_disk(&agent, &disk) else {
        eprintln!("not tested: this machine allows no mount in a user namespace");
        return;
    };
    let output = agent.output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("the result is not in the spool") && said.contains("No space left"), "{said}");
    assert!(world.end(&id).await.completed());
    let row = world.job(&id, 0, 0).await.unwrap();
    assert_eq!((row.log_complete, row.log_bytes), (Some(false), Some(108_894)));
}
