//! `rsqlflow cost FILE`

use std::collections::BTreeMap;

use anyhow::Context;
use rsqlflow_core::config::{Target, Warehouse, Workflow};
use rsqlflow_core::plan::{DeploymentDefaults, Snapshot, Trigger};
use rsqlflow_core::{ExecutionId, Timestamp, Timing};
use serde_json::{Value, json};

use crate::args::Cost;
use crate::cost::{self, Assumptions, Bill, Usage};
use crate::failure::{Failure, exit};
use crate::input::file;
use crate::output::JSON_VERSION;
use crate::output::table::Table;
use crate::output::{Printer, one_line};

/// Plans the workflow as the trigger does, counts what one run uses, and calculates the price. Makes no calls.
///
/// # Errors
/// Every problem of the file.
pub(crate) fn cost(args: &Cost, printer: Printer) -> Result<u8, Failure> {
    let (item, workflow) = file::read_workflow(&args.file, &Timing::default())?;
    let assumed = Assumptions {
        runs_per_month: args.runs_per_month,
        log_mb_per_job: args.log_mb_per_job,
        job_minutes: args.job_minutes,
        lambda_ms: args.lambda_ms,
    };
    let (snapshot, plan) = plan(args, &item, &workflow)?;
    let ours = cost::of_plan(&plan, &snapshot, &assumed).context("the cost cannot be calculated")?;
    let sample = cost::of_sample(&plan, &assumed);
    let estimate = Estimate { id: workflow.workflow_id.as_str(), assumed, ours, sample };
    if printer.is_json() {
        printer.json(&estimate.to_json());
    } else {
        printer.data(&estimate.to_text());
    }
    Ok(exit::OK)
}

/// As a deployment would plan it that names a target for jobs that name none, and has the warehouses that jobs name: which
/// ones costs nothing.
fn plan(
    args: &Cost,
    item: &Value,
    workflow: &Workflow,
) -> Result<(Snapshot, rsqlflow_core::plan::Plan), Failure> {
    let target = Target::Tags([("Role".to_owned(), "etl".to_owned())].into());
    let warehouse = Warehouse {
        cluster: None,
        workgroup: Some("cost".to_owned()),
        database: "dev".to_owned(),
        secret: None,
        db_user: None,
    };
    let stages = workflow.workflow_stages.iter();
    let of_jobs = stages.clone().flat_map(|stage| &stage.scripts).map(|job| &job.settings.warehouse);
    let named = of_jobs.chain(stages.map(|stage| &stage.warehouse)).chain([&workflow.defaults.warehouse]);
    let mut names: Vec<&str> = named.flatten().map(String::as_str).collect();
    if names.is_empty() {
        names.push("cost");
    }
    let warehouses: BTreeMap<_, _> =
        names.iter().map(|name| ((*name).to_owned(), warehouse.clone())).collect();
    let defaults = DeploymentDefaults { target: Some(target), warehouses, ..DeploymentDefaults::default() };
    let id = ExecutionId::new("cost").context("an id")?;
    let trigger = Trigger {
        execution_id: &id,
        now: Timestamp::from(jiff::Timestamp::now()),
        parameters: None,
        defaults: &defaults,
        timing: &Timing::default(),
    };
    let what = args.file.display().to_string();
    Snapshot::take(item, trigger).map_err(|problems| Failure::Workflow { what, problems })
}

struct Estimate<'a> {
    id: &'a str,
    assumed: Assumptions,
    ours: Usage,
    sample: Usage,
}

impl Estimate<'_> {
    fn to_json(&self) -> Value {
        let of = |usage: &Usage| {
            let bill = Bill::of(usage);
            json!({ "usage_per_run": usage, "lambda_invocations": usage.invocations(),
                "usd_per_run": bill, "usd_per_month": bill.times(self.assumed.runs_per_month) })
        };
        json!({
            "version": JSON_VERSION,
            "workflow_id": self.id,
            "region": cost::REGION,
            "prices_of": cost::DATE,
            "price_pages": cost::SOURCES,
            "assumptions": self.assumed,
            "rsqlflow": of(&self.ours),
            "aws_sample": of(&self.sample),
        })
    }

    fn to_text(&self) -> String {
        let runs = self.assumed.runs_per_month;
        let bill = Bill::of(&self.ours);
        let month = bill.times(runs);
        let mut table = Table::new(&["WHAT", "A RUN", "USD A RUN", "USD A MONTH"]).wrapping("A RUN");
        let ours = &self.ours;
        for (what, amount, run, month) in [
            ("state transitions", ours.transitions.to_string(), bill.transitions, month.transitions),
            (
                "Lambda",
                format!("{} invocations, {:.3} GB-s", ours.invocations(), ours.gb_seconds),
                bill.lambda,
                month.lambda,
            ),
            (
                "DynamoDB",
                format!("{} write units, {} read units", ours.write_units, ours.read_units),
                bill.dynamodb,
                month.dynamodb,
            ),
            ("CloudWatch Logs", format!("{:.2} MB", ours.log_mb), bill.logs, month.logs),
            ("SSM commands", ours.commands.to_string(), bill.ssm, month.ssm),
            ("Data API statements", ours.statements.to_string(), 0.0, 0.0),
            ("total", String::new(), bill.total, month.total),
        ] {
            if what != "Data API statements" || ours.statements > 0 {
                table.add_row([what.to_owned(), amount, usd(run), usd(month)]);
            }
        }
        let sample = Bill::of(&self.sample);
        let assumed = &self.assumed;
        let lines = [
            format!(
                "workflow {}: {} jobs, {runs} runs a month",
                one_line(self.id),
                ours.commands + ours.statements
            ),
            table.shown(),
            format!(
                "AWS's sample would use {} transitions and {} invocations: {} USD a month, compared with {} here",
                self.sample.transitions,
                self.sample.invocations(),
                usd((sample.transitions + sample.lambda) * f64::from(runs)),
                usd(month.transitions + month.lambda),
            ),
            format!(
                "assumed: every job succeeds in its first attempt and runs {} min, {} MB of log a job, {} ms an invocation",
                assumed.job_minutes, assumed.log_mb_per_job, assumed.lambda_ms
            ),
            format!("prices: {}, {}; {}", cost::REGION, cost::DATE, cost::FREE),
        ];
        lines.join("\n")
    }
}

/// Five decimal places: a transition costs 0.000025.
fn usd(amount: f64) -> String {
    format!("{amount:.5}")
}
