//! Starts a command's process.

use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::process::{Child, Command};
use tokio_util::sync::CancellationToken;

use crate::services::ssm::capture::capture;
use crate::services::ssm::instances::Instance;
use crate::services::ssm::progress::Progress;
use crate::{Credentials, place};

/// Output that `GetCommandInvocation` returns, in bytes.
const STDOUT: usize = 24_000;
const STDERR: usize = 8_000;

/// `executionTimeout` of a document without one.
pub(super) const EXECUTION_TIMEOUT: Duration = Duration::from_secs(3_600);

/// How long a cancelled command may take to end by itself.
const CANCEL_GRACE: Duration = Duration::from_secs(5);

/// How long outputs are read after the process has ended. A grandchild may keep the pipes open.
const DRAIN: Duration = Duration::from_millis(500);

/// Variables that commands inherit from the endpoint's environment. No others: a command must not depend on the shell of
/// the endpoint, and must not see the user's AWS credentials.
const INHERITED: [&str; 7] = ["PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "USER"];

/// The result of an invocation so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) progress: Progress,
    /// Exit code. -1 before the end, and if there is none.
    pub(super) response_code: i32,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

impl Outcome {
    /// An end without the end of a process.
    pub(super) fn without_process(progress: Progress, response_code: i32, reason: String) -> Self {
        Self { progress, response_code, stdout: String::new(), stderr: reason }
    }
}

/// Starts the agent as a child process.
#[derive(Debug)]
pub(crate) struct Launcher {
    /// The agent.
    pub(crate) agent: PathBuf,
    /// The endpoint, for the agent's clients.
    pub(crate) endpoint_url: String,
    /// What agents sign with.
    pub(crate) keys: Credentials,
}

impl Launcher {
    /// Runs one command on one instance until it ends, or until `stop`. The process is reaped here.
    pub(super) async fn run(
        &self,
        command_id: &str,
        instance: &Instance,
        arguments: &[String],
        stop: &CancellationToken,
    ) -> Outcome {
        let outcome = match self.command(command_id, instance, arguments).spawn() {
            Ok(child) => finish(child, stop).await,
            Err(e) => {
                let reason = format!("cannot start {}: {e}", self.agent.display());
                tracing::error!(instance_id = instance.id, "{reason}");
                Outcome::without_process(Progress::Failed, 127, reason)
            }
        };
        if outcome.progress != Progress::Success {
            tracing::warn!(
                instance_id = instance.id,
                command_id,
                response_code = outcome.response_code,
                stderr = outcome.stderr,
                "a command ended as {}",
                outcome.progress.details()
            );
        }
        outcome
    }

    fn command(&self, command_id: &str, instance: &Instance, arguments: &[String]) -> Command {
        let mut command = Command::new(&self.agent);
        command
            .args(arguments)
            .current_dir(&instance.folder)
            .env_clear()
            .envs(INHERITED.iter().filter_map(|name| Some((name, std::env::var_os(name)?))))
            .env("AWS_ENDPOINT_URL", &self.endpoint_url)
            .env("AWS_ACCESS_KEY_ID", self.keys.access_key_id())
            .env("AWS_SECRET_ACCESS_KEY", self.keys.secret_access_key())
            .env("AWS_REGION", place::REGION)
            .env("AWS_DEFAULT_REGION", place::REGION)
            .env("AWS_EC2_METADATA_DISABLED", "true")
            // The SSM agent sets these variables for scripts.
            .env("SSM_COMMAND_ID", command_id)
            .env("AWS_SSM_INSTANCE_ID", &instance.id)
            .env("AWS_SSM_REGION_NAME", place::REGION)
            .env("RSQLFLOW_AGENT_CONFIG", &instance.agent_config)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Ctrl-C in the endpoint's terminal must not reach the agents.
            .process_group(0)
            .kill_on_drop(false);
        command
    }
}

/// Waits for the end of the process and of its output, which a grandchild may keep open.
async fn finish(mut child: Child, stop: &CancellationToken) -> Outcome {
    let group = child.id();
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let pipes = (child.stdout.take(), child.stderr.take());
    let exited = CancellationToken::new();
    let (ended, ()) = tokio::join!(
        async {
            let ended = wait(&mut child, group, stop).await;
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
        Ended::Stopped(progress) => {
            Outcome { progress, response_code: -1, stdout: text(stdout), stderr: text(stderr) }
        }
        Ended::Lost(reason) => Outcome::without_process(Progress::Failed, -1, reason),
    }
}

enum Ended {
    Exit(ExitStatus),
    /// By us.
    Stopped(Progress),
    Lost(String),
}

async fn wait(child: &mut Child, group: Option<u32>, stop: &CancellationToken) -> Ended {
    // The id belongs to the child until it is reaped.
    let signal = |signal| {
        if let Some(group) = group.and_then(|id| i32::try_from(id).ok()) {
            let _ = killpg(Pid::from_raw(group), signal);
        }
    };
    tokio::select! {
        ended = child.wait() => return match ended {
            Ok(status) => Ended::Exit(status),
            Err(e) => Ended::Lost(format!("cannot wait for the process: {e}")),
        },
        // As the SSM agent does.
        () = tokio::time::sleep(EXECUTION_TIMEOUT) => {
            signal(Signal::SIGKILL);
            let _ = child.wait().await;
            return Ended::Stopped(Progress::ExecutionTimedOut);
        }
        () = stop.cancelled() => {}
    }
    signal(Signal::SIGTERM);
    if tokio::time::timeout(CANCEL_GRACE, child.wait()).await.is_err() {
        signal(Signal::SIGKILL);
        let _ = child.wait().await;
    } else {
        // Processes that the child left behind. While one of them lives, the id of the group is not reused.
        signal(Signal::SIGKILL);
    }
    Ended::Stopped(Progress::Cancelled)
}

fn response_code(status: ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt as _;
    status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(-1)
}
