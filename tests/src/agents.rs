//! Agents in a test's own hands: commands that are held back, settings of an instance, processes started by hand.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use rsqlflow_core::{ExecutionId, JobId};
use serde_json::Value;

use crate::{World, command, eventually};

/// A script that marks its start and then waits for a test.
pub struct Gate {
    starts: PathBuf,
    go: PathBuf,
}

impl Gate {
    /// How often the script was started.
    #[must_use]
    pub fn starts(&self) -> usize {
        std::fs::read_to_string(&self.starts).map_or(0, |text| text.lines().count())
    }

    /// Waits until it was started so often.
    pub async fn started(&self, times: usize) {
        eventually("the script's start", async || (self.starts() >= times).then_some(())).await;
    }

    /// Lets it end, now and whenever it is started again.
    ///
    /// # Panics
    /// Where the file cannot be written.
    pub fn open(&self) {
        std::fs::write(&self.go, "").expect("the gate's file");
    }
}

/// A command with a small disk of its own at `path`, which is full. That takes a mount, hence a user namespace
/// (user_namespaces(7)); `None` where this machine allows none.
#[must_use]
pub fn on_a_full_disk(command: &tokio::process::Command, path: &Path) -> Option<tokio::process::Command> {
    const FILLED: &str = "mount -t tmpfs -o size=64k tmpfs \"$0\" && { head -c 1M /dev/zero > \"$0/filler\" 2>/dev/null; \
                          ! echo x > \"$0/more\"; } 2>/dev/null && exec \"$@\"";
    let shell = |command: &mut std::process::Command| {
        command.args(["--user", "--map-root-user", "--mount", "sh", "-c", FILLED]).arg(path);
    };
    let mut probe = std::process::Command::new("unshare");
    shell(&mut probe);
    if !probe.arg("true").stderr(Stdio::null()).status().is_ok_and(|status| status.success()) {
        return None;
    }
    let mut full = std::process::Command::new("unshare");
    shell(&mut full);
    let command = command.as_std();
    full.arg(command.get_program()).args(command.get_args()).env_clear();
    full.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    Some(full.into())
}

/// Whether control groups of version 2 can be made here, which hold a job's processes together.
#[must_use]
pub fn has_control_groups() -> bool {
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let roots =
        mounts.lines().filter(|line| line.contains(" - cgroup2 ")).filter_map(|line| line.split(' ').nth(4));
    roots
        .map(|root| Path::new(root).join(format!("rsqlflow-probe-{}", std::process::id())))
        .any(|probe| std::fs::create_dir(&probe).is_ok() && std::fs::remove_dir(&probe).is_ok())
}

impl World {
    /// Writes a script that waits for its gate, and says "done" after that.
    #[must_use]
    pub fn gate(&self, name: &str) -> Gate {
        let gate =
            Gate { starts: self.file(&format!("{name}-starts")), go: self.file(&format!("{name}-go")) };
        let (starts, go) = (gate.starts.display(), gate.go.display());
        self.script(
            name,
            &format!("echo $$ >> '{starts}'; until [[ -e '{go}' ]]; do sleep 0.02; done; echo done"),
        );
        gate
    }

    /// From now on, commands start agents. (See [`crate::WorldOptions::hold_commands`].)
    ///
    /// # Panics
    /// Where they do already.
    pub fn release_commands(&self) {
        std::fs::remove_file(self.file("hold")).expect("commands are held");
    }

    /// The folder of the first instance.
    ///
    /// # Panics
    /// Where there is none.
    #[must_use]
    pub fn instance(&self) -> PathBuf {
        let instances = std::fs::read_dir(self.state_dir().join("instances")).expect("instances");
        instances.map(|entry| entry.expect("an instance").path()).min().expect("an instance")
    }

    /// Changes a setting of the first instance's agents; `value` is TOML. Agents that run keep theirs.
    ///
    /// # Panics
    /// Where the file cannot be changed.
    pub fn set_agent(&self, key: &str, value: &str) {
        let path = self.instance().join("agent.toml");
        let text = std::fs::read_to_string(&path).expect("agent.toml");
        let mut lines: Vec<_> = text.lines().filter(|line| !line.starts_with(&format!("{key} ="))).collect();
        let line = format!("{key} = {value}");
        lines.push(&line);
        std::fs::write(path, lines.join("\n")).expect("agent.toml");
    }

    /// An agent on the first instance, as the SSM agent would start it, but by hand; `url` stands for AWS.
    #[must_use]
    pub fn agent(&self, url: &str) -> tokio::process::Command {
        let mut command = command("rsqlflow-agent");
        command
            .current_dir("/")
            .env("RSQLFLOW_AGENT_CONFIG", self.instance().join("agent.toml"))
            .env("AWS_ENDPOINT_URL", url)
            .envs(self.keys.env())
            .stdin(Stdio::null());
        let mut command = tokio::process::Command::from(command);
        command.kill_on_drop(true);
        command
    }

    /// The agent for an attempt of the first job, in the foreground. Its own log is where the others' are.
    ///
    /// # Panics
    /// Where its log cannot be opened.
    #[must_use]
    pub fn agent_for(&self, url: &str, id: &ExecutionId, attempt: u32) -> tokio::process::Command {
        let log =
            OpenOptions::new().create(true).append(true).open(self.state_dir().join("agent-by-hand.log"));
        let mut command = self.agent(url);
        command
            .args(["run", "--foreground", "--execution-id", id.as_str()])
            .args(["--job-id", &JobId::new(0, 0).to_string(), "--attempt", &attempt.to_string()])
            .stderr(log.expect("a log"));
        command
    }

    /// What `flush` or `status` of the agent answers, with its exit code.
    ///
    /// # Panics
    /// Where it answers nothing that a program could read.
    pub async fn ask_agent(&self, url: &str, what: &str) -> (Option<i32>, Value) {
        let output =
            self.agent(url).args([what, "--output", "json"]).output().await.expect("the agent starts");
        let answer = serde_json::from_slice(&output.stdout);
        let answer = answer.unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&output.stderr)));
        (output.status.code(), answer)
    }

    /// Results in the first instance's spool.
    #[must_use]
    pub fn spooled(&self) -> Vec<PathBuf> {
        let Ok(entries) = std::fs::read_dir(self.instance().join("spool/results")) else { return Vec::new() };
        let paths = entries.map(|entry| entry.expect("a result").path());
        paths.filter(|path| path.extension().is_some_and(|extension| extension == "json")).collect()
    }

    /// Event types of the only sequential child execution.
    ///
    /// # Panics
    /// Where there is another number of them.
    pub async fn child_history(&self) -> Vec<String> {
        let client = aws_sdk_sfn::Client::new(&self.sdk);
        let machines =
            client.list_state_machines().send().await.expect("the machines are listed").state_machines;
        let name = &self.deployment.machines.sequential.name;
        let machine = machines.iter().find(|m| m.name() == name).expect("the sequential machine");
        let list = client.list_executions().state_machine_arn(machine.state_machine_arn()).send().await;
        let executions = list.expect("the executions are listed").executions;
        assert_eq!(executions.len(), 1, "{executions:?}");
        self.history(executions[0].execution_arn()).await
    }
}
