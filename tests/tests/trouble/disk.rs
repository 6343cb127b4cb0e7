//! A disk that fills: a clear error, and nothing spoiled.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use rsqlflow_tests::{Answer, Served, SmallDisk, behind, directory, eventually, local, refused};
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
    let Some(disk) = SmallDisk::new(dir.path(), 8_192) else {
        eprintln!("not tested: no user namespaces here");
        return;
    };
    let filler = disk.filler();
    let start = || disk.command(&local(&dir.path().join("state")));
    disk.fill();
    let (code, error, _) = refused(start());
    assert_eq!(code, Some(3), "{error}");
    assert!(error.contains("No space left") || error.contains("full"), "{error}");
    disk.free();

    let served = Served::start(start());
    assert_eq!(served.put("before", 1_000).status, 200);
    let machine = create_machine(&served);
    disk.fill();
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

    disk.free();
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

/// A write of each service until it is refused, for which its files may still have room: what it answers then. No answer
/// takes long.
fn refused_at_last(what: &str, mut write: impl FnMut(usize) -> Answer) -> Answer {
    for number in 0..400 {
        let asked = Instant::now();
        let answer = write(number);
        assert!(asked.elapsed() < Duration::from_secs(5), "{what} took {:?}", asked.elapsed());
        if answer.status != 200 && answer.status != 202 {
            return answer;
        }
    }
    panic!("{what}: the disk never filled");
}

#[tokio::test]
async fn on_a_full_disk_every_service_refuses_to_write_at_once_and_what_waits_goes_on_when_there_is_room() {
    let dir = directory();
    let Some(disk) = SmallDisk::new(dir.path(), 12_288) else {
        eprintln!("not tested: no user namespaces here");
        return;
    };
    let served = Served::start(disk.command(&local(&dir.path().join("state"))));
    let machine = create_machine(&served);
    let wait = json!({ "StartAt": "W", "States": { "W": { "Type": "Wait", "Seconds": 5, "End": true } } });
    let role = "arn:aws:iam::000000000000:role/r";
    let waits = json!({ "name": "waits", "definition": wait.to_string(), "roleArn": role });
    let waits = served.call("AWSStepFunctions.CreateStateMachine", &waits).json();
    for name in ["waits", "stopped"] {
        let start = json!({ "stateMachineArn": waits["stateMachineArn"], "name": name });
        assert_eq!(served.call(START, &start).status, 200);
    }
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let topic = served.send("POST /", &form, b"Action=CreateTopic&Version=2010-03-31&Name=t");
    assert_eq!(topic.status, 200, "{topic:?}");
    let stream = json!({ "logGroupName": "/ops/rsql-logs/", "logStreamName": "s" });
    assert_eq!(served.call("Logs_20140328.CreateLogStream", &stream).status, 200);
    disk.fill();

    assert_clear(&refused_at_last("DynamoDB", |n| served.put(&format!("w{n}"), 100_000)));
    let (_, refusal) = start_until_refused(&served, &machine);
    assert_clear(&refusal);
    assert_clear(&refused_at_last("Step Functions", |n| {
        let definition = json!({ "Comment": "c".repeat(50_000), "StartAt": "P",
            "States": { "P": { "Type": "Pass", "End": true } } });
        let create =
            json!({ "name": format!("m{n}"), "definition": definition.to_string(), "roleArn": role });
        served.call("AWSStepFunctions.CreateStateMachine", &create)
    }));
    assert_clear(&refused_at_last("Logs", |_| {
        let events =
            json!([{ "timestamp": jiff::Timestamp::now().as_millisecond(), "message": "m".repeat(200_000) }]);
        let put = json!({ "logGroupName": "/ops/rsql-logs/", "logStreamName": "s", "logEvents": events });
        served.call("Logs_20140328.PutLogEvents", &put)
    }));
    assert_clear(&refused_at_last("Secrets Manager", |n| {
        let token = format!("{n:032}");
        let secret = json!({ "Name": format!("s{n}"), "SecretString": "s".repeat(50_000), "ClientRequestToken": token });
        served.call("secretsmanager.CreateSecret", &secret)
    }));
    assert_clear(&refused_at_last("SNS", |_| {
        let topic = "arn%3Aaws%3Asns%3Aus-east-1%3A000000000000%3At";
        let message = "m".repeat(200_000);
        let publish = format!("Action=Publish&Version=2010-03-31&TopicArn={topic}&Message={message}");
        served.send("POST /", &form, publish.as_bytes())
    }));
    assert_clear(&refused_at_last("Lambda", |_| {
        let invoke = "POST /2015-03-31/functions/rsqlflow-clock/invocations";
        let event = json!({ "padding": "p".repeat(200_000) }).to_string();
        served.send(invoke, &[("x-amz-invocation-type", "Event")], event.as_bytes())
    }));
    assert_clear(&refused_at_last("Systems Manager", |n| {
        let of = |value: &str| json!([value]);
        let parameters = json!({ "ExecutionId": of(&format!("e{n}")), "JobId": of("0000#00000"), "Attempt": of("1"),
            "Digest": of(&"0".repeat(64)) });
        let send = json!({ "DocumentName": "rsqlflow-run-job", "InstanceIds": ["i-local000000000001"],
            "Comment": "c".repeat(100), "Parameters": parameters });
        served.call("AmazonSSM.SendCommand", &send)
    }));
    let arn = |name: &str| format!("arn:aws:states:us-east-1:000000000000:execution:waits:{name}");
    let asked = Instant::now();
    let stop = json!({ "executionArn": arn("stopped"), "cause": "c".repeat(30_000) });
    assert_clear(&served.call("AWSStepFunctions.StopExecution", &stop));
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    assert!(served.serves(), "reading goes on");

    disk.free();
    assert_eq!(served.call("AWSStepFunctions.StopExecution", &stop).status, 200);
    let status =
        |name: &str| served.call("AWSStepFunctions.DescribeExecution", &json!({ "executionArn": arn(name) }));
    assert_eq!(status("stopped").json()["status"], "ABORTED");
    let done = async || (status("waits").json()["status"] == "SUCCEEDED").then_some(());
    eventually("the end of the wait, which passed while the disk was full", done).await;
}
