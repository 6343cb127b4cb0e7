//! Workflow items, right and wrong, as the trigger function meets them.

use rsqlflow_core::protocol::JobStatus;
use rsqlflow_tests::World;
use serde_json::json;

#[tokio::test]
async fn an_unknown_workflow_is_refused_by_name() {
    let world = World::start().await;
    let refused = world.trigger(json!({ "workflow_id": "nightly" })).await.unwrap_err();
    assert_eq!(refused.error_type, "WorkflowNotFound");
    assert!(refused.message.contains("\"nightly\""), "{}", refused.message);
}

#[tokio::test]
async fn a_malformed_item_is_refused_with_all_its_problems() {
    let world = World::start().await;
    world
        .put(&json!({
            "workflow_id": "broken",
            "workflow_stages": [
                { "execution_type": "paralel", "scripts": ["a.sh"] },
                { "execution_type": "sequential", "scripts": ["../a.sh", "/b.sh"], "max_concurency": 3 },
                { "execution_type": "parallel", "max_concurrency": 41, "scripts": [{ "script": "c.sh", "retries": 1.5 }] },
            ],
        }))
        .await;
    let refused = world.trigger(json!({ "workflow_id": "broken" })).await.unwrap_err();
    assert_eq!(refused.error_type, "InvalidWorkflow");
    for part in [
        r#"workflow_stages[0].execution_type: "paralel" is not one of sequential, parallel"#,
        r#"hint: did you mean "parallel"?"#,
        "workflow_stages[1].scripts[0]",
        "workflow_stages[1].scripts[1]",
        "max_concurency",
        "workflow_stages[2].max_concurrency",
        "workflow_stages[2].scripts[0].retries",
    ] {
        assert!(refused.message.contains(part), "{part} is missing in:\n{}", refused.message);
    }
    let row = world.store.workflows().of_workflow(&"broken".parse().unwrap(), 1).await.unwrap();
    assert!(row.is_empty(), "nothing was started: {row:?}");
}

#[tokio::test]
async fn a_request_that_is_none_is_refused() {
    let world = World::start().await;
    for request in [
        json!({}),
        json!({ "workflow_id": 7 }),
        json!({ "workflow_id": "w", "workflow_execution_id": "a b" }),
        json!({ "workflow_id": "w", "execution_id": "x" }),
        json!({ "workflow_id": "lock#w" }),
        json!([]),
    ] {
        let refused = world.trigger(request.clone()).await.unwrap_err();
        assert_eq!(refused.error_type, "InvalidRequest", "{request}: {}", refused.message);
    }
}

#[tokio::test]
async fn nothing_to_do_is_done_at_once_and_well() {
    let world = World::start().await;
    let cases = [
        ("no-stages", json!([])),
        ("no-scripts", json!([{ "execution_type": "parallel", "scripts": [] }])),
        (
            "all-off",
            json!([
                { "execution_type": "sequential", "execution_flag": "n", "scripts": ["missing.sh"] },
                { "execution_type": "parallel", "scripts": [{ "script": "missing.sh", "execution_flag": "n" }] },
            ]),
        ),
    ];
    for (id, stages) in cases {
        world.put(&json!({ "workflow_id": id, "workflow_stages": stages })).await;
        let run = world.run(id).await;
        assert!(run.completed(), "{id}: {run:?}");
        assert!(run.statuses().iter().all(|s| *s == JobStatus::Skipped), "{id}: {run:?}");
        if id == "all-off" {
            assert_eq!(run.jobs.len(), 2, "what is skipped has its row");
        }
    }
}

#[tokio::test]
async fn the_same_script_twice_is_two_jobs() {
    let world = World::start().await;
    let marks = world.file("marks");
    world.script("twice.sh", &format!("echo mark >> '{}'", marks.display()));
    world.put_stage("twice", "sequential", json!(["twice.sh", "twice.sh"])).await;
    let run = world.run("twice").await;
    assert_eq!(run.statuses(), [JobStatus::Completed, JobStatus::Completed]);
    assert_eq!(std::fs::read_to_string(marks).unwrap(), "mark\nmark\n");
}

#[tokio::test]
async fn numbers_of_an_item_come_back_as_they_were() {
    let world = World::start().await;
    let marks = world.file("marks");
    world.script("flaky.sh", &format!("echo mark >> '{0}'; [[ $(wc -l < '{0}') -ge 3 ]]", marks.display()));
    world
        .put(&json!({
            "workflow_id": "flaky",
            "workflow_stages": [{ "execution_type": "sequential", "scripts": [
                { "script": "flaky.sh", "retries": 2, "retry_delay": 0, "retry_backoff": 1.5 }
            ] }],
        }))
        .await;
    let run = world.run("flaky").await;
    assert_eq!(run.statuses(), [JobStatus::Completed]);
    let codes: Vec<_> = run.jobs[0].tries.iter().map(|t| t.exit_code).collect();
    assert_eq!(codes, [Some(1), Some(1), Some(0)], "every try is in the row");
    assert_eq!(run.jobs[0].state.attempt, 1, "tries are within one attempt");
}

#[tokio::test]
async fn parameters_and_dates_reach_the_script() {
    let world = World::start().await;
    let out = world.file("out");
    world.script(
        "args.sh",
        &format!(
            "printf '%s\\n' \"$3\" \"$4\" \"$TABLE\" \"$RSQLFLOW_WORKFLOW_EXECUTION_ID\" > '{}'",
            out.display()
        ),
    );
    world
        .put(&json!({
            "workflow_id": "with parameters",
            "parameters": { "table": "orders", "day": "yesterday" },
            "workflow_stages": [{ "execution_type": "sequential", "scripts": [
                { "script": "args.sh", "args": ["{{ day }} $(touch /tmp/pwned) '", "{{ ds }}"], "env": { "TABLE": "{{ table }}" } }
            ] }],
        }))
        .await;
    let answer = world
        .trigger(json!({ "workflow_id": "with parameters", "workflow_execution_id": "p-1", "parameters": { "day": "today" } }))
        .await
        .unwrap();
    assert_eq!(answer["status"], "started");
    let run = world.end(&"p-1".parse().unwrap()).await;
    assert!(run.completed(), "{run:?}");
    let date = run.workflow.execution_start_ts.to_string()[..10].to_owned();
    let expected = format!("today $(touch /tmp/pwned) '\n{date}\norders\np-1\n");
    assert_eq!(std::fs::read_to_string(out).unwrap(), expected);

    let refused = world
        .trigger(json!({ "workflow_id": "with parameters", "parameters": { "dya": "x" } }))
        .await
        .unwrap_err();
    assert_eq!(refused.error_type, "InvalidWorkflow");
    assert!(refused.message.contains("did you mean \"day\"?"), "{}", refused.message);
}
