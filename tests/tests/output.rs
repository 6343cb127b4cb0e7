//! What scripts write, however they write it.

use rsqlflow_core::protocol::JobStatus;
use rsqlflow_tests::{World, eventually};
use serde_json::json;

#[tokio::test]
async fn lines_are_there_while_the_script_runs() {
    let world = World::start().await;
    let go = world.file("go");
    world.script(
        "wait.sh",
        &format!("echo first; until [[ -e '{}' ]]; do sleep 0.05; done; echo last", go.display()),
    );
    world.put_stage("w", "sequential", json!(["wait.sh"])).await;
    let id = world.begin("w").await;
    eventually("the first line, while the script runs", async || {
        let row = world.job(&id, 0, 0).await?;
        row.log_stream.as_ref()?;
        let jobs = world.store.jobs().all_summaries(&id).await.unwrap();
        let client = aws_sdk_cloudwatchlogs::Client::new(&world.sdk);
        let page = client
            .get_log_events()
            .log_group_name(jobs[0].log_group.clone()?)
            .log_stream_name(jobs[0].log_stream.clone()?)
            .start_from_head(true)
            .send()
            .await
            .ok()?;
        page.events().iter().any(|e| e.message() == Some("first")).then_some(())
    })
    .await;
    std::fs::write(go, "").unwrap();
    let run = world.end(&id).await;
    assert_eq!(world.log(&run.jobs[0]).await, ["first", "last"]);
}

#[tokio::test]
async fn bytes_that_are_no_text_lose_nothing_around_them() {
    let world = World::start().await;
    world.script("bytes.sh", r"printf 'before\n\xff\xfe bad \xc3\nafter'");
    world.put_stage("w", "sequential", json!(["bytes.sh"])).await;
    let run = world.run("w").await;
    assert!(run.completed(), "{run:?}");
    let log = world.log(&run.jobs[0]).await;
    assert_eq!(log.len(), 3, "{log:?}");
    assert_eq!(
        (log[0].as_str(), log[2].as_str()),
        ("before", "after"),
        "a last line without an end is a line"
    );
    assert!(log[1].contains(" bad ") && log[1].contains('\u{fffd}'), "{log:?}");
}

#[tokio::test]
async fn a_line_of_10_mb_arrives_in_pieces() {
    const BYTES: usize = 10 * 1024 * 1024;
    let world = World::start().await;
    world.script("long.sh", &format!("head -c {BYTES} /dev/zero | tr '\\0' x; echo; echo end"));
    world.put_stage("w", "sequential", json!(["long.sh"])).await;
    let run = world.run("w").await;
    assert!(run.completed(), "{run:?}");
    let log = world.log(&run.jobs[0]).await;
    assert_eq!(log.last().map(String::as_str), Some("end"));
    assert_eq!(log.iter().map(String::len).sum::<usize>(), BYTES + "end".len());
}

#[tokio::test]
async fn fifty_megabytes_of_lines_arrive_whole() {
    const LINES: usize = 500_000;
    let world = World::start().await;
    // 100 bytes a line, its end included.
    world.script("much.sh", &format!("seq 1 {LINES} | awk '{{ printf \"%-99d\\n\", $1 }}'"));
    world.put_stage("w", "sequential", json!(["much.sh"])).await;
    let run = world.run("w").await;
    assert!(run.completed(), "{run:?}");
    let row = world.job(&run.workflow.workflow_execution_id, 0, 0).await.unwrap();
    assert_eq!(row.log_bytes, Some(100 * LINES as u64));
    assert_eq!(row.log_complete, Some(true));
    let log = world.log(&run.jobs[0]).await;
    assert_eq!(log.len(), LINES);
    for (i, line) in log.iter().enumerate() {
        assert_eq!(line.trim_end(), (i + 1).to_string());
    }
}

#[tokio::test]
async fn a_grandchild_that_holds_the_output_holds_nothing_up() {
    let world = World::start().await;
    let mark = format!("8{}", std::process::id());
    world.script("leak.sh", &format!("sleep {mark} & setsid sleep {mark} & echo done"));
    world.put_stage("w", "sequential", json!(["leak.sh"])).await;
    let run = world.run("w").await;
    assert_eq!(run.statuses(), [JobStatus::Completed]);
    let note = "rsqlflow: ended 2 processes that the script had left running";
    assert_eq!(world.log(&run.jobs[0]).await, ["done", note]);
    assert_eq!(World::processes(&format!("sleep {mark}")), [] as [i32; 0], "what it left behind is ended");
}
