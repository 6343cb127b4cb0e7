//! What `Change::apply` makes of a row, the conditional write makes of an item, and what the one refuses the other
//! refuses. Through the AWS SDK, against the embedded endpoint.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use std::cell::Cell;

use aws_sdk_dynamodb::Client;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use rsqlflow_core::plan::ResolvedJob;
use rsqlflow_core::protocol::arbitrary::{change, state};
use rsqlflow_core::protocol::{Change, Contract, Incompatible, JobStatus, Outcome};
use rsqlflow_core::{Deployment, ErrorName, ExecutionId, JobId, Timestamp, WorkflowId, WorkflowStatus};
use rsqlflow_local::{Endpoint, Options};
use rsqlflow_store::{
    ChangeError, Closed, JobRow, JobStanding, Lock, Note, Notification, Opened, RunEnd, Store, StoreError,
    Try, WorkflowRow,
};

/// Each case is two requests; the sets of values are small, so this many cover them well.
const CASES: u32 = 1_500;

struct Tables {
    runtime: tokio::runtime::Runtime,
    store: Store,
    // Ends when it is dropped, with its directory after it.
    _endpoint: Endpoint,
    _dir: tempfile::TempDir,
}

fn tables() -> Tables {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let endpoint = runtime
        .block_on(Endpoint::start(Options {
            port: 0,
            state_dir: dir.path().join("state"),
            instances: 1,
            agent_binary: "/bin/true".into(),
            script_dir: dir.path().to_owned(),
            paused: false,
            warehouses: Vec::new(),
            drop_statement_events: false,
            authenticate: true,
            deployment: Deployment::default(),
        }))
        .unwrap();
    let store = Store::new(Client::new(&endpoint.sdk_config()), endpoint.deployment().tables.clone());
    Tables { runtime, store, _endpoint: endpoint, _dir: dir }
}

fn job() -> ResolvedJob {
    serde_json::from_value(serde_json::json!({
        "job_name": "load.sh", "script": "load.sh", "args": ["a b", "$(c)"], "env": {"A": "ü"},
        "timeout": 3600, "heartbeat": 180, "retries": 2, "retry_delay": 60, "retry_backoff": 1.5,
        "ok_exit_codes": [0, 4], "on_lost": "rerun",
    }))
    .unwrap()
}

fn row(position: u32) -> JobRow {
    JobRow::handed_out(
        ExecutionId::new("e1").unwrap(),
        WorkflowId::new("nightly \"load\"").unwrap(),
        JobId::new(0, position),
        job(),
    )
}

#[test]
fn a_change_is_written_as_it_is_applied() {
    let tables = tables();
    let jobs = tables.store.jobs();
    let (position, made) = (Cell::new(0), Cell::new(0));
    let mut runner = TestRunner::new(Config { cases: CASES, failure_persistence: None, ..Config::default() });
    runner
        .run(&(state(), change()), |(state, change)| {
            position.set(position.get() + 1);
            let mut before = row(position.get());
            before.state = state.clone();
            let (id, job) = (&before.workflow_execution_id.clone(), before.job_id);
            let written = tables.runtime.block_on(async {
                jobs.hand_out(&before).await.unwrap();
                jobs.change(id, job, &change, Note::new()).await
            });
            match (change.apply(&state), written) {
                (Ok(expected), Ok(row)) => {
                    made.set(made.get() + 1);
                    prop_assert_eq!(&row.state, &expected);
                    let read = tables.runtime.block_on(jobs.get(id, job)).unwrap().unwrap();
                    prop_assert_eq!(read, row);
                }
                // A change that finds itself made already is answered as made.
                (Err(_), Ok(row)) => {
                    prop_assert!(change.is_already_in(&state), "{:?} was made on {:?}", change, state);
                    prop_assert_eq!(&row.state, &state);
                }
                (Err(_), Err(ChangeError::Refused(row))) => prop_assert_eq!(*row, before),
                (Err(_), Err(ChangeError::Impossible(_))) => {}
                (expected, written) => {
                    prop_assert!(false, "apply: {:?}, written: {:?}", expected, written.map(|r| r.state));
                }
            }
            Ok(())
        })
        .unwrap();
    let made = made.get();
    assert!(made > CASES / 50, "only {made} of {CASES} changes fitted their rows");
}

#[test]
fn a_job_that_is_not_there_is_gone() {
    let tables = tables();
    let change = Change::RequestCancel;
    let id = ExecutionId::new("e2").unwrap();
    let answer =
        tables.runtime.block_on(tables.store.jobs().change(&id, JobId::new(0, 0), &change, Note::new()));
    assert!(matches!(answer, Err(ChangeError::Gone { .. })), "{answer:?}");
}

#[test]
fn rows_are_handed_out_once_noted_and_listed_in_plan_order() {
    let tables = tables();
    let jobs = tables.store.jobs();
    let id = &ExecutionId::new("e1").unwrap();
    tables.runtime.block_on(async {
        for position in [2, 0, 1] {
            jobs.hand_out(&row(position)).await.unwrap();
        }
        let at = Timestamp::from_millis(1_795_241_700_123);
        let tries = [Try {
            start_ts: at,
            end_ts: at,
            exit_code: Some(3),
            error_message: Some("x".to_owned()),
            note: None,
        }];
        let note = || {
            Note::new()
                .start(at)
                .end(at)
                .instance("i-1")
                .command("c-1")
                .log("g", "s")
                .log_end(7, None)
                .tries(&tries)
        };
        assert!(!jobs.note(id, JobId::new(0, 1), Some(1), note()).await.unwrap(), "the row is in attempt 0");
        assert!(jobs.note(id, JobId::new(0, 1), Some(0), note()).await.unwrap());
        jobs.hand_out(&row(1)).await.unwrap();

        let outcome = Outcome::without_exit(JobStatus::Cancelled, "not started: its run was stopped");
        let close = Change::CloseUnclaimed { from: JobStatus::Pending, attempt: 0, outcome };
        jobs.change(id, JobId::new(0, 2), &close, Note::new()).await.unwrap();

        let listed = jobs.all_summaries(id).await.unwrap();
        assert!(listed[2].state.error_message.is_some());
        assert_eq!(listed.iter().map(|j| j.job_id.position).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(listed[1].tries, tries, "handing out again has not overwritten the row");
        assert_eq!(listed[1].execution_start_ts, Some(at));
        let some = jobs.standings(id, JobId::new(0, 1)..=JobId::new(0, 2)).await.unwrap();
        assert_eq!(some.iter().map(|j| j.job_id.position).collect::<Vec<_>>(), [1, 2]);
        let all = jobs.all_standings(id).await.unwrap();
        assert_eq!(all.len(), listed.len());
        for (standing, row) in all.into_iter().zip(&listed) {
            let JobStanding { job_id, job_name, status, attempt: _, error_message, expires_at } = standing;
            assert_eq!(expires_at, None, "an open run keeps its rows");
            assert_eq!((job_id, &job_name), (row.job_id, &row.job_name));
            assert_eq!((status, &error_message), (row.state.status, &row.state.error_message));
        }
        assert_eq!(jobs.get(id, JobId::new(0, 1)).await.unwrap().unwrap().log_bytes, Some(7));
    });
}

#[test]
fn a_run_is_opened_and_closed_once_and_a_lock_has_one_holder() {
    let tables = tables();
    let runs = tables.store.workflows();
    let (a, b) = (ExecutionId::new("run-a").unwrap(), ExecutionId::new("run-b").unwrap());
    let workflow = WorkflowId::new("nightly").unwrap();
    let at = Timestamp::from_millis(1_795_241_700_123);
    tables.runtime.block_on(async {
        let mut row = WorkflowRow {
            workflow_execution_id: a.clone(),
            workflow_id: workflow.clone(),
            execution_status: WorkflowStatus::Running,
            execution_start_ts: at,
            execution_end_ts: None,
            rsql_jobs: Some(vec!["x".to_owned()]),
            job_counts: None,
            error_message: None,
            state_machine_execution_arn: None,
            closing_since: None,
            restarted_from: None,
            parameters: [("day".to_owned(), "1".to_owned())].into(),
            not_delivered: None,
            notification: None,
            checked_at: None,
            expires_at: None,
        };
        assert_eq!(runs.open(&row).await.unwrap(), Opened::New);
        assert_eq!(runs.open(&row).await.unwrap(), Opened::Existing(Box::new(row.clone())));

        assert_eq!(runs.take_lock(&workflow, &a, at).await.unwrap(), Lock::Taken);
        assert_eq!(
            runs.take_lock(&workflow, &a, at).await.unwrap(),
            Lock::Taken,
            "a second call by the holder"
        );
        let held = Lock::HeldBy { holder: a.clone(), since: at };
        assert_eq!(runs.take_lock(&workflow, &b, at).await.unwrap(), held);
        runs.release_lock(&workflow, &b).await.unwrap();
        assert_eq!(runs.take_lock(&workflow, &b, at).await.unwrap(), held, "only the holder gives it back");
        assert!(runs.take_over_lock(&workflow, &a, &b, at).await.unwrap());
        assert!(!runs.take_over_lock(&workflow, &a, &a, at).await.unwrap());
        runs.release_lock(&workflow, &b).await.unwrap();
        assert_eq!(runs.take_lock(&workflow, &a, at).await.unwrap(), Lock::Taken);

        let counts: std::collections::BTreeMap<String, u32> = [("Failed".to_owned(), 1)].into();
        let end = RunEnd {
            status: WorkflowStatus::Failed,
            error_message: Some("why".to_owned()),
            job_counts: counts.clone(),
            at,
            notify: true,
            expires_at: Some(1_800_000_000),
        };
        assert_eq!(runs.close(&a, &end).await.unwrap(), Closed::Now);
        assert_eq!(runs.close(&a, &end).await.unwrap(), Closed::Now, "the answer of the first was lost");
        row.execution_status = WorkflowStatus::Failed;
        row.execution_end_ts = Some(at);
        row.error_message = Some("why".to_owned());
        row.job_counts = Some(counts.clone());
        row.notification = Some(Notification::Due);
        row.expires_at = Some(1_800_000_000);
        let other = RunEnd { status: WorkflowStatus::Completed, ..end.clone() };
        assert_eq!(runs.close(&a, &other).await.unwrap(), Closed::Before(Box::new(row.clone())));
        assert!(runs.close(&b, &end).await.is_err(), "there is no such row");
        assert_eq!(runs.get(&a).await.unwrap(), Some(row));
        assert_eq!(runs.of_workflow(&workflow, 5).await.unwrap().len(), 1, "locks are not runs");
    });
}

#[test]
fn a_row_of_another_contract_is_refused_and_can_still_be_closed() {
    let tables = tables();
    let jobs = tables.store.jobs();
    let id = &ExecutionId::new("e1").unwrap();
    let job = JobId::new(0, 7);
    let newer = Contract(Contract::NEWEST.0 + 1);
    let mut row = JobRow { contract: newer, ..row(7) };
    row.state.status = JobStatus::Triggered;
    row.state.attempt = 1;
    let failed = |message: &str| Outcome {
        error_name: Some(ErrorName::AgentTooOld),
        ..Outcome::without_exit(JobStatus::Failed, message)
    };
    tables.runtime.block_on(async {
        jobs.hand_out(&row).await.unwrap();
        let answer = jobs.get(id, job).await;
        assert!(
            matches!(&answer, Err(StoreError::Incompatible { reason: Incompatible::TooNew(found), .. }) if *found == newer),
            "{answer:?}"
        );
        assert_eq!(jobs.close_unread(id, job, 2, &failed("why"), Note::new()).await.unwrap(), None);
        let closed = jobs.close_unread(id, job, 1, &failed("why"), Note::new()).await.unwrap().unwrap();
        assert_eq!(closed.outcome(), Some(failed("why")));
        let again = jobs.close_unread(id, job, 1, &failed("why"), Note::new()).await.unwrap();
        assert_eq!(again, Some(closed), "the answer may have been lost");
        assert_eq!(jobs.close_unread(id, job, 1, &failed("other"), Note::new()).await.unwrap(), None);
    });
}
