//! An endpoint, its instances, and the functions' processes, for many cases at once.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rsqlflow_core::{Deployment, Function};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::Mutex as AsyncMutex;

use crate::case::{Case, lock};
use crate::endpoint::Start;
use crate::functions::{self, Sandboxes};
use crate::tables::Tables;
use crate::times::{SWEEP, timing};

/// Where notifications go.
pub const TOPIC: &str = "arn:aws:sns:us-east-1:000000000000:ends";

/// Instances of a case: one, and one in reserve.
pub const INSTANCES: usize = 2;

/// The programs under test.
#[derive(Clone, Debug)]
pub struct Programs {
    /// The agent.
    pub agent: PathBuf,
    /// The functions.
    pub bootstrap: PathBuf,
    /// A library that shifts the wall clock of a program; none if it could not be made.
    pub clock: Option<PathBuf>,
}

/// How long a read takes where there is room for another case.
const QUICK: Duration = Duration::from_millis(100);

/// How often it is looked whether there is room.
const MOST_LOOKS: usize = 120;

/// An endpoint with everything around it.
pub struct World {
    /// Its directory.
    pub dir: PathBuf,
    /// The programs.
    pub programs: Programs,
    /// The endpoint's address, which it keeps when it is killed.
    pub endpoint: SocketAddr,
    /// Names and times.
    pub deployment: Deployment,
    /// The tables.
    pub tables: Tables,
    /// The functions' processes.
    pub sandboxes: Sandboxes,
    start: Start,
    process: AsyncMutex<Child>,
    cases: Mutex<HashMap<String, Arc<Case>>>,
    slots: Mutex<Vec<usize>>,
    tasks: Mutex<Vec<tokio::task::AbortHandle>>,
}

/// Starts the endpoint's process, and waits until it serves.
async fn serve(dir: &Path, start: &Start) -> Result<(Child, SocketAddr)> {
    let mut child = Command::new(std::env::current_exe()?)
        .arg("endpoint")
        .arg(serde_json::to_string(start)?)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(append(dir, "endpoint")?)
        .kill_on_drop(true)
        .spawn()?;
    let mut url = String::new();
    BufReader::new(child.stdout.take().context("its output")?).read_line(&mut url).await?;
    let address = url.trim().trim_start_matches("http://").parse();
    Ok((child, address.with_context(|| format!("the endpoint does not start: see {}", dir.display()))?))
}

fn append(dir: &Path, name: &str) -> io::Result<fs::File> {
    fs::File::options().create(true).append(true).open(dir.join(format!("{name}.log")))
}

impl World {
    /// One for so many cases at once, in a directory of its own.
    pub async fn start(dir: PathBuf, programs: Programs, cases: usize) -> Result<Arc<Self>> {
        for folder in ["scripts", "cases", "witnesses"] {
            fs::create_dir_all(dir.join(folder))?;
        }
        script(&dir.join("scripts/work.sh"), &work(&dir.join("witnesses")))?;
        let agent = dir.join("deliver.sh");
        script(&agent, &deliver(&dir.join("cases"), &programs.agent))?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let mut deployment = Deployment { timing: timing(), ..Deployment::default() };
        deployment.topic_arn = Some(TOPIC.to_owned());
        deployment.audit_retention = Some(rsqlflow_core::Seconds::saturating(24 * 3_600));
        let mut start = Start {
            port: 0,
            state_dir: dir.join("state"),
            instances: cases * INSTANCES,
            agent,
            scripts: dir.join("scripts"),
            deployment: deployment.clone(),
            functions: listener.local_addr()?,
        };
        let (process, endpoint) = serve(&dir, &start).await?;
        start.port = endpoint.port();
        let sdk = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .endpoint_url(format!("http://{endpoint}"))
            .credentials_provider(SharedCredentialsProvider::new(Credentials::for_tests()))
            .build();
        let tables = Tables::new(&sdk, &deployment);
        let world = Arc::new(Self {
            dir,
            programs,
            endpoint,
            deployment,
            tables,
            sandboxes: Sandboxes::default(),
            start,
            process: AsyncMutex::new(process),
            cases: Mutex::default(),
            slots: Mutex::new((0..cases).collect()),
            tasks: Mutex::default(),
        });
        let served = tokio::spawn(functions::start(Arc::clone(&world), listener));
        let swept = tokio::spawn(sweep(Arc::clone(&world)));
        lock(&world.tasks).extend([served.abort_handle(), swept.abort_handle()]);
        Ok(world)
    }

    /// Ends it.
    pub async fn end(&self) {
        for task in lock(&self.tasks).drain(..) {
            task.abort();
        }
        self.sandboxes.end();
        let mut process = self.process.lock().await;
        let _ = process.kill().await;
    }

    /// Waits while this machine is too busy to keep the times of the cases under way, but not for ever.
    pub async fn wait_for_room(&self) {
        for _ in 0..MOST_LOOKS {
            let began = Instant::now();
            let _ = self.tables.run("nobody").await;
            if began.elapsed() < QUICK {
                return;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    /// Adds a case, on instances that no other has. Waits for none: there are as many as cases at once.
    pub fn begin(
        self: &Arc<Self>,
        case: impl FnOnce(PathBuf, Vec<String>) -> Case,
    ) -> Result<(Arc<Case>, usize)> {
        let slot = lock(&self.slots).pop().context("more cases at once than the world is for")?;
        let first = slot * INSTANCES + 1;
        let instances = (first..first + INSTANCES).map(|number| format!("i-local{number:012}"));
        let case = case(self.dir.join("cases"), instances.collect());
        let case = Arc::new(case);
        lock(&self.cases).insert(case.run.clone(), Arc::clone(&case));
        Ok((case, slot))
    }

    /// Makes room for another case.
    pub fn finish(&self, case: &Case, slot: usize) {
        lock(&self.cases).remove(&case.run);
        lock(&self.slots).push(slot);
    }

    /// A case by its run.
    pub fn case(&self, run: &str) -> Option<Arc<Case>> {
        lock(&self.cases).get(run).cloned()
    }

    /// The folder of an instance.
    pub fn instance(&self, id: &str) -> PathBuf {
        self.dir.join("state/instances").join(id)
    }

    /// What the scripts of a run said.
    pub fn witnesses(&self, run: &str) -> String {
        fs::read_to_string(self.dir.join("witnesses").join(run)).unwrap_or_default()
    }

    /// A file for what programs say.
    pub fn log(&self, name: &str) -> io::Result<fs::File> {
        append(&self.dir, name)
    }

    /// The environment of a function, without the addresses.
    pub fn function_env(&self, function: Function) -> Vec<(&'static str, String)> {
        let mut deployment = self.deployment.clone();
        let machines = &mut deployment.machines;
        for machine in [&mut machines.master, &mut machines.sequential, &mut machines.parallel] {
            machine.arn =
                Some(format!("arn:aws:states:us-east-1:000000000000:stateMachine:{}", machine.name));
        }
        let mut pairs = deployment.to_env();
        let own = [
            ("_HANDLER", function.as_str()),
            ("AWS_LAMBDA_FUNCTION_NAME", function.as_str()),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/faults"),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "faults"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
        ];
        pairs.extend(own.map(|(name, value)| (name, value.to_owned())));
        pairs
    }

    /// Kills the endpoint, and starts it again.
    pub async fn kill_endpoint(&self) {
        let mut process = self.process.lock().await;
        let _ = process.kill().await;
        for _ in 0..50 {
            if let Ok((child, _)) = serve(&self.dir, &self.start).await {
                *process = child;
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Lets the endpoint stand still.
    pub fn stop_endpoint(self: &Arc<Self>, length: Duration) {
        let world = Arc::clone(self);
        tokio::spawn(async move {
            let process = world.process.lock().await;
            let Some(pid) = process.id().and_then(|id| i32::try_from(id).ok()) else { return };
            let _ = kill(Pid::from_raw(pid), Signal::SIGSTOP);
            tokio::time::sleep(length).await;
            let _ = kill(Pid::from_raw(pid), Signal::SIGCONT);
        });
    }

    /// Shifts the wall clock of a run's agents.
    pub fn set_clock(&self, run: &str, seconds: i64) {
        // Not emptied before: it is mapped into the agents' memory.
        let file = fs::File::options().write(true).open(self.dir.join("cases").join(run).join("clock"));
        let _ =
            file.and_then(|mut file| io::Write::write_all(&mut file, format!("{seconds:+08}\n").as_bytes()));
    }

    /// Messages that were published about a run.
    pub fn notifications(&self, run: &str) -> Result<usize> {
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
        let db = rusqlite::Connection::open_with_flags(self.dir.join("state/sns.sqlite3"), flags)?;
        db.busy_timeout(Duration::from_secs(5))?;
        let pattern = format!("%\"workflow_execution_id\": \"{run}\"%");
        let count = "SELECT count(*) FROM message WHERE body LIKE ?1";
        Ok(db.query_row(count, [pattern], |row| row.get::<_, i64>(0)).map(usize::try_from)??)
    }
}

/// Runs the clock now and then, as its schedule does.
async fn sweep(world: Arc<World>) {
    for number in 0_u64.. {
        tokio::time::sleep(SWEEP).await;
        let event = serde_json::json!({});
        let _ = world.invoke(Function::Clock, event, format!("sweep-{number}")).await;
    }
}

fn script(path: &Path, text: &str) -> io::Result<()> {
    fs::write(path, text)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
}

/// The script of every job: after the two of the agent, arguments are milliseconds and exit code. It holds a lock while it runs, which the kernel
/// frees with its last process, and notes its start and its end.
fn work(witnesses: &Path) -> String {
    let witnesses = witnesses.display();
    format!(
        r#"#!/usr/bin/env bash
file='{witnesses}'/"$RSQLFLOW_WORKFLOW_EXECUTION_ID"
# Not ended by the end of its agent, which reads what it writes: that is for the guard.
trap "" PIPE
me="$RSQLFLOW_JOB_ID $RSQLFLOW_ATTEMPT $$"
exec 9>>"$file.$RSQLFLOW_JOB_ID"
flock -n 9 || echo "overlap $me $EPOCHREALTIME" >> "$file"
echo "start $me $EPOCHREALTIME" >> "$file"
for i in 1 2 3 4 5 6 7; do echo "$RSQLFLOW_JOB_ID $RSQLFLOW_ATTEMPT line $i"; done
for ((i = 0; i < $3; i += 100)); do
  sleep "0.0$((($3 - i) < 100 ? $3 - i : 99))"
  (($3 > 100)) && echo "$RSQLFLOW_JOB_ID $RSQLFLOW_ATTEMPT at $i"
done
echo "end $me $EPOCHREALTIME $4" >> "$file"
exit "$4"
"#
    )
}

/// What an instance does with a command: starts the agent, unless the case wants otherwise.
fn deliver(cases: &Path, agent: &Path) -> String {
    let (cases, agent) = (cases.display(), agent.display());
    format!(
        r#"#!/bin/sh
run= before=
for word in "$@"; do
  [ "$before" = --execution-id ] && run=$word
  before=$word
done
agent='{agent}'
dir='{cases}'/$run
if [ -d "$dir" ]; then
  . "$dir/env"
  i=1
  while [ -d "$dir" ] && ! mkdir "$dir/delivery-$i" 2>/dev/null; do i=$((i + 1)); done
  if [ -f "$dir/on-delivery-$i" ]; then . "$dir/on-delivery-$i"; fi
fi
exec "$agent" "$@"
"#
    )
}
