//! How a command becomes a process.

use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::process::{Child, Command};
use tokio_util::sync::CancellationToken;

use crate::place;
use crate::services::ssm::capture::capture;
use crate::services::ssm::instances::Instance;
use crate::services::ssm::invocation::{Invocation, Outcome, Progress};

/// What `GetCommandInvocation` shows of the outputs, in bytes.
const STDOUT: usize = 24_000;
const STDERR: usize = 8_000;

/// `executionTimeout` of a document that names none.
const EXECUTION_TIMEOUT: Duration = Duration::from_secs(3_600);

/// How long the outputs are read after the process has ended: a grandchild may hold the pipes for ever.
const DRAIN: Duration = Duration::from_millis(500);

/// Variables that commands get from the endpoint's own environment. All others stay behind: a command must not
/// depend on the shell that the endpoint was started from, and must not see the user's AWS credentials.
const INHERITED: [&str; 7] = ["PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "USER"];

/// Starts the agent as a child process.
#[derive(Debug)]
pub(crate) struct Launcher {
    /// The agent.
    pub(crate) agent: PathBuf,
    /// The endpoint, for the agent's clients.
    pub(crate) endpoint_url: String,
}

impl Launcher {
    /// Carries out one command on one instance, from delivery to its end. The process is reaped here.
    pub(super) async fn run(
        &self,
        invocation: &Invocation,
        instance: &Instance,
        arguments: &[String],
        delivery: Duration,
    ) {
        let Ok(Ok(_worker)) = tokio::time::timeout(delivery, instance.workers.acquire()).await else {
            let reason = "the command was not delivered in time: the instance is busy".to_owned();
            invocation.end(Outcome::without_process(Progress::DeliveryTimedOut, -1, reason));
            return;
        };
        invocation.start();
        let outcome = match self.command(invocation, instance, arguments).spawn() {
            Ok(child) => finish(child).await,
            Err(e) => {
                let reason = format!("cannot start {}: {e}", self.agent.display());
                tracing::error!(instance_id = instance.id, "{reason}");
                Outcome::without_process(Progress::Failed, 127, reason)
            }
        };
        if outcome.progress != Progress::Success {
            tracing::warn!(
                instance_id = instance.id,
                command_id = invocation.command_id,
                response_code = outcome.response_code,
                stderr = outcome.stderr,
                "a command failed"
            );
        }
        invocation.end(outcome);
    }

    fn command(&self, invocation: &Invocation, instance: &Instance, arguments: &[String]) -> Command {
        let mut command = Command::new(&self.agent);
        command
            .args(arguments)
            .current_dir(&instance.folder)
            .env_clear()
            .envs(INHERITED.iter().filter_map(|name| Some((name, std::env::var_os(name)?))))
            .env("AWS_ENDPOINT_URL", &self.endpoint_url)
            .env("AWS_ACCESS_KEY_ID", crate::sdk::ACCESS_KEY)
            .env("AWS_SECRET_ACCESS_KEY", crate::sdk::SECRET_KEY)
            .env("AWS_REGION", place::REGION)
            .env("AWS_DEFAULT_REGION", place::REGION)
            .env("AWS_EC2_METADATA_DISABLED", "true")
            // The SSM agent gives these to scripts.
            .env("SSM_COMMAND_ID", &invocation.command_id)
            .env("AWS_SSM_INSTANCE_ID", &instance.id)
            .env("AWS_SSM_REGION_NAME", place::REGION)
            .env("RSQLFLOW_AGENT_CONFIG", &instance.agent_config)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Ctrl-C in the endpoint's terminal is not for the agents.
            .process_group(0)
            .kill_on_drop(false);
        command
    }
}

/// Waits for the end of the process and of its output, which a grandchild may hold open.
async fn finish(mut child: Child) -> Outcome {
    let group = child.id();
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let pipes = (child.stdout.take(), child.stderr.take());
    let exited = CancellationToken::new();
    let (ended, ()) = tokio::join!(
        async {
            let ended = wait(&mut child, group).await;
            exited.cancel();
            ended
        },
        async {
            let read = async {
                tokio::join!(
                    async {
                        if let Some(pipe) = pipes.0 {
                            capture(pipe, STDOUT, &mut stdout).await;
                        }
                    },
                    async {
                        if let Some(pipe) = pipes.1 {
                            capture(pipe, STDERR, &mut stderr).await;
                        }
                    }
                )
            };
            tokio::select! {
                _ = read => {}
                () = async { exited.cancelled().await; tokio::time::sleep(DRAIN).await } => {}
            }
        }
    );
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    match ended {
        Ended::Exit(status) => {
            let code = response_code(status);
            let progress = if code == 0 { Progress::Success } else { Progress::Failed };
            Outcome { progress, response_code: code, stdout: text(stdout), stderr: text(stderr) }
        }
        Ended::Overdue => Outcome {
            progress: Progress::ExecutionTimedOut,
            response_code: -1,
            stdout: text(stdout),
            stderr: text(stderr),
        },
        Ended::Lost(reason) => Outcome::without_process(Progress::Failed, -1, reason),
    }
}

enum Ended {
    Exit(ExitStatus),
    Overdue,
    Lost(String),
}

async fn wait(child: &mut Child, group: Option<u32>) -> Ended {
    match tokio::time::timeout(EXECUTION_TIMEOUT, child.wait()).await {
        Ok(Ok(status)) => Ended::Exit(status),
        Ok(Err(e)) => Ended::Lost(format!("cannot wait for the process: {e}")),
        Err(_) => {
            // As the SSM agent does it. The child is not reaped yet, so its id is still its own.
            if let Some(group) = group.and_then(|id| i32::try_from(id).ok()) {
                let _ = killpg(Pid::from_raw(group), Signal::SIGKILL);
            }
            let _ = child.wait().await;
            Ended::Overdue
        }
    }
}

fn response_code(status: ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt as _;
    status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(-1)
}
