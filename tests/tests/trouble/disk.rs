//! A disk that fills: a clear error, and nothing spoiled.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use nix::sys::signal::Signal;
use rsqlflow_tests::{Answer, Served, behind, directory, eventually, local, refused};
use serde_json::{Value, json};

/// Puts items until one is refused: how many were taken, and the refusal.
fn put_until_refused(served: &Served) -> (usize, Answer) {
    for number in 0..1_000 {
        let answer = served.put(&format!("w{number}"), 100_000);
        if answer.status != 200 {
            return (number, answer);
        }
    }
    panic!("the disk never filled");
}

fn assert_clear(answer: &Answer) {
    assert!((500..600).contains(&answer.status), "{answer:?}");
    let text = answer.body.to_ascii_lowercase();
    assert!(["full", "disk", "too large"].iter().any(|word| text.contains(word)), "it says why: {answer:?}");
}

#[test]
fn a_limit_on_file_sizes_refuses_writes_and_spoils_nothing() {
    let dir = directory();
    // setrlimit(2): beyond the limit a write fails with EFBIG if the signal is ignored. bash counts in KiB.
    let limited =
        behind(&["bash", "-c", "trap '' XFSZ; ulimit -f 4096; exec \"$@\"", "bash"], &local(dir.path()));
    let served = Served::start(limited);
    let (taken, refusal) = put_until_refused(&served);
    assert!(taken > 0);
    assert_clear(&refusal);
    assert!(served.serves());
    for number in 0..taken {
        assert!(served.has(&format!("w{number}")), "w{number} was acknowledged");
    }
    served.end();
    let served = Served::on(dir.path());
    for number in 0..taken {
        assert!(served.has(&format!("w{number}")), "w{number} was acknowledged");
    }
    assert_eq!(served.put("after", 100_000).status, 200);
}

/// A small disk of one's own, which takes a mount and hence a user namespace (user_namespaces(7)).
struct Disk {
    holder: Child,
}

impl Disk {
    /// `None` where this machine allows none.
    fn new(path: &Path, kib: u32) -> Option<Self> {
        let mount =
            format!("mount -t tmpfs -o size={kib}k,mode=700 tmpfs \"$0\" && echo mounted && exec cat");
        let mut holder = Command::new("unshare")
            .args(["--user", "--map-root-user", "--mount", "sh", "-c", &mount])
            .arg(path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let mut line = String::new();
        BufReader::new(holder.stdout.take()?).read_line(&mut line).ok()?;
        (line == "mounted\n").then_some(Self { holder })
    }

    /// The command, with the disk in sight.
    fn command(&self, command: &Command) -> Command {
        let holder = self.holder.id().to_string();
        behind(&["nsenter", "--preserve-credentials", "--user", "--mount", "--target", &holder], command)
    }

    fn shell(&self, script: &str) {
        let mut command = Command::new("sh");
        command.args(["-c", script]).env("PATH", std::env::var_os("PATH").unwrap_or_default());
        assert!(self.command(&command).status().expect("a shell").success(), "{script}");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        drop(self.holder.stdin.take());
        let _ = self.holder.wait();
    }
}

const START: &str = "AWSStepFunctions.StartExecution";

fn create_machine(served: &Served) -> String {
    let definition =
        json!({ "StartAt": "P", "States": { "P": { "Type": "Pass", "End": true } } }).to_string();
    let role = "arn:aws:iam::000000000000:role/r";
    let machine = json!({ "name": "disk", "definition": definition, "roleArn": role });
    let answer = served.call("AWSStepFunctions.CreateStateMachine", &machine);
    answer.json()["stateMachineArn"].as_str().expect("a machine").to_owned()
}

/// Starts executions `e0`, `e1`, … until one is refused: how many were taken, and the refusal.
fn start_until_refused(served: &Served, machine: &str) -> (usize, Answer) {
    let input = json!("i".repeat(50_000)).to_string();
    for number in 0..1_000 {
        let start = json!({ "stateMachineArn": machine, "name": format!("e{number}"), "input": input });
        let answer = served.call(START, &start);
        if answer.status != 200 {
            return (number, answer);
        }
    }
    panic!("the disk never filled");
}

fn describe(served: &Served, name: &str) -> Value {
    let arn = format!("arn:aws:states:us-east-1:000000000000:execution:disk:{name}");
    served.call("AWSStepFunctions.DescribeExecution", &json!({ "executionArn": arn })).json()
}

async fn succeed(served: &Served, name: &str) {
    let what = format!("the success of {name}");
    eventually(&what, async || (describe(served, name)["status"] == "SUCCEEDED").then_some(())).await;
}

#[tokio::test]
async fn a_full_disk_refuses_writes_and_goes_on_when_there_is_room() {
    let dir = directory();
    let Some(disk) = Disk::new(dir.path(), 8_192) else {
        eprintln!("not tested: no user namespaces here");
        return;
    };
    let filler = dir.path().join("filler");
    let filler = filler.to_str().unwrap();
    let start = || disk.command(&local(&dir.path().join("state")));
    disk.shell(&format!("! head -c 64M /dev/zero > '{filler}' 2>/dev/null"));
    let (code, error, _) = refused(start());
    assert_eq!(code, Some(3), "{error}");
    assert!(error.contains("No space left") || error.contains("full"), "{error}");
    disk.shell(&format!("rm '{filler}'"));

    let served = Served::start(start());
    assert_eq!(served.put("before", 1_000).status, 200);
    let machine = create_machine(&served);
    disk.shell(&format!("! head -c 64M /dev/zero > '{filler}' 2>/dev/null"));
    disk.shell(&format!("truncate -s -1M '{filler}'"));
    let (taken, refusal) = put_until_refused(&served);
    assert!(taken > 0, "there was 1 MB left");
    assert_clear(&refusal);
    assert!(!served.has(&format!("w{taken}")), "what was refused is not there");
    disk.shell(&format!("truncate -s -1M '{filler}'"));
    let (started, refusal) = start_until_refused(&served, &machine);
    assert!(started > 0, "there was 1 MB more");
    assert_clear(&refusal);
    let group = "/ops/rsql-logs/";
    let filled = (0..1_000).find_map(|number| {
        let create =
            json!({ "logGroupName": group, "logStreamName": format!("{number}{}", "s".repeat(500)) });
        let answer = served.call("Logs_20140328.CreateLogStream", &create);
        (answer.status != 200).then_some(answer)
    });
    assert_clear(&filled.expect("the logs' file cannot grow either"));
    assert!(served.serves() && served.has("before"), "reading goes on");

    disk.shell(&format!("rm '{filler}'"));
    assert_eq!(served.put("after", 100_000).status, 200, "there is room again");
    let after = served.call(START, &json!({ "stateMachineArn": machine, "name": "after" }));
    assert_eq!(after.status, 200, "{after:?}");
    succeed(&served, "after").await;
    served.signal(Signal::SIGKILL);
    drop(served);
    let served = Served::start(start());
    assert!(served.has("before") && served.has("after"));
    for number in 0..started {
        succeed(&served, &format!("e{number}")).await;
    }
    let refused = describe(&served, &format!("e{started}"));
    assert_eq!(refused["__type"], "ExecutionDoesNotExist", "{refused}");
    for number in 0..taken {
        assert!(served.has(&format!("w{number}")), "w{number} was acknowledged");
    }
}
