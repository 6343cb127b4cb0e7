//! From a snapshot to a plan.

use std::collections::BTreeMap;

use super::chunk::chunk_jobs;
use super::{ResolvedJob, SNAPSHOT_VERSION, Snapshot, SqlJob};
use crate::config::{
    ConcurrencyPolicy, Copy, Environment, ExecutionFlag, ExecutionType, Job, MAX_ARGUMENT_BYTES,
    MAX_CONCURRENCY, MAX_JOB_BYTES, Notify, OnFailure, Settings, Sql, Unload, Warehouse, Work, Workflow,
    Wrong, json_bytes,
};
use crate::problem::{Problem, ProblemKind, Problems, Report, of_unknown, quoted};
use crate::sql::{self, Bound, Transaction};
use crate::template::{TemplateProblem, render};
use crate::{JobId, JobTimes, Seconds, Timing, WorkflowId, show_duration};

/// What a run will do, to the last setting.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The workflow.
    pub workflow_id: WorkflowId,
    /// Whether it may run beside another run of the workflow.
    pub concurrency_policy: ConcurrencyPolicy,
    /// Notifications of its end.
    pub notify: Notify,
    /// The deployment's times at its start.
    pub timing: Timing,
    /// Most runnable jobs of a chunk.
    pub chunk_jobs: usize,
    /// The stages, as in the item: a stage's index is its number in job ids.
    pub stages: Vec<PlannedStage>,
}

/// A stage of a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedStage {
    /// For people.
    pub description: Option<String>,
    /// One after the other, or at once.
    pub execution_type: ExecutionType,
    /// Most jobs at once; 1 if sequential.
    pub max_concurrency: u32,
    /// What a failed job means.
    pub on_failure: OnFailure,
    /// Whether it runs.
    pub execution_flag: ExecutionFlag,
    /// Its jobs, as in the item: a job's index is its position in job ids.
    pub jobs: Vec<ResolvedJob>,
}

impl Plan {
    /// The plan of a snapshot, always the same.
    ///
    /// # Errors
    /// None for a snapshot that [`Snapshot::take`] made with this version. A snapshot of a newer version, or one
    /// that breaks a rule, says what is wrong.
    pub fn from_snapshot(snapshot: &Snapshot) -> Result<Self, Problems> {
        if snapshot.version > SNAPSHOT_VERSION {
            return Err(Problem::new(
                "version",
                ProblemKind::OutOfRange,
                format!("{} is newer than {SNAPSHOT_VERSION}, which this program knows", snapshot.version),
            )
            .hint("deploy all functions of one version")
            .into());
        }
        let workflow = Workflow::from_stored(&snapshot.workflow, &snapshot.timing)?;
        Self::resolve(&workflow, snapshot)
    }

    pub(super) fn resolve(workflow: &Workflow, snapshot: &Snapshot) -> Result<Self, Problems> {
        let report = Report::default();
        let ts = snapshot.ts.to_string();
        let mut values: BTreeMap<&str, &str> =
            snapshot.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        values.insert("ds", &snapshot.ds);
        values.insert("ts", &ts);
        values.insert("workflow_id", workflow.workflow_id.as_str());
        values.insert("workflow_execution_id", snapshot.workflow_execution_id.as_str());

        let below = workflow.defaults.or(&snapshot.defaults.settings());
        let mut without_target = JobsWithoutTarget::default();
        let stages = workflow
            .workflow_stages
            .iter()
            .enumerate()
            .map(|(s, stage)| {
                let of_stage = Settings {
                    secret: stage.secret.clone(),
                    target: stage.target.clone(),
                    warehouse: stage.warehouse.clone(),
                    ..Settings::default()
                }
                .or(&below);
                let jobs = stage.scripts.iter().enumerate().map(|(j, job)| {
                    let place = Place { stage: s, position: j, report: &report };
                    let off =
                        ExecutionFlag::No == stage.execution_flag || ExecutionFlag::No == job.execution_flag;
                    let carried = snapshot.carried.why(place.job());
                    let skip = off || carried.is_some();
                    let mut resolved = place.resolve(job, &of_stage, &values, snapshot, skip);
                    resolved.skip_reason = carried.filter(|_| !off).map(ToString::to_string);
                    if !skip && resolved.target.is_none() && job.work.script().is_some() {
                        without_target.add(&place);
                    }
                    resolved
                });
                PlannedStage {
                    description: stage.stage_description.clone(),
                    execution_type: stage.execution_type,
                    max_concurrency: match stage.execution_type {
                        ExecutionType::Sequential => 1,
                        ExecutionType::Parallel => stage.max_concurrency.unwrap_or(MAX_CONCURRENCY),
                    },
                    on_failure: stage.on_failure,
                    execution_flag: stage.execution_flag,
                    jobs: jobs.collect(),
                }
            })
            .collect();
        without_target.report(&report);
        report.finish(Some(Self {
            workflow_id: workflow.workflow_id.clone(),
            concurrency_policy: workflow.concurrency_policy,
            notify: workflow.notify.clone(),
            timing: snapshot.timing.clone(),
            chunk_jobs: chunk_jobs(snapshot.version),
            stages,
        }))
    }

    /// The job at a place.
    #[must_use]
    pub fn job(&self, id: JobId) -> Option<&ResolvedJob> {
        self.stages.get(usize::from(id.stage))?.jobs.get(usize::try_from(id.position).ok()?)
    }

    /// All jobs in plan order, skipped ones included.
    pub fn jobs(&self) -> impl Iterator<Item = (JobId, &ResolvedJob)> {
        self.stages.iter().zip(0u16..).flat_map(|(stage, s)| {
            stage.jobs.iter().zip(0u32..).map(move |(job, position)| (JobId::new(s, position), job))
        })
    }
}

/// Runnable jobs that no instance is named for: one problem for all of them.
#[derive(Default)]
struct JobsWithoutTarget {
    count: usize,
    first: String,
}

impl JobsWithoutTarget {
    fn add(&mut self, place: &Place<'_>) {
        if self.count == 0 {
            self.first = place.path("");
        }
        self.count += 1;
    }

    fn report(self, report: &Report) {
        let Self { count, first } = self;
        if count > 0 {
            let more = if count > 1 { format!(" and {} more", count - 1) } else { String::new() };
            report.add(
                Problem::new("defaults.target", ProblemKind::Missing, format!("is missing: {first}{more} have no target"))
                    .hint(r#"write "target": {"tags": {"Role": "etl"}} or {"instance_ids": ["i-…"]}, or set the deployment's default"#),
            );
        }
    }
}

struct Place<'a> {
    stage: usize,
    position: usize,
    report: &'a Report,
}

impl Place<'_> {
    /// The reader lets neither number grow so far that it would not fit.
    fn job(&self) -> JobId {
        let stage = u16::try_from(self.stage).unwrap_or(u16::MAX);
        JobId::new(stage, u32::try_from(self.position).unwrap_or(u32::MAX))
    }

    fn path(&self, field: &str) -> String {
        format!("workflow_stages[{}].scripts[{}]{field}", self.stage, self.position)
    }

    fn resolve(
        &self,
        job: &Job,
        below: &Settings,
        values: &BTreeMap<&str, &str>,
        snapshot: &Snapshot,
        skip: bool,
    ) -> ResolvedJob {
        let timing = &snapshot.timing;
        let settings = job.settings.or(below);
        let defaults = super::DeploymentDefaults::default();
        let mut heartbeat = settings.heartbeat.unwrap_or(defaults.heartbeat);
        let (mut script, mut args, mut env) = (String::new(), Vec::new(), Environment::default());
        let (mut sql, mut secret, mut target, mut linger) = (None, None, None, None);
        match &job.work {
            Work::Script(of_job) => {
                script.clone_from(&of_job.script);
                let each = of_job.args.iter().enumerate();
                args = each.map(|(i, arg)| self.rendered(arg, values, || format!(".args[{i}]"))).collect();
                let each = of_job.env.iter();
                let each = each.map(|(name, value)| {
                    (name.to_owned(), self.rendered(value, values, || format!(".env.{name}")))
                });
                env = Environment(each.collect());
                (secret, target, linger) = (settings.secret, settings.target, settings.linger);
            }
            of_job => {
                heartbeat = timing.statement_heartbeat();
                let (statements, transaction, log_rows) = match of_job {
                    Work::Sql(sql) => (self.of_sql(sql, values), sql.transaction(), sql.log_rows()),
                    Work::Copy { copy } => (self.of_copy(copy, values), Transaction::One, 0),
                    Work::Unload { unload } => (self.of_unload(unload, values), Transaction::One, 0),
                    Work::Script(_) => (Vec::new(), Transaction::One, 0),
                };
                let warehouses = &snapshot.defaults.warehouses;
                sql = self.warehouse(settings.warehouse.as_deref(), warehouses, skip).map(|(name, at)| {
                    SqlJob {
                        warehouse: name.clone(),
                        at: at.clone(),
                        sha256: sql::request::digest(&statements),
                        transaction: transaction == Transaction::One,
                        log_rows,
                        statements,
                    }
                });
            }
        }
        let resolved = ResolvedJob {
            job_name: job.name().to_owned(),
            script,
            sql,
            args,
            env,
            secret,
            target,
            timeout: settings.timeout.unwrap_or(defaults.timeout),
            heartbeat,
            times: Some(JobTimes::new(timing, heartbeat)),
            linger,
            retries: settings.retries.unwrap_or_default(),
            retry_delay: settings.retry_delay.unwrap_or_default(),
            retry_backoff: settings.retry_backoff.unwrap_or(1.0),
            ok_exit_codes: settings.ok_exit_codes.unwrap_or_else(|| vec![0]),
            on_lost: settings.on_lost.unwrap_or_default(),
            skip,
            skip_reason: None,
        };
        self.check(&resolved, timing);
        resolved
    }

    fn report(&self, field: &str, kind: ProblemKind, message: String, hint: String) {
        self.report.add(Problem::new(self.path(field), kind, message).hint(hint));
    }

    /// The statements of a text with their values.
    fn of_sql(&self, sql: &Sql, values: &BTreeMap<&str, &str>) -> Vec<Bound> {
        let statements = match sql.sql.texts() {
            Ok(texts) => sql::split_all(&texts, sql.transaction()).unwrap_or_else(|problems| {
                for (_, problem) in problems {
                    let hint = problem.hint().to_owned();
                    self.report(".sql", ProblemKind::Invalid, problem.to_string(), hint);
                }
                Vec::new()
            }),
            Err(file) => {
                let message = format!("names the file {}, whose text is not in the workflow", quoted(file));
                let hint = "put or run the workflow with `rsqlflow`, which reads the file";
                self.report(".sql", ProblemKind::Invalid, message, hint.to_owned());
                Vec::new()
            }
        };
        self.bound(&statements, ".sql", values)
    }

    /// The statements of a load. What is in them was written by us: nothing in them is a value or a template any more.
    fn of_copy(&self, copy: &Copy, values: &BTreeMap<&str, &str>) -> Vec<Bound> {
        let statements = copy.compile(values).unwrap_or_else(|wrong| self.wrong("copy", wrong));
        statements.into_iter().map(|sql| Bound { sql, parameters: BTreeMap::new() }).collect()
    }

    fn of_unload(&self, unload: &Unload, values: &BTreeMap<&str, &str>) -> Vec<Bound> {
        let statements = unload.compile(values).unwrap_or_else(|wrong| self.wrong("unload", wrong));
        self.bound(&statements, ".unload", values)
    }

    fn wrong(&self, kind: &str, wrong: Vec<Wrong>) -> Vec<String> {
        for Wrong { field, message, hint } in wrong {
            let problem = Problem::new(self.path(&format!(".{kind}.{field}")), ProblemKind::Invalid, message);
            self.report.add(match hint {
                Some(hint) => problem.hint(hint),
                None => problem,
            });
        }
        Vec::new()
    }

    fn bound(&self, statements: &[String], field: &str, values: &BTreeMap<&str, &str>) -> Vec<Bound> {
        let mut bound = Vec::with_capacity(statements.len());
        for statement in statements {
            match sql::bind(statement, values) {
                Ok(one) => bound.push(one),
                Err(problems) => {
                    for problem in problems {
                        let hint = problem.hint().to_owned();
                        self.report(field, ProblemKind::Template, problem.to_string(), hint);
                    }
                }
            }
        }
        let bytes: usize = bound.iter().map(|one| one.sql.len()).sum();
        if bytes > sql::MOST_BYTES {
            let message =
                format!("has {bytes} bytes with its values; at most {} are allowed", sql::MOST_BYTES);
            self.report(field, ProblemKind::OutOfRange, message, "split it into several jobs".to_owned());
        }
        bound
    }

    /// Where the job's SQL runs.
    fn warehouse<'w>(
        &self,
        warehouse: Option<&str>,
        warehouses: &'w BTreeMap<String, Warehouse>,
        skip: bool,
    ) -> Option<(&'w String, &'w Warehouse)> {
        match (warehouse, warehouses.len()) {
            (Some(name), _) => {
                let found = warehouses.get_key_value(name);
                if found.is_none() {
                    let message = format!("{} is not a warehouse of the deployment", quoted(name));
                    let hint = of_unknown(name, warehouses.keys().map(String::as_str));
                    let hint = hint.unwrap_or_else(|| "the deployment has no `warehouses`".to_owned());
                    self.report(".warehouse", ProblemKind::NotOneOf, message, hint);
                }
                found
            }
            (None, 1) => warehouses.iter().next(),
            (None, count) => {
                // Where nothing runs, nothing is missing.
                if !skip {
                    let hint = match count {
                        0 => {
                            "configure `warehouses` of the deployment, or start the embedded endpoint with --warehouse"
                        }
                        _ => "name one of the deployment's `warehouses`, here or in `defaults`",
                    };
                    self.report(".warehouse", ProblemKind::Missing, "is missing".to_owned(), hint.to_owned());
                }
                None
            }
        }
    }

    fn rendered(&self, template: &str, values: &BTreeMap<&str, &str>, field: impl Fn() -> String) -> String {
        let rendered = render(template, values).unwrap_or_else(|problem: TemplateProblem| {
            self.report.add(Problem::new(self.path(&field()), ProblemKind::Template, problem.to_string()));
            String::new()
        });
        if rendered.len() > MAX_ARGUMENT_BYTES {
            self.report.add(Problem::new(
                self.path(&field()),
                ProblemKind::OutOfRange,
                format!(
                    "has {} bytes with its parameters; the limit of Linux is {MAX_ARGUMENT_BYTES}",
                    rendered.len()
                ),
            ));
        }
        rendered
    }

    fn check(&self, job: &ResolvedJob, timing: &Timing) {
        let total = timing.uncapped_task_timeout(job.heartbeat, job.longest_try(), &job.retry_policy());
        if total > Seconds::MAX.as_duration() {
            self.report.add(
                Problem::new(
                    self.path(""),
                    ProblemKind::OutOfRange,
                    format!(
                        "may take {} with its {} retries; the maximum of a task is {}",
                        show_duration(total),
                        job.retries,
                        Seconds::MAX
                    ),
                )
                .hint("reduce timeout, retries, retry_delay or retry_backoff"),
            );
        }
        let bytes = json_bytes(job);
        if bytes > MAX_JOB_BYTES {
            self.report.add(Problem::new(
                self.path(""),
                ProblemKind::OutOfRange,
                format!("has {bytes} bytes with its parameters; the maximum is {MAX_JOB_BYTES}"),
            ));
        }
    }
}
