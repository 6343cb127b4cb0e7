//! One case, from its workflow to its end.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use rsqlflow_core::Function;
use serde_json::{Value, json};

use crate::case::{Case, Counts};
use crate::check::{self, Seen};
use crate::disk::Disk;
use crate::processes;
use crate::proxy::{self, Caller};
use crate::spec::{Action, Shape, Spec};
use crate::tables::{Item, text};
use crate::times::{AFTERWARDS, BOUND, FLUSH, HEARTBEAT, SLOW_MILLIS};
use crate::world::World;

/// What came of a case.
#[derive(Debug)]
pub struct Outcome {
    /// The case.
    pub spec: Spec,
    /// The run.
    pub run: String,
    /// What was not as promised.
    pub violations: Vec<String>,
    /// What happened.
    pub story: Vec<String>,
    /// How long it took.
    pub took: Duration,
    /// Which faults struck.
    pub struck: Vec<bool>,
    /// How often each call was made.
    pub counts: Counts,
    /// How the run ended.
    pub status: String,
    /// The closed rows: job and result. They must be the same for ever.
    pub closed: BTreeMap<String, Vec<(&'static str, String)>>,
    /// How often scripts were started.
    pub starts: usize,
}

/// The pause between two looks at the tables.
const LOOK: Duration = Duration::from_millis(200);

/// How often a person asks again who was refused.
const TRIGGERS: usize = 20;

/// Does it until it succeeds: the endpoint may be killed at the moment.
macro_rules! persist {
    ($call:expr) => {{
        let began = Instant::now();
        loop {
            match $call.await {
                Err(_) if began.elapsed() < Duration::from_secs(20) => tokio::time::sleep(LOOK).await,
                done => break done,
            }
        }
    }};
}

/// The workflow of a shape.
fn workflow(run: &str, shape: Shape, instances: &[String]) -> Value {
    let job = |name: &str, millis: u32, code: u32| json!({ "script": "work.sh", "job_name": name, "args": [millis.to_string(), code.to_string()] });
    let scripts = match shape {
        Shape::Sequential | Shape::Parallel | Shape::Rerun | Shape::Spread => {
            vec![job("a", 30, 0), job("b", 30, 0)]
        }
        Shape::Long | Shape::Once => vec![job("a", 3_500, 0)],
        Shape::Slow => vec![job("a", SLOW_MILLIS, 0)],
        Shape::Failing => vec![job("a", 30, 3), job("b", 30, 0)],
    };
    let kind = if matches!(shape, Shape::Parallel | Shape::Spread) { "parallel" } else { "sequential" };
    // Where an attempt on the same instance would end what an earlier one left, two instances show it.
    let instances = if matches!(shape, Shape::Spread | Shape::Slow) { instances } else { &instances[..1] };
    json!({
        "workflow_id": run,
        "notify": { "on": ["success", "failure"] },
        "defaults": {
            "heartbeat": HEARTBEAT, "timeout": 120, "retries": 0,
            "on_lost": if shape.reruns() { "rerun" } else { "fail" },
            "target": { "instance_ids": instances },
        },
        "workflow_stages": [{ "execution_type": kind, "scripts": scripts }],
    })
}

/// Runs a case.
pub async fn run(world: &Arc<World>, spec: Spec, run: String) -> Outcome {
    let began = Instant::now();
    let made = world.begin(|cases, instances| {
        Case::new(run.clone(), spec.clone(), cases.join(&run), instances, Arc::clone(world))
    });
    let (case, slot) = match made {
        Ok(made) => made,
        Err(error) => return Outcome::broken(spec, run, &error),
    };
    let mut outcome = match attempt(&case).await {
        Ok(outcome) => outcome,
        Err(error) => Outcome::broken(spec, run, &error),
    };
    case.over.store(true, Ordering::Relaxed);
    outcome.took = began.elapsed();
    outcome.story = case.story();
    outcome.struck = case.struck();
    outcome.counts = case.counts();
    let _ = fs::remove_dir_all(&case.dir);
    world.finish(&case, slot);
    outcome
}

impl Outcome {
    fn broken(spec: Spec, run: String, error: &anyhow::Error) -> Self {
        let violations = vec![format!("the suite could not run it: {error:#}")];
        Self {
            struck: vec![false; spec.faults.len()],
            spec,
            run,
            violations,
            story: Vec::new(),
            took: Duration::ZERO,
            counts: Counts::new(),
            status: String::new(),
            closed: BTreeMap::new(),
            starts: 0,
        }
    }
}

async fn attempt(case: &Arc<Case>) -> Result<Outcome> {
    let (world, run) = (&case.world, &case.run);
    fs::create_dir_all(&case.dir)?;
    let (url, proxy) = proxy::start(Caller::Agent(Arc::clone(case)), world.endpoint).await?;
    let disk = prepare(case, &url)?;
    let item = workflow(run, case.spec.shape, &case.instances);
    persist!(world.tables.put_workflow(&item))?;

    let mut seen = Seen::default();
    let request = json!({ "workflow_id": run, "workflow_execution_id": run });
    let triggered = trigger(case, run, &request).await;
    if let Err(error) = triggered {
        seen.violate(format!("the workflow could not be started: {error}"));
    }
    let row = watch(case, run, &mut seen, disk.as_ref()).await;
    if let Some(disk) = &disk {
        disk.make_room();
    }
    settle(case, run, &mut seen, disk.as_ref()).await;
    let deliveries = (1..).take_while(|i| case.dir.join(format!("delivery-{i}")).is_dir()).count();
    case.delivered(u32::try_from(deliveries).unwrap_or(u32::MAX));

    let jobs = persist!(world.tables.jobs(run))?;
    check::run(case, row.as_ref(), &jobs, &mut seen).await?;
    again(case, &request, &mut seen).await;
    if row.as_ref().is_some_and(|row| text(row, "execution_status") != "Completed") {
        restart(case, &jobs, &mut seen).await?;
    }
    proxy.abort();
    let starts = check::starts(&world.witnesses(run)).len();
    Ok(Outcome {
        spec: case.spec.clone(),
        run: run.clone(),
        status: row.as_ref().map(|row| text(row, "execution_status")).unwrap_or_default(),
        violations: seen.violations(case),
        story: Vec::new(),
        took: Duration::ZERO,
        struck: Vec::new(),
        counts: Counts::new(),
        closed: seen.closed,
        starts,
    })
}

/// What the instance finds when its commands come.
fn prepare(case: &Case, url: &str) -> Result<Option<Disk>> {
    let mut env = format!("export AWS_ENDPOINT_URL={url}\n");
    let disk = Disk::of(case)?;
    if let Some(disk) = &disk {
        env.push_str(&format!("export RSQLFLOW_AGENT_CONFIG='{}'\n", disk.config.display()));
    }
    if (case.spec.has(Action::ClockAhead) || case.spec.has(Action::ClockBack))
        && let Some(library) = &case.world.programs.clock
    {
        let file = case.dir.join("clock");
        fs::write(&file, "+0000000\n")?;
        env.push_str(&format!(
            "export LD_PRELOAD='{}' FAULTS_CLOCK='{}'\n",
            library.display(),
            file.display()
        ));
    }
    fs::write(case.dir.join("env"), env)?;
    for fault in case.spec.faults.iter().filter(|fault| fault.client == "ssm") {
        let write = |nth: u32, text: &str| fs::write(case.dir.join(format!("on-delivery-{nth}")), text);
        match fault.action {
            Action::Twice => write(fault.nth, "\"$agent\" \"$@\" &\n")?,
            Action::Again => {
                write(fault.nth, "(sleep 6; exec \"$agent\" \"$@\") >/dev/null 2>&1 </dev/null &\n")?;
            }
            Action::Late => write(fault.nth, "sleep 3\n")?,
            Action::TooLate => {
                write(fault.nth, "sleep 11\n")?;
                write(fault.nth + 1, "sleep 4\n")?;
            }
            Action::Never => write(fault.nth, "exit 0\n")?,
            _ => {}
        }
    }
    Ok(disk)
}

/// Starts the run as a client does: asks again, with the same id, while it does not know whether it was started.
async fn trigger(case: &Case, run: &str, request: &Value) -> Result<Value, String> {
    let mut last = String::new();
    for number in 0..TRIGGERS {
        let id = format!("{run}-trigger-{number}");
        match case.world.invoke(Function::WorkflowTrigger, request.clone(), id).await {
            Ok(answer) => return Ok(answer),
            Err(error) => last = format!("{}: {}", error.error_type, error.error_message),
        }
        if last.starts_with("NotRestartable") {
            break;
        }
        case.tell(format!("the trigger: {last}"));
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    Err(last)
}

/// Looks at the tables until the run's row is closed, and gives it.
async fn watch(case: &Case, run: &str, seen: &mut Seen, disk: Option<&Disk>) -> Option<Item> {
    let began = Instant::now();
    let (mut flushed, mut looks) = (began, 0_u32);
    loop {
        looks += 1;
        if let Ok(Some(row)) = case.world.tables.run(run).await {
            if text(&row, "execution_status") != "Running" {
                case.tell(format!("the run is {}", text(&row, "execution_status")));
                return Some(row);
            }
            seen.open(&format!("the run {run}"), &row);
        }
        if looks.is_multiple_of(3)
            && let Ok(jobs) = case.world.tables.jobs(run).await
        {
            seen.jobs(case, run, &jobs);
        }
        if began.elapsed() > BOUND {
            seen.violate(format!("{run} did not end within {} s", BOUND.as_secs()));
            return case.world.tables.run(run).await.ok().flatten();
        }
        if flushed.elapsed() > FLUSH {
            flushed = Instant::now();
            flush(case, disk).await;
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Waits until everything that the run left is gone, as the instance's timer and the clock see to.
async fn settle(case: &Case, run: &str, seen: &mut Seen, disk: Option<&Disk>) {
    let began = Instant::now();
    let mut flushed = began;
    loop {
        let left = processes::of(run);
        let spooled = case.instances.iter().any(|id| !is_empty(&spool(case, id, disk)));
        let told = case.world.notifications(run).is_ok_and(|count| count > 0);
        // A closer that died after the close is followed by one that releases the lock.
        let locked = !matches!(case.world.tables.run(&format!("lock#{run}")).await, Ok(None));
        if left.is_empty() && !spooled && told && !locked {
            return;
        }
        if began.elapsed() > AFTERWARDS {
            for process in left {
                seen.violate(format!("a process is left: {:?} {}", process.kind, process.command.trim()));
            }
            if spooled {
                seen.violate("a result is left in the spool".to_owned());
            }
            if locked {
                seen.violate("the lock is held".to_owned());
            }
            if !told {
                seen.violate("nobody was notified of the end".to_owned());
            }
            return;
        }
        if flushed.elapsed() > FLUSH {
            flushed = Instant::now();
            flush(case, disk).await;
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn spool(case: &Case, instance: &str, disk: Option<&Disk>) -> PathBuf {
    let own = || case.world.instance(instance).join("spool");
    disk.and_then(|disk| disk.spool.clone()).unwrap_or_else(own).join("results")
}

fn is_empty(directory: &Path) -> bool {
    let Ok(entries) = fs::read_dir(directory) else { return true };
    !entries.flatten().any(|entry| entry.path().extension().is_some_and(|extension| extension == "json"))
}

/// Runs `flush` on the case's instances, as the package's timer does.
async fn flush(case: &Case, disk: Option<&Disk>) {
    for instance in &case.instances {
        let own = case.world.instance(instance).join("agent.toml");
        let config = disk.map_or(own, |disk| disk.config.clone());
        let Ok(log) = case.world.log("flush") else { return };
        let flush = tokio::process::Command::new(&case.world.programs.agent)
            .args(["flush", "--output", "json"])
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("RSQLFLOW_AGENT_CONFIG", config)
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            .status();
        let _ = tokio::time::timeout(Duration::from_secs(20), flush).await;
    }
}

/// Asks for the same run once more: it is over, and nothing may start.
async fn again(case: &Case, request: &Value, seen: &mut Seen) {
    case.over.store(true, Ordering::Relaxed);
    let before = case.world.witnesses(&case.run);
    match trigger(case, &case.run, request).await {
        Ok(answer) if answer["status"] == "already_started" => {}
        Ok(answer) => seen.violate(format!("asked for once more, the run was started: {answer}")),
        Err(error) => seen.violate(format!("asked for once more: {error}")),
    }
    if case.world.witnesses(&case.run) != before {
        seen.violate("asked for once more, the run ran again".to_owned());
    }
}

/// Goes on with a run that did not complete: what it completed must not run again.
async fn restart(case: &Case, jobs: &[crate::tables::Job], seen: &mut Seen) -> Result<()> {
    let done: Vec<&str> = jobs
        .iter()
        .filter(|job| job.text("execution_status") == "Completed")
        .map(|job| job.id.as_str())
        .collect();
    if done.is_empty() {
        return Ok(());
    }
    let run = format!("{}-r", case.run);
    let request = json!({
        "workflow_id": case.run, "workflow_execution_id": run,
        "restart": { "workflow_execution_id": case.run },
    });
    if let Err(error) = trigger(case, &run, &request).await {
        // Where every job is done, there is nothing to restart.
        if !error.starts_with("NotRestartable") {
            seen.violate(format!("the restart was refused: {error}"));
        }
        return Ok(());
    }
    watch(case, &run, seen, None).await.context("the restart's row")?;
    let witnesses = case.world.witnesses(&run);
    for start in check::starts(&witnesses) {
        if done.contains(&start.job.as_str()) {
            seen.violate(format!("{} was Completed, and its script ran again in the restart", start.job));
        }
    }
    Ok(())
}
