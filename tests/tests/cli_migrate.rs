//! `rsqlflow migrate`, from tables that look as those of AWS's sample.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};
use rsqlflow_core::protocol::JobStatus;
use rsqlflow_core::{ExecutionId, WorkflowStatus};
use rsqlflow_tests::{World, shown};
use serde_json::{Value, json};

const CONFIG: &str = "rsql-blog-rsql-config-table";
const RUNS: &str = "rsql-blog-rsql-workflow-audit-table";
const JOBS: &str = "rsql-blog-rsql-job-audit-table";

struct Sample {
    world: World,
    client: Client,
}

impl Sample {
    /// The keys are those of the sample's CDK app.
    async fn start() -> Self {
        let world = World::start().await;
        let client = Client::new(&world.sdk);
        for (table, keys) in [
            (CONFIG, &["workflow_id"][..]),
            (RUNS, &["workflow_execution_id", "workflow_id"]),
            (JOBS, &["job_name", "workflow_execution_id"]),
        ] {
            let mut request =
                client.create_table().table_name(table).billing_mode(BillingMode::PayPerRequest);
            for (key, kind) in keys.iter().zip([KeyType::Hash, KeyType::Range]) {
                let attribute = AttributeDefinition::builder().attribute_name(*key);
                let attribute = attribute.attribute_type(ScalarAttributeType::S).build().unwrap();
                let element =
                    KeySchemaElement::builder().attribute_name(*key).key_type(kind).build().unwrap();
                request = request.attribute_definitions(attribute).key_schema(element);
            }
            request.send().await.unwrap();
        }
        Self { world, client }
    }

    async fn put(&self, table: &str, item: Value) {
        let item = item.as_object().unwrap().iter().map(|(name, value)| (name.clone(), attribute(value)));
        self.client.put_item().table_name(table).set_item(Some(item.collect())).send().await.unwrap();
    }

    async fn workflow(&self, id: &str, scripts: &[&str], flag: &str) {
        let stage = json!({ "stage_description": "Load", "execution_flag": flag, "execution_type": "sequential",
            "scripts": scripts });
        self.put(
            CONFIG,
            json!({ "workflow_id": id, "workflow_description": "d", "workflow_stages": [stage] }),
        )
        .await;
    }

    async fn run(&self, id: &str, status: &str, jobs: &[(&str, &str)]) {
        let names: Vec<&str> = jobs.iter().map(|(name, _)| *name).collect();
        let mut row = json!({ "workflow_execution_id": id, "workflow_id": "nightly", "rsql_jobs": names,
            "execution_status": status, "execution_start_ts": "11/20/2026 02:00:00" });
        if status != "running" {
            row["execution_end_ts"] = json!("11/20/2026 02:30:00");
        }
        self.put(RUNS, row).await;
        for (name, status) in jobs {
            let mut row = json!({ "job_name": name, "workflow_id": "nightly", "workflow_execution_id": id,
                "execution_status": status, "execution_start_ts": "11-20-26-02-00-05", "instance_id": "i-1",
                "ssm_command_id": "c-1" });
            if matches!(*status, "successful" | "failed") {
                row["execution_end_ts"] = json!("11-20-26-02-10-00");
            }
            if *status == "failed" {
                row["error_message"] = json!("Error Code : 42P01\n\nError Message : no such table\n");
            }
            self.put(JOBS, row).await;
        }
    }
}

fn attribute(value: &Value) -> AttributeValue {
    match value {
        Value::String(text) => AttributeValue::S(text.clone()),
        Value::Array(list) => AttributeValue::L(list.iter().map(attribute).collect()),
        Value::Object(map) => {
            AttributeValue::M(map.iter().map(|(name, value)| (name.clone(), attribute(value))).collect())
        }
        Value::Number(number) => AttributeValue::N(number.to_string()),
        Value::Bool(value) => AttributeValue::Bool(*value),
        Value::Null => AttributeValue::Null(true),
    }
}

fn fates(told: &Value) -> Vec<String> {
    let found = told["found"].as_array().unwrap().iter();
    found
        .map(|one| {
            let text = |name: &str| one[name].as_str().unwrap().to_owned();
            format!("{} {} {}", text("kind"), text("id"), text("fate"))
        })
        .collect()
}

#[tokio::test]
async fn workflows_and_history_are_taken_over_once() {
    let sample = Sample::start().await;
    sample.workflow("nightly", &["a.sh", "b.sh"], "Y").await;
    sample.workflow("odd", &["../a.sh"], "y").await;
    sample.run("monday", "successful", &[("a.sh", "successful"), ("b.sh", "successful")]).await;
    // What the sample leaves behind when a stage fails.
    sample.run("tuesday", "running", &[("a.sh", "failed"), ("b.sh", "successful")]).await;
    sample.run("today", "running", &[("a.sh", "triggered")]).await;
    sample.run("wed.1", "successful", &[("a.sh", "successful")]).await;
    let world = &sample.world;
    let expected = |fate: &str| {
        let mut all = vec![
            format!("workflow nightly {fate}"),
            "workflow odd left_out".to_owned(),
            format!("run monday {fate}"),
            format!("run tuesday {fate}"),
            "run today left_out".to_owned(),
            "run wed.1 left_out".to_owned(),
        ];
        all.sort();
        all
    };
    let sorted = |told: &Value| {
        let mut all = fates(told);
        all.sort();
        all
    };

    // A dry run says it all, and writes nothing.
    let dry = world.operator(&["migrate", "--output", "json"]).ends(1).json();
    assert_eq!((sorted(&dry), &dry["applied"]), (expected("create"), &json!(false)));
    let text = world.operator(&["migrate"]).ends(1);
    let here = format!("the state directory {}", world.state_dir().display());
    let there = "AWS in eu-west-1, profile prod";
    shown("aws.md", "rsqlflow migrate --profile prod", &text.out.replace(&here, there));
    let text =
        text.says("would create  workflow  nightly").says("LEFT OUT  run  wed.1").says("--close-open-runs");
    let _ = text.says("workflow_stages[0].scripts[0]").says("nothing was written");
    let monday = ExecutionId::new("monday").unwrap();
    assert!(world.store.workflows().get(&monday).await.unwrap().is_none());

    // Nobody can be asked here.
    let _ = world.operator(&["migrate", "--apply"]).ends(2).says("--yes");
    let did = world.operator(&["migrate", "--apply", "--yes", "--output", "json"]).ends(1).json();
    assert_eq!((sorted(&did), &did["applied"]), (expected("create"), &json!(true)));
    let again = world.operator(&["migrate", "--apply", "--yes", "--output", "json"]).ends(1).json();
    assert_eq!(sorted(&again), expected("unchanged"), "made again it changes nothing");

    let row = world.store.workflows().get(&monday).await.unwrap().unwrap();
    assert_eq!(row.execution_status, WorkflowStatus::Completed);
    assert_eq!(row.execution_start_ts.to_string(), "2026-11-20T02:00:00.000Z");
    let tuesday = ExecutionId::new("tuesday").unwrap();
    let row = world.store.workflows().get(&tuesday).await.unwrap().unwrap();
    assert_eq!(row.execution_status, WorkflowStatus::Failed);
    let jobs = world.store.jobs().all_summaries(&tuesday).await.unwrap();
    let statuses: Vec<JobStatus> = jobs.iter().map(|job| job.state.status).collect();
    assert_eq!(statuses, [JobStatus::Failed, JobStatus::Completed]);
    assert!(jobs[0].state.error_message.as_ref().unwrap().contains("no such table"));

    // The other commands know it all.
    let history = world.operator(&["history", "nightly", "--output", "json"]).ends(0).json();
    assert_eq!(history["runs"].as_array().unwrap().len(), 2);
    let _ = world.operator(&["jobs", "tuesday"]).ends(0).says("no such table");
    let _ = world.operator(&["status", "monday"]).ends(0).says("Completed");
    let _ = world.operator(&["get", "nightly"]).ends(0).says(r#""execution_flag": "y""#);
}

#[tokio::test]
async fn ours_is_never_overwritten_unasked() {
    let sample = Sample::start().await;
    let world = &sample.world;
    sample.workflow("nightly", &["a.sh"], "y").await;
    sample.run("monday", "successful", &[("a.sh", "successful")]).await;
    world.script("own.sh", "");
    world.put_stage("nightly", "sequential", json!(["own.sh"])).await;
    world.trigger(json!({ "workflow_id": "nightly", "workflow_execution_id": "monday" })).await.unwrap();
    let own = world.end(&ExecutionId::new("monday").unwrap()).await;

    let kept = world.operator(&["migrate", "--apply", "--yes", "--output", "json"]).ends(0).json();
    assert_eq!(fates(&kept), ["workflow nightly keep", "run monday keep"]);
    let _ = world.operator(&["get", "nightly"]).ends(0).says("own.sh");
    let after = world.store.workflows().get(&own.workflow.workflow_execution_id).await.unwrap().unwrap();
    assert_eq!(after, own.workflow);
    assert_eq!(world.store.jobs().all_summaries(&after.workflow_execution_id).await.unwrap().len(), 1);

    let replaced = ["migrate", "--apply", "--yes", "--replace", "--what", "workflows", "--output", "json"];
    assert_eq!(fates(&world.operator(&replaced).ends(0).json()), ["workflow nightly replace"]);
    let _ = world.operator(&["get", "nightly"]).ends(0).says("a.sh");
}

#[tokio::test]
async fn runs_that_are_over_may_be_closed_and_stray_rows_are_named() {
    let sample = Sample::start().await;
    let world = &sample.world;
    sample.run("today", "running", &[("a.sh", "triggered")]).await;
    sample
        .put(
            JOBS,
            json!({ "job_name": "x.sh", "workflow_execution_id": "gone", "execution_status": "successful" }),
        )
        .await;
    let args = ["migrate", "--what", "history", "--close-open-runs", "--apply", "--yes", "--output", "json"];
    let told = world.operator(&args).ends(1).json();
    assert_eq!(fates(&told), ["run today create", "job x.sh of gone left_out"]);
    let row = world.store.workflows().get(&ExecutionId::new("today").unwrap()).await.unwrap().unwrap();
    assert_eq!(row.execution_status, WorkflowStatus::Failed);
    // A run that reads as closed is none that the clock would touch.
    let swept = world.operator(&["sweep", "--dry-run", "--output", "json"]).ends(0).json();
    assert_eq!(swept["closed"], json!([]));
}

#[tokio::test]
async fn a_table_that_is_not_there_is_told_with_its_option() {
    let world = World::start().await;
    let _ = world.operator(&["migrate"]).ends(3).says(CONFIG).says("--from-config");
}
