use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::config::arbitrary::{nearly_valid, workflow};
use crate::config::{MAX_JOBS, OnFailure, OnLost, Target, Warehouse};
use crate::{ExecutionId, JobId, Problems, Seconds, Timestamp, Timing};

/// 2026-11-21T23:30:00Z: already the 22nd in Berlin.
const LATE: i64 = 1_795_303_800_000;

fn defaults() -> DeploymentDefaults {
    let target = Target::InstanceIds(vec!["i-0".into()]);
    DeploymentDefaults {
        target: Some(target),
        secret: Some("deployment".into()),
        ..DeploymentDefaults::default()
    }
}

fn with_warehouses() -> DeploymentDefaults {
    let warehouses = ["night", "W-1"].map(|name| (name.to_owned(), warehouse())).into();
    DeploymentDefaults { warehouses, ..defaults() }
}

fn warehouse() -> Warehouse {
    Warehouse {
        cluster: None,
        workgroup: Some("etl".into()),
        database: "dev".into(),
        secret: Some("redshift".into()),
        db_user: None,
    }
}

fn take_with(
    item: &Value,
    parameters: Option<&Value>,
    defaults: &DeploymentDefaults,
) -> Result<(Snapshot, Plan), Problems> {
    let trigger = Trigger {
        execution_id: &ExecutionId::new("run-1").unwrap(),
        now: Timestamp::from_millis(LATE),
        parameters,
        defaults,
        timing: &Timing::default(),
    };
    Snapshot::take(item, trigger)
}

fn take(item: &Value) -> Result<(Snapshot, Plan), Problems> {
    take_with(item, None, &defaults())
}

/// A workflow of parallel stages, given for each job whether it runs.
fn flagged(stages: &[Vec<bool>]) -> Value {
    let stages: Vec<Value> = stages
        .iter()
        .map(|jobs| {
            let scripts: Vec<Value> =
                jobs.iter()
                    .map(|runs| {
                        if *runs { json!("a.sh") } else { json!({ "script": "a.sh", "execution_flag": "n" }) }
                    })
                    .collect();
            json!({ "execution_type": "parallel", "scripts": scripts })
        })
        .collect();
    json!({ "workflow_id": "w", "workflow_stages": stages })
}

#[test]
fn the_nearest_setting_wins() {
    let item = json!({
        "workflow_id": "w",
        "defaults": { "secret": "workflow", "timeout": "2h", "retries": 2, "on_lost": "rerun" },
        "workflow_stages": [
            { "secret": "stage", "target": { "tags": { "Role": "etl" } }, "scripts": [
                { "script": "a.sh", "secret": "job", "timeout": 60, "retries": 0 },
                "b.sh",
            ] },
            { "scripts": ["c.sh"] },
        ],
    });
    let (_, plan) = take(&item).unwrap();
    let [a, b, c] = [(0, 0), (0, 1), (1, 0)].map(|(s, j)| plan.job(JobId::new(s, j)).unwrap());
    assert_eq!(
        [&a.secret, &b.secret, &c.secret].map(|s| s.as_deref().unwrap()),
        ["job", "stage", "workflow"]
    );
    assert_eq!([a.timeout, b.timeout, c.timeout].map(Seconds::get), [60, 7200, 7200]);
    assert_eq!([a.retries, b.retries, c.retries], [0, 2, 2]);
    assert_eq!(a.target, Some(Target::Tags([("Role".into(), "etl".into())].into())));
    assert_eq!(c.target, defaults().target);
    assert_eq!(c.heartbeat.get(), 180);
    assert_eq!((c.retry_delay.get(), c.retry_backoff, c.on_lost), (60, 2.0, OnLost::Rerun));
    assert!(c.is_success(0) && !c.is_success(1) && !c.is_success(-1) && !c.is_success(256));
    let (_, bare) =
        take(&json!({ "workflow_id": "w", "workflow_stages": [{ "scripts": ["a.sh"] }] })).unwrap();
    assert_eq!(bare.jobs().next().unwrap().1.secret.as_deref(), Some("deployment"));
    assert_eq!(bare.jobs().next().unwrap().1.timeout.get(), 86_400);
}

#[test]
fn templates_get_the_date_of_the_zone_and_overridden_parameters() {
    let mut item = json!({
        "workflow_id": "w",
        "time_zone": "Europe/Berlin",
        "parameters": { "schema": "public", "mode": "full" },
        "workflow_stages": [{ "scripts": [{
            "script": "a.sh",
            "args": ["{{ ds }}", "{{ts}}", "{{ schema }}.{{ mode }}", "{{{{ raw }}"],
            "env": { "WHO": "{{ workflow_id }}/{{ workflow_execution_id }}" },
        }] }],
    });
    let overrides = json!({ "schema": "{{ ds }}" });
    let (snapshot, plan) = take_with(&item, Some(&overrides), &defaults()).unwrap();
    let job = plan.job(JobId::new(0, 0)).unwrap();
    assert_eq!(job.args, ["2026-11-22", "2026-11-21T23:30:00.000Z", "{{ ds }}.full", "{{ raw }}"]);
    assert_eq!(job.env.0["WHO"], "w/run-1");
    // Kiritimati is 14 hours ahead, Hawaii 10 behind.
    for (zone, ds) in
        [("UTC", "2026-11-21"), ("Pacific/Kiritimati", "2026-11-22"), ("pacific/honolulu", "2026-11-21")]
    {
        item["time_zone"] = json!(zone);
        assert_eq!(take(&item).unwrap().0.ds, ds, "{zone}");
    }
    let restarted = snapshot.restart(ExecutionId::new("run-2").unwrap());
    let plan = Plan::from_snapshot(&restarted).unwrap();
    let job = plan.job(JobId::new(0, 0)).unwrap();
    assert_eq!(job.args[..3], ["2026-11-22", "2026-11-21T23:30:00.000Z", "{{ ds }}.full"]);
    assert_eq!(job.env.0["WHO"], "w/run-2");
    assert_eq!(restarted.restarted_from, Some(ExecutionId::new("run-1").unwrap()));
}

#[test]
fn mistakes_at_the_trigger_have_messages() {
    let mut text = String::new();
    let mut show = |item: &Value, parameters: Value, defaults: &DeploymentDefaults| {
        let problems = take_with(item, Some(&parameters), defaults).unwrap_err();
        text.push_str(&format!("{problems}\n\n"));
    };
    let with_parameters = json!({ "workflow_id": "w", "parameters": { "schema": "x", "mode": "y" } });
    show(&with_parameters, json!({ "shema": "z", "owner": "z", "mode": 3 }), &defaults());
    show(&with_parameters, json!("mode=full"), &defaults());
    show(&json!({ "workflow_id": "w" }), json!({ "mode": "full" }), &defaults());
    let homeless = DeploymentDefaults { target: None, ..defaults() };
    show(
        &json!({ "workflow_id": "w", "workflow_stages": [{ "scripts": ["a.sh", "b.sh", "c.sh"] }] }),
        json!({}),
        &homeless,
    );
    show(
        &json!({ "workflow_id": "w", "workflow_stages": [{ "scripts": [
            { "script": "a.sh", "timeout": "365d", "retries": 9 },
            { "script": "a.sh", "retries": 100, "retry_backoff": 100 },
        ] }] }),
        json!({}),
        &defaults(),
    );
    let long = json!({ "workflow_id": "w", "parameters": { "p": "x".repeat(100_000) }, "workflow_stages": [
        { "scripts": [{ "script": "a.sh", "args": ["{{ p }}{{ p }}", "{{ p }}", "{{ p }}", "{{ p }}"] }] },
    ] });
    show(&long, json!({}), &defaults());
    show(&json!({ "workflow_id": "w", "parameters": { "p": "x".repeat(300_000) } }), json!({}), &defaults());
    insta::assert_snapshot!(text);
}

#[test]
fn skipped_jobs_need_no_instance() {
    let homeless = DeploymentDefaults { target: None, ..defaults() };
    let (_, plan) = take_with(&flagged(&[vec![false, false]]), None, &homeless).unwrap();
    assert!(plan.next(None).is_none());
}

#[test]
fn a_newer_snapshot_is_refused() {
    let (mut snapshot, _) = take(&json!({ "workflow_id": "w" })).unwrap();
    snapshot.version += 1;
    insta::assert_snapshot!(
        Plan::from_snapshot(&snapshot).unwrap_err(),
        @r"
    version: 4 is newer than 3, which this program knows
    hint: deploy all functions of one version
    "
    );
}

/// Old rows meet new functions. Do not edit the text: a change of the form needs a new version and a new test.
#[test]
fn a_snapshot_of_version_1_loads() {
    let stored = r#"{
        "version": 1, "workflow_execution_id": "run-1",
        "workflow": {"workflow_id": "w", "workflow_stages": [{"scripts": ["a.sh"]}]},
        "parameters": {}, "ds": "2026-11-21", "ts": "2026-11-21T23:30:00.000Z", "time_zone": "UTC",
        "defaults": {"secret": "deployment", "target": {"instance_ids": ["i-0"]}, "heartbeat": 180, "timeout": 86400},
        "timing": {"lambda_timeout": 20000, "ssm_delivery": 30000, "agent_start": 5000, "clock_margin": 5000,
            "stop_grace": 10000, "renewal_latency": 5000, "machine_retry_delay": 60000, "queueing": 86400000}
    }"#;
    let item = json!({ "workflow_id": "w", "workflow_stages": [{ "scripts": ["a.sh"] }] });
    let (snapshot, plan) = take(&item).unwrap();
    let old = Snapshot { version: 1, ..snapshot };
    assert_eq!(serde_json::from_str::<Snapshot>(stored).unwrap(), old);
    // Chunks were smaller then.
    assert_eq!(Plan::from_snapshot(&old).unwrap(), Plan { chunk_jobs: 500, ..plan });
}

#[test]
fn a_run_is_cut_as_it_was_when_it_began() {
    let (mut snapshot, plan) = take(&flagged(&[vec![true; 1_400]])).unwrap();
    let sizes = |plan: &Plan| -> Vec<usize> {
        let at = |chunk| plan.chunk(ChunkRef { stage: 0, chunk });
        (0..).map_while(|chunk| at(chunk).map(|chunk| chunk.input().items.len())).collect()
    };
    assert_eq!(sizes(&plan), [CHUNK_JOBS, CHUNK_JOBS, 1_400 - 2 * CHUNK_JOBS]);
    snapshot.version = 2;
    assert_eq!(sizes(&Plan::from_snapshot(&snapshot).unwrap()), [500, 500, 400]);
}

/// Version 2 says which jobs a restart carries over. Do not edit the text, as above.
#[test]
fn a_snapshot_of_version_2_loads() {
    let stored = r#"{
        "version": 2, "workflow_execution_id": "run-2", "restarted_from": "run-1",
        "carried": [
            { "reason": { "why": "completed", "execution": "run-0" }, "jobs": { "0": "0-1" } },
            { "reason": { "why": "marked", "execution": "run-1", "status": "Skipped", "by": "ada", "reason": "late" },
              "jobs": { "0": "3" } },
            { "reason": { "why": "not_asked" }, "jobs": { "0": "4" } }
        ],
        "workflow": {"workflow_id": "w", "workflow_stages": [{"scripts": ["a.sh", "b.sh", "c.sh", "d.sh", "e.sh"]}]},
        "parameters": {}, "ds": "2026-11-21", "ts": "2026-11-21T23:30:00.000Z", "time_zone": "UTC",
        "defaults": {"secret": "deployment", "target": {"instance_ids": ["i-0"]}, "heartbeat": 180, "timeout": 86400},
        "timing": {"lambda_timeout": 20000, "ssm_delivery": 30000, "agent_start": 5000, "clock_margin": 5000,
            "stop_grace": 10000, "renewal_latency": 5000, "machine_retry_delay": 60000, "queueing": 86400000}
    }"#;
    let snapshot: Snapshot = serde_json::from_str(stored).unwrap();
    assert_eq!(serde_json::to_value(&snapshot).unwrap(), serde_json::from_str::<Value>(stored).unwrap());
    let plan = Plan::from_snapshot(&snapshot).unwrap();
    let reasons: Vec<Option<&str>> = plan.jobs().map(|(_, job)| job.skip_reason.as_deref()).collect();
    assert_eq!(
        reasons,
        [
            Some("completed in run-0"),
            Some("completed in run-0"),
            None,
            Some("marked Skipped in run-1 by ada: late"),
            Some("the restart did not ask for it")
        ]
    );
    assert_eq!(plan.jobs().filter(|(_, job)| !job.skip).count(), 1);
}

#[test]
fn a_chunk_is_small_and_complete() {
    let (_, plan) = take(&flagged(&[vec![true; MAX_JOBS]])).unwrap();
    let last = plan.chunk(ChunkRef { stage: 0, chunk: 14 }).unwrap().input();
    assert_eq!(last.items.len(), MAX_JOBS - 14 * CHUNK_JOBS);
    assert_eq!(last.items.last(), Some(&(9999, 0)));
    for full in (0..14).map(|chunk| plan.chunk(ChunkRef { stage: 0, chunk }).unwrap().input()) {
        assert_eq!(full.items.len(), CHUNK_JOBS);
        // The iterator's answer has a kilobyte around it.
        let text = serde_json::to_string(&full).unwrap();
        assert!(text.len() < 7 * 1024, "{} bytes", text.len());
    }
    let small = plan.chunk(ChunkRef { stage: 0, chunk: 0 }).unwrap();
    let input = ChunkInput { items: small.input().items[..2].to_vec(), ..small.input() };
    insta::assert_snapshot!(
        serde_json::to_string(&input).unwrap(),
        @r#"{"stage":0,"chunk":0,"execution_type":"parallel","max_concurrency":40,"on_failure":"finish","limits":[{"h":180,"t":172870}],"items":[[0,0],[1,0]]}"#
    );
    assert_eq!(plan.chunk(ChunkRef { stage: 0, chunk: 15 }), None);
    assert_eq!(plan.chunk(ChunkRef { stage: 0, chunk: u16::MAX }), None);
    assert!(plan.next(Some(ChunkRef { stage: u16::MAX, chunk: u16::MAX })).is_none());
}

#[test]
fn a_sequential_stage_has_no_concurrency() {
    let item =
        json!({ "workflow_id": "w", "workflow_stages": [{ "scripts": ["a.sh"], "on_failure": "continue" }] });
    let input = take(&item).unwrap().1.next(None).unwrap().input();
    assert_eq!((input.max_concurrency, input.on_failure), (1, OnFailure::Continue));
}

/// Walks a plan as the iterator does, collecting what it would run and what it would write as skipped.
fn walk(plan: &Plan) -> (Vec<JobId>, Vec<JobId>) {
    let (mut run, mut skipped) = (Vec::new(), Vec::new());
    let mut after = None;
    loop {
        let chunk = plan.next(after);
        let at = chunk.as_ref().map(|chunk| chunk.at);
        skipped.extend(plan.skipped_between(after, at).map(|(id, _)| id));
        let Some(chunk) = chunk else { return (run, skipped) };
        assert!((1..=CHUNK_JOBS).contains(&chunk.jobs.len()));
        let input = chunk.input();
        assert_eq!(input.items.len(), chunk.jobs.len());
        for ((position, k), (id, job)) in input.items.iter().zip(&chunk.jobs) {
            assert_eq!((input.stage, *position), (id.stage, id.position));
            let limit = input.limits[usize::from(*k)];
            assert_eq!((limit.h, limit.t), (job.heartbeat, job.task_timeout(&plan.timing)));
            assert!(limit.h < limit.t);
        }
        // With a heartbeat and timeout of its own for each job it is three times what it is otherwise.
        assert!(serde_json::to_string(&input).unwrap().len() < 32 * 1024);
        run.extend(chunk.jobs.iter().map(|(id, _)| *id));
        after = at;
    }
}

#[test]
fn a_limit_of_its_own_for_each_job_fits() {
    let scripts: Vec<Value> =
        (0..CHUNK_JOBS).map(|i| json!({ "script": "a.sh", "timeout": 80_000_000 / 3 + i })).collect();
    let (_, plan) =
        take(&json!({ "workflow_id": "w", "workflow_stages": [{ "scripts": scripts }] })).unwrap();
    assert_eq!(plan.next(None).unwrap().input().limits.len(), CHUNK_JOBS);
    assert_eq!(walk(&plan).0.len(), CHUNK_JOBS);
}

fn sql_problems(job: Value, parameters: Value, defaults: &DeploymentDefaults) -> Vec<String> {
    let mut item = json!({ "workflow_id": "w", "workflow_stages": [{}] });
    item["parameters"] = parameters;
    item["workflow_stages"][0]["scripts"] = Value::Array(vec![job]);
    match take_with(&item, None, defaults) {
        Ok(_) => Vec::new(),
        Err(problems) => {
            problems.iter().map(|problem| format!("{}: {}", problem.path, problem.message)).collect()
        }
    }
}

#[test]
fn sql_is_bound_when_it_is_planned_and_its_row_holds_only_a_digest() {
    let item = json!({
        "workflow_id": "w", "parameters": { "region": "it's", "table": "mart.sales" },
        "defaults": { "warehouse": "night", "secret": "scripts", "timeout": "2h" },
        "workflow_stages": [{ "scripts": [{
            "job_name": "load", "retries": 2,
            "sql": ["create table {{ table }}_{{ ds }} (a int default :region)", "insert into {{ table }} select :region, :ds; select 1"]
        }] }],
    });
    let (_, plan) = take_with(&item, None, &with_warehouses()).unwrap();
    let job = plan.job(JobId::new(0, 0)).unwrap();
    let sql = job.sql.as_ref().unwrap();
    let texts: Vec<&str> = sql.statements.iter().map(|bound| bound.sql.as_str()).collect();
    assert_eq!(
        texts,
        [
            "create table mart.sales_2026-11-21 (a int default 'it''s')",
            "insert into mart.sales select :region, :ds",
            "select 1"
        ]
    );
    assert_eq!(sql.statements[1].parameters["region"], "it's");
    assert_eq!((sql.warehouse.as_str(), &sql.at, sql.transaction), ("night", &warehouse(), true));
    assert_eq!((job.target.as_ref(), job.secret.as_ref(), job.retries), (None, None, 2));
    assert_eq!(job.heartbeat, Timing::default().statement_heartbeat());
    let row = serde_json::to_string(job).unwrap();
    assert!(!row.contains("insert") && row.contains(&sql.sha256), "{row}");
    assert_eq!(job.contract(), crate::protocol::Contract::STATEMENT);

    let mut other = item;
    other["parameters"]["region"] = json!("other");
    let (_, plan) = take_with(&other, None, &with_warehouses()).unwrap();
    assert_ne!(plan.job(JobId::new(0, 0)).unwrap().sql.as_ref().unwrap().sha256, sql.sha256);
}

#[test]
fn sql_that_cannot_run_is_refused_before_anything_starts() {
    let sql = |text: &str| json!({ "job_name": "j", "warehouse": "night", "sql": text });
    let one = |warehouses: &[&str]| DeploymentDefaults {
        warehouses: warehouses.iter().map(|name| ((*name).to_owned(), warehouse())).collect(),
        ..DeploymentDefaults::default()
    };
    let none = json!({});
    assert_eq!(sql_problems(sql("select 1"), none.clone(), &with_warehouses()), [""; 0]);
    assert_eq!(
        sql_problems(json!({ "job_name": "j", "sql": "select 1" }), none.clone(), &one(&["a"])),
        [""; 0]
    );
    let problems =
        sql_problems(json!({ "job_name": "j", "sql": "select 1" }), none.clone(), &one(&["a", "b"]));
    assert_eq!(problems.len(), 1);
    assert!(problems[0].starts_with("workflow_stages[0].scripts[0].warehouse: is missing"), "{problems:?}");
    let problems = sql_problems(json!({ "job_name": "j", "sql": "select 1" }), none.clone(), &one(&[]));
    assert!(problems[0].starts_with("workflow_stages[0].scripts[0].warehouse: is missing"), "{problems:?}");
    let problems = sql_problems(sql("select 1"), none.clone(), &one(&["nigth"]));
    assert!(problems[0].contains(r#""night" is not a warehouse of the deployment"#), "{problems:?}");
    let problems = sql_problems(sql("select :v"), json!({ "v": "" }), &with_warehouses());
    assert!(problems[0].contains(".sql: uses :v, whose value is empty"), "{problems:?}");
    let problems = sql_problems(sql("select {{ v }}"), json!({ "v": "1; drop table t" }), &with_warehouses());
    assert!(problems[0].contains(".sql: uses {{ v }}, whose value has other characters"), "{problems:?}");
    let file = json!({ "job_name": "j", "warehouse": "night", "sql": { "file": "a.sql" } });
    let problems = sql_problems(file, none, &with_warehouses());
    assert!(
        problems[0].contains(r#".sql: names the file "a.sql", whose text is not in the workflow"#),
        "{problems:?}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn every_job_is_handed_out_once(
        stages in proptest::collection::vec(
            prop_oneof![
                proptest::collection::vec(any::<bool>(), 0..30),
                (0usize..1200, 0usize..1200, 0usize..20).prop_map(|(runs, more, skips)|
                    [vec![true; runs], vec![false; skips], vec![true; more]].concat()),
            ],
            0..5,
        )
    ) {
        let (_, plan) = take(&flagged(&stages)).unwrap();
        let of = |flag: bool| -> Vec<JobId> {
            (0u16..).zip(&stages)
                .flat_map(|(s, jobs)| (0u32..).zip(jobs).map(move |(j, runs)| (JobId::new(s, j), *runs)))
                .filter(|(_, runs)| *runs == flag)
                .map(|(id, _)| id)
                .collect()
        };
        let (run, skipped) = walk(&plan);
        prop_assert_eq!(run, of(true));
        prop_assert_eq!(skipped, of(false));
    }
}

proptest! {
    #[test]
    fn a_valid_workflow_has_a_plan_that_its_snapshot_gives_again(workflow in workflow()) {
        let item = serde_json::to_value(&workflow).unwrap();
        let (snapshot, plan) = take_with(&item, None, &with_warehouses()).unwrap();
        let stored: Snapshot = serde_json::from_str(&serde_json::to_string(&snapshot).unwrap()).unwrap();
        prop_assert_eq!(&stored, &snapshot);
        prop_assert_eq!(&Plan::from_snapshot(&stored).unwrap(), &plan);
        prop_assert_eq!(plan.jobs().count(), workflow.job_count());
        walk(&plan);
        for (id, job) in plan.jobs() {
            prop_assert_eq!(plan.job(id), Some(job));
            let row = serde_json::to_value(job).unwrap();
            // All but the text of its statements, which no row holds.
            let mut shown = job.clone();
            if let Some(sql) = &mut shown.sql {
                prop_assert!(!std::mem::take(&mut sql.statements).is_empty());
            }
            prop_assert_eq!(serde_json::from_value::<ResolvedJob>(row).unwrap(), shown);
        }
    }

    #[test]
    fn no_damage_makes_planning_panic(item in nearly_valid(), parameters in crate::config::arbitrary::json()) {
        if let Ok((_, plan)) = take_with(&item, None, &with_warehouses()) {
            walk(&plan);
        }
        let _ = take_with(&item, Some(&parameters), &defaults());
    }
}
