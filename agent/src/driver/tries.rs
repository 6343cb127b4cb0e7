//! The tries of the script, and their results.

use std::time::Duration;

use rsqlflow_core::plan::ResolvedJob;
use rsqlflow_core::protocol::{JobStatus, Outcome};
use rsqlflow_core::{Seconds, Timestamp, show_duration};
use rsqlflow_store::{Note, Try, causes};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

use super::claim::Claimed;
use super::keeper::KeeperChannels;
use super::{Assignment, Context};
use crate::aws::{Backoff, secrets};
use crate::cgroup::Cgroup;
use crate::clock::wall_clock;
use crate::guard::{Guard, Launch, Sealed, Start};
use crate::lease::Deadline;
use crate::logs::Capture;
use crate::process::environment::{self, Ids};
use crate::process::{
    Base, Control, DatabaseSecret, Exit, Memory, NeverStarted, Script, StopReason, Supervisor, TryEnd,
};
use crate::spool::Slot;
use crate::sql::Scanner;
use crate::tools::Tools;
use crate::user::User;

/// The end of a job.
#[derive(Debug)]
pub(super) enum Ended {
    /// It has a result.
    With {
        /// The result.
        outcome: Outcome,
        /// Every run of the script.
        tries: Vec<Try>,
        /// Digest of the script of the last try.
        sha256: Option<String>,
    },
    /// This process must not report it.
    Fenced,
}

/// Data of every try.
struct Job<'a> {
    ctx: &'a Context,
    assignment: &'a Assignment,
    claimed: &'a Claimed,
    slot: Option<&'a Slot>,
    cgroup: Option<&'a Cgroup>,
    guard: &'a mut Guard,
    deadline: watch::Receiver<Deadline>,
    user: User,
    tries: Vec<Try>,
    sha256: Option<String>,
}

/// The result of a try.
enum TryResult {
    Final(Outcome),
    /// The script failed and may run again, unless a stop was requested.
    Failed(Outcome, Option<StopReason>),
    Fenced,
}

pub(super) async fn run(
    ctx: &Context,
    assignment: &Assignment,
    claimed: &Claimed,
    (slot, cgroup): (Option<&Slot>, Option<&Cgroup>),
    guard: &mut Guard,
    channels: KeeperChannels,
    capture: &mut Capture,
) -> Ended {
    let KeeperChannels { mut control, deadline, .. } = channels;
    let control = &mut control;
    let user = match User::find(ctx.config.run_as.as_deref()) {
        Ok(user) => user,
        Err(error) => {
            let outcome = Outcome::without_exit(JobStatus::Failed, error.to_string());
            return Ended::With { outcome, tries: Vec::new(), sha256: None };
        }
    };
    let (tries, sha256) = (Vec::new(), None);
    let mut job = Job { ctx, assignment, claimed, slot, cgroup, guard, deadline, user, tries, sha256 };
    let policy = claimed.row.job.retry_policy();
    let mut number = 1;
    loop {
        let (outcome, asked) = match Box::pin(job.one(number, control, capture)).await {
            TryResult::Fenced => return Ended::Fenced,
            TryResult::Final(outcome) => return job.end(outcome),
            TryResult::Failed(outcome, asked) => (outcome, asked),
        };
        let Some(delay) = policy.delay_before(number) else { return job.end(outcome) };
        if let Some(reason) = asked {
            return job.end(stopped(reason, &claimed.row.job, &outcome.error_message));
        }
        number += 1;
        let message = outcome.error_message.as_deref().unwrap_or_default();
        capture.remark(&format!(
            "{message}; try {number} of {} in {}",
            policy.retries.saturating_add(1),
            show_duration(delay)
        ));
        // Shown while the job waits. The close writes the list again.
        let note = Note::new().tries(&job.tries);
        let (execution, id) = (&assignment.execution, assignment.job);
        if let Err(error) = ctx.jobs.note(execution, id, Some(assignment.attempt), note).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the try could not be written to the row"
            );
        }
        match wait(delay, control).await {
            None => {}
            Some(StopReason::Fenced) => return Ended::Fenced,
            Some(reason) => return job.end(stopped(reason, &claimed.row.job, &outcome.error_message)),
        }
    }
}

/// Waits for the next try, unless a stop is requested.
async fn wait(delay: Duration, control: &mut mpsc::UnboundedReceiver<Control>) -> Option<StopReason> {
    let end = Instant::now() + delay;
    loop {
        tokio::select! {
            biased;
            order = control.recv() => match order {
                // The next try starts with the deadline of that time.
                Some(Control::Extend(_)) => {}
                Some(Control::Stop(reason)) => return Some(reason),
                None => return Some(StopReason::Fenced),
            },
            () = sleep_until(end) => return None,
        }
    }
}

impl Job<'_> {
    fn end(self, outcome: Outcome) -> Ended {
        Ended::With { outcome, tries: self.tries, sha256: self.sha256 }
    }

    async fn one(
        &mut self,
        number: u32,
        control: &mut mpsc::UnboundedReceiver<Control>,
        capture: &mut Capture,
    ) -> TryResult {
        let start = wall_clock();
        let launch = {
            let preparing = self.prepare(number, capture);
            tokio::pin!(preparing);
            loop {
                tokio::select! {
                    biased;
                    order = control.recv() => match order {
                        Some(Control::Extend(_)) => {}
                        Some(Control::Stop(StopReason::Fenced)) | None => return TryResult::Fenced,
                        Some(Control::Stop(reason)) => {
                            return TryResult::Final(stopped(reason, &self.claimed.row.job, &None));
                        }
                    },
                    launch = &mut preparing => break launch,
                }
            }
        };
        let (launch, script) = match launch {
            Ok(launch) => launch,
            Err(message) => {
                return TryResult::Final(Outcome::without_exit(JobStatus::Failed, message));
            }
        };
        self.sha256 = Some(script.sha256.clone());
        let memory = Memory::look();
        let resolved = &self.claimed.row.job;
        let supervisor = Supervisor {
            guard: &mut *self.guard,
            launch: &launch,
            start: Start {
                deadline: *self.deadline.borrow(),
                grace: self.claimed.times.stop_grace,
                linger: resolved.linger.map_or(self.ctx.config.linger, Seconds::as_duration),
                run_as: self.user.run_as,
            },
            timeout: resolved.timeout.as_duration(),
            kept: self.slot.map(Slot::keep),
        };
        let mut scanner = Scanner::default();
        let end =
            supervisor.run(control, &mut |bytes| capture.push(bytes, &mut |bytes| scanner.push(bytes))).await;
        capture.end_of_try(&mut |bytes| scanner.push(bytes));
        scanner.finish();
        let note = leaks(&end);
        if let Some(note) = &note {
            tracing::warn!(note, "the script left processes or output");
            capture.remark(note);
        }
        tracing::info!(exit = %end.exit, stopped = ?end.stopped, leftovers = end.leftovers, "the script has ended");
        if let Some(copy) = &script.copy {
            // If it was not mounted, the copy still exists.
            let _ = std::fs::remove_file(copy);
        }
        let explained = explain(&end, &script, scanner.explain(&end.exit), memory);
        self.judge(&end, explained, start, note)
    }

    /// Finds the script, its tools and its credentials.
    async fn prepare(&self, number: u32, capture: &mut Capture) -> Result<(Launch, Script), String> {
        let (config, row) = (&self.ctx.config, &self.claimed.row);
        // Only root can mount a copy.
        let copies = nix::unistd::geteuid().is_root().then(|| config.spool_dir.join("copies"));
        let tools = Tools::prepare(config).map_err(|error| causes(&error))?;
        let id = row.job.secret.clone().or_else(|| config.secret.clone());
        let secret = match &id {
            None => None,
            Some(id) => {
                let client = self.ctx.clients.secrets();
                let read = secrets::read(client, id, Backoff::of_preparation()).await;
                Some(read.map_err(|error| causes(&error))?)
            }
        };
        capture.hide(secret.as_ref().and_then(|secret: &DatabaseSecret| secret.password.as_deref()));
        let base = Base {
            path: tools.path,
            home: self.user.home.clone(),
            passed: config
                .pass_env
                .iter()
                .filter_map(|name| Some((name.into(), std::env::var_os(name)?)))
                .collect(),
        };
        let own = row.job.env.iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        let ids = Ids {
            workflow: &row.workflow_id,
            execution: &self.assignment.execution,
            job: self.assignment.job,
            job_name: &row.job_name,
            attempt: self.assignment.attempt,
            try_number: number,
            secret_id: id.as_deref(),
        };
        // Last, so that an earlier failure leaves no copy.
        let script = Script::find(&config.script_dir, &row.job.script, copies.as_deref());
        let script = script.map_err(|error| causes(&error))?;
        let env = environment::build(&base, secret.as_ref(), own, ids);
        let first = [tools.creds_dir.into_os_string(), id.unwrap_or_default().into()];
        let (program, args) = script.command(first, &row.job.args);
        let sealed = script.copy.clone().map(|copy| Sealed { script: script.path.clone(), copy });
        let directory = script.path.parent().unwrap_or(&config.script_dir).to_owned();
        let cgroup = self.cgroup.map(|cgroup| cgroup.path().to_owned());
        Ok((Launch { program, args, env, directory, sealed, cgroup }, script))
    }

    fn judge(
        &mut self,
        end: &TryEnd,
        explained: String,
        start: Timestamp,
        note: Option<String>,
    ) -> TryResult {
        let verdict = verdict(end, explained, &self.claimed.row.job);
        if let TryResult::Final(outcome) | TryResult::Failed(outcome, _) = &verdict {
            self.tries.push(Try {
                start_ts: start,
                end_ts: wall_clock(),
                exit_code: outcome.exit_code,
                error_message: outcome.error_message.clone(),
                note,
            });
        }
        verdict
    }
}

/// The end of a script in words, with the relevant facts about its file and the machine.
fn explain(end: &TryEnd, script: &Script, mut said: String, memory: Memory) -> String {
    if let Exit::NeverStarted(NeverStarted::Unstartable(error)) = end.exit {
        return format!("could not be started: {}", script.explain(error));
    }
    let code = end.exit.code();
    let hints = [code.and_then(|code| script.hint_after(code)), memory.hint_after(code)];
    // A script that was stopped needs no other explanation.
    for hint in hints.into_iter().flatten().filter(|_| end.stopped.is_none()) {
        said.push_str("; ");
        said.push_str(&hint);
    }
    said
}

/// Evaluates a try. `explained` is its end in words.
fn verdict(end: &TryEnd, explained: String, job: &ResolvedJob) -> TryResult {
    if [end.stopped, end.asked].contains(&Some(StopReason::Fenced)) {
        return TryResult::Fenced;
    }
    match (end.stopped, &end.exit) {
        (None, Exit::NeverStarted(NeverStarted::Late)) => TryResult::Fenced,
        (Some(reason), exit) => {
            let mut outcome = stopped(reason, job, &Some(explained));
            outcome.exit_code = exit.code();
            TryResult::Final(outcome)
        }
        (None, Exit::Code(code)) if job.is_success(*code) => TryResult::Final(Outcome {
            status: JobStatus::Completed,
            exit_code: Some(*code),
            error_message: None,
            error_name: None,
        }),
        (None, exit) => {
            let mut outcome = Outcome::without_exit(JobStatus::Failed, explained);
            outcome.exit_code = exit.code();
            // A script that did not start, or lost its guard, has no exit code: it is not retried.
            if exit.code().is_some() {
                TryResult::Failed(outcome, end.asked)
            } else {
                TryResult::Final(outcome)
            }
        }
    }
}

/// The result of a job that was stopped. `how` is the end of its script, if it ran.
fn stopped(reason: StopReason, job: &ResolvedJob, how: &Option<String>) -> Outcome {
    let (status, why) = match reason {
        StopReason::TimedOut => {
            (JobStatus::TimedOut, format!("did not end within its timeout of {}", job.timeout))
        }
        StopReason::Cancelled => (JobStatus::Cancelled, "cancelled on request".to_owned()),
        // Not `Cancelled`: the job was not cancelled.
        StopReason::AgentStopping | StopReason::Fenced => {
            (JobStatus::Failed, "the agent was asked to stop, and stopped its script".to_owned())
        }
    };
    let message = match how {
        Some(how) => format!("{why}; {how}"),
        None => why,
    };
    Outcome::without_exit(status, message)
}

/// Notes about processes and output that a script left, for its log and for the list of tries.
fn leaks(end: &TryEnd) -> Option<String> {
    let left = match end.leftovers {
        0 => None,
        1 => Some("ended 1 process that the script had left running".to_owned()),
        count => Some(format!("ended {count} processes that the script had left running")),
    };
    let held = (!end.output_ended)
        .then(|| "the output was not read to its end: another process keeps it open".to_owned());
    match (left, held) {
        (Some(left), Some(held)) => Some(format!("{left}; {held}")),
        (left, held) => left.or(held),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job() -> ResolvedJob {
        serde_json::from_value(serde_json::json!({
            "job_name": "load", "script": "load.sh", "timeout": 60, "heartbeat": 180, "retries": 3,
            "retry_delay": 1, "retry_backoff": 2.0, "ok_exit_codes": [0], "on_lost": "fail"
        }))
        .unwrap()
    }

    fn judged(code: i32, stopped: Option<StopReason>, asked: Option<StopReason>) -> TryResult {
        let end = TryEnd { exit: Exit::Code(code), stopped, asked, leftovers: 0, output_ended: true };
        verdict(&end, "as it ended".to_owned(), &job())
    }

    #[test]
    fn a_request_that_came_after_the_scripts_end_counts() {
        use StopReason::{AgentStopping, Cancelled, Fenced, TimedOut};
        for code in [0, 1] {
            assert!(matches!(judged(code, None, Some(Fenced)), TryResult::Fenced));
            assert!(matches!(judged(code, Some(TimedOut), Some(Fenced)), TryResult::Fenced));
        }
        for reason in [Cancelled, AgentStopping] {
            assert!(
                matches!(judged(1, None, Some(reason)), TryResult::Failed(_, Some(asked)) if asked == reason)
            );
            let TryResult::Final(outcome) = judged(0, None, Some(reason)) else { panic!("it succeeded") };
            assert_eq!(outcome.status, JobStatus::Completed, "what was done before the request is done");
        }
        assert!(matches!(judged(1, None, None), TryResult::Failed(_, None)));
    }

    #[tokio::test]
    async fn a_request_wins_over_the_end_of_the_pause() {
        let (orders, mut control) = mpsc::unbounded_channel();
        orders.send(Control::Stop(StopReason::Cancelled)).unwrap();
        assert_eq!(wait(Duration::ZERO, &mut control).await, Some(StopReason::Cancelled));
        assert_eq!(wait(Duration::ZERO, &mut control).await, None);
    }
}
