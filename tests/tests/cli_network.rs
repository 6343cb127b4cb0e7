//! Who follows a run while the services cannot be reached.

use std::io::{BufRead, BufReader, Read};
use std::process::Child;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rsqlflow_core::protocol::JobStatus::Running;
use rsqlflow_tests::{Fault, Network, Said, World};

/// A command at work, what it says heard as it says it.
struct Follower {
    child: Child,
    said: Receiver<String>,
    err: String,
}

impl Follower {
    fn start(world: &World, args: &[&str]) -> Self {
        let mut child = world.operator_in_background(args);
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (send, said) = channel();
        std::thread::spawn(move || stderr.lines().map_while(Result::ok).try_for_each(|line| send.send(line)));
        Self { child, said, err: String::new() }
    }

    /// Waits for a line on standard error.
    fn says(&mut self, part: &str) {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let line = self.said.recv_timeout(left);
            let line = line.unwrap_or_else(|error| panic!("{part:?} is not said ({error}): {}", self.err));
            self.err.push_str(&line);
            self.err.push('\n');
            if line.contains(part) {
                return;
            }
        }
    }

    fn ends(mut self, code: i32) -> Said {
        let mut out = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        let status = self.child.wait().unwrap();
        for line in self.said {
            self.err.push_str(&line);
            self.err.push('\n');
        }
        Said { code: status.code(), out, err: self.err }.ends(code)
    }
}

/// A world whose script `wait.sh` of workflow `w` waits for a file `go`.
async fn waiting() -> World {
    let world = World::start().await;
    let go = world.file("go");
    world.script(
        "wait.sh",
        &format!("echo before; until [[ -e '{}' ]]; do sleep 0.02; done; echo after", go.display()),
    );
    world.put_stage("w", "sequential", serde_json::json!(["wait.sh"])).await;
    world
}

#[tokio::test]
async fn who_follows_a_run_goes_on_when_the_endpoint_is_back() {
    let mut world = waiting().await;
    let mut start = Follower::start(&world, &["start", "w", "--execution-id", "r", "--watch"]);
    start.says("Running");
    let mut watch = Follower::start(&world, &["watch", "r"]);
    watch.says("Running");
    let mut logs = world.rsqlflow(&["logs", "r", "wait.sh", "-f"]).spawn().unwrap();
    let mut lines = BufReader::new(logs.stdout.take().unwrap());
    let mut line = String::new();
    lines.read_line(&mut line).unwrap();
    assert_eq!(line, "before\n");

    world.kill();
    let mut told = String::new();
    let mut warned = BufReader::new(logs.stderr.take().unwrap());
    warned.read_line(&mut told).unwrap();
    assert!(told.contains("cannot read the state directory") && told.contains("trying again"), "{told}");
    for follower in [&mut start, &mut watch] {
        follower.says("trying again; the run continues");
        assert!(follower.err.contains("Connection refused"), "{}", follower.err);
    }

    world.restart();
    for follower in [&mut start, &mut watch] {
        follower.says("can be read again");
    }
    std::fs::write(world.file("go"), "").unwrap();
    for follower in [start, watch] {
        let said = follower.ends(0).says("Completed  r  1 Completed");
        assert_eq!(said.err.matches("trying again").count(), 1, "once an outage: {said:?}");
    }
    let mut rest = String::new();
    lines.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "after\n", "nothing is shown twice");
    assert_eq!(logs.wait().unwrap().code(), Some(0));
}

#[tokio::test]
async fn what_waiting_does_not_mend_ends_the_following_at_once_and_not_the_run() {
    let world = waiting().await;
    let network = Network::before(&world.url);
    let id = world.begin("w").await;
    world.reach(&id, 0, Running).await;
    let follow = |more: &[&str]| {
        let url = network.url.clone();
        let args = [more, &["--endpoint-url", &url]].concat();
        Follower::start(&world, &args)
    };
    let mut watch = follow(&["watch", id.as_str(), "--output", "json"]);
    watch.says("Running");
    network.fail("DynamoDB", Fault::Denied);
    let lost = watch.ends(4).json();
    let (error, hint) = (lost["error"].as_str().unwrap(), lost["hint"].as_str().unwrap());
    assert!(error.contains("the run continues without this command"), "{lost}");
    assert!(error.contains("AccessDeniedException"), "{lost}");
    assert!(hint.contains(&format!("run `rsqlflow watch {id}` to follow it again")), "{lost}");
    assert_eq!(lost["exit_code"], 4);

    let never = follow(&["watch", id.as_str()]).ends(3);
    assert!(!never.err.contains("continues"), "it was never followed: {never:?}");
    network.restore();
    std::fs::write(world.file("go"), "").unwrap();
    assert!(world.end(&id).await.completed());
}

#[tokio::test]
async fn a_signal_ends_a_cancel_that_nobody_answers() {
    let world = waiting().await;
    let network = Network::before(&world.url);
    let id = world.begin("w").await;
    world.reach(&id, 0, Running).await;
    network.fail("AWSStepFunctions.StopExecution", Fault::Silent);
    let url = network.url.clone();
    let mut cancel = Follower::start(&world, &["cancel", id.as_str(), "--yes", "--endpoint-url", &url]);
    cancel.says("cancelling");
    let pid = Pid::from_raw(i32::try_from(cancel.child.id()).unwrap());
    kill(pid, Signal::SIGTERM).unwrap();
    let left = cancel.ends(130);
    assert!(left.err.contains("detached: the cancel request was not answered"), "{left:?}");
    network.restore();
    std::fs::write(world.file("go"), "").unwrap();
    assert!(world.end(&id).await.completed());
}
