//! What is given wrong bytes, and what must hold all the same.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use asl::{Callback, Definition, Effect, Execution, ExecutionContext, Input, Seed};
use jiff::{SignedDuration, Timestamp};
use rsqlflow_agent::guard::message::{GuardCommand, Header, Lines, Report};
use rsqlflow_agent::logs::Redactor;
use rsqlflow_agent::logs::events::{Cutter, EVENT_BYTES, Marks, Rest};
use rsqlflow_agent::spool::{Results, UnsentLogs};
use rsqlflow_core::config::{Target as InstanceTarget, Workflow};
use rsqlflow_core::plan::{DeploymentDefaults, Plan, Snapshot, Trigger};
use rsqlflow_core::{Deployment, ExecutionId, Timing};
use rsqlflow_local::{Endpoint, Options};
use serde_json::Value;

/// A reader of bytes from outside.
#[derive(Debug)]
pub struct Target {
    /// Its name, which is also that of its folder of seeds.
    pub name: &'static str,
    /// Gives it an input. Panics where something does not hold.
    pub run: fn(&[u8]),
    /// Words that are put into inputs.
    pub words: &'static [&'static str],
}

/// All of them.
pub static TARGETS: [Target; 7] = [
    Target { name: "workflow", run: workflow, words: WORKFLOW_WORDS },
    Target { name: "asl", run: machine, words: MACHINE_WORDS },
    Target { name: "endpoint", run: endpoint, words: ENDPOINT_WORDS },
    Target {
        name: "guard",
        run: guard,
        words: &[
            "start ",
            "extend ",
            "stop\n",
            "kill\n",
            "started ",
            "exited ",
            " ",
            "-1",
            "18446744073709551616",
            "\n",
        ],
    },
    Target {
        name: "log",
        run: log,
        words: &["\n", "\r\n", "\r", "é", "\u{1f600}", "\u{0}", "\u{1b}[2J", "\u{fffd}", "    "],
    },
    Target {
        name: "redact",
        run: redact,
        words: &["s3cr", "et", "'", "\\\"", "%", "s3cret!", "\n", "czNjcmV0IQ"],
    },
    Target {
        name: "spool",
        run: spool,
        words: &["\"version\":", "\"attempt\":", "1", "4294967296", "null", "{", "}", "\"", "-", "\u{0}"],
    },
];

const WORKFLOW_WORDS: &[&str] = &[
    "\"workflow_id\":",
    "\"workflow_stages\":",
    "\"scripts\":",
    "\"execution_type\":",
    "\"parallel\"",
    "\"retries\":",
    "\"timeout\":",
    "\"heartbeat\":",
    "\"env\":",
    "\"args\":",
    "\"target\":",
    "{{ ds }}",
    "{{",
    "}}",
    "null",
    "true",
    "1e400",
    "-0",
    "99999999999999999999",
    "\"1h30m\"",
    "\"\"",
    "[",
    "]",
    "{",
    "}",
    ",",
    "\\u0000",
    "\\ud800",
    "é",
];

const MACHINE_WORDS: &[&str] = &[
    "\"Type\":",
    "\"Next\":",
    "\"Choice\"",
    "\"Map\"",
    "\"Parallel\"",
    "\"Retry\":",
    "\"Catch\":",
    "\"End\":true",
    "\"Parameters\":",
    "\"ResultPath\":",
    "\"ItemsPath\":",
    "\"$.a[*]\"",
    "\"$..b\"",
    "$$.Map.Item.Value",
    "States.Format('{}', $.a)",
    "States.ArrayRange(0, 9, 1)",
    "States.JsonToString($)",
    "null",
    "[",
    "]",
    "{",
    "}",
    ",",
    "1e308",
    "-1",
    "\"2016-08-18T17:33:00Z\"",
];

const ENDPOINT_WORDS: &[&str] = &[
    "\"TableName\":",
    "\"Key\":",
    "\"Item\":",
    "\"S\":",
    "\"N\":",
    "\"rsqlflow-config-table\"",
    "\"workflow_id\"",
    "\"ExpressionAttributeValues\":",
    "\"UpdateExpression\":",
    "SET #a = :a",
    "arn:aws:states:us-east-1:000000000000:",
    "null",
    "\"nextToken\":",
    "[",
    "]",
    "{",
    "}",
    ",",
    "%",
    "&",
    "=",
    "1e400",
    "9223372036854775808",
    "\\ud800",
    "é",
];

/// A workflow item as somebody put it into the table: read whole, or refused with its problems.
fn workflow(bytes: &[u8]) {
    let Ok(item) = serde_json::from_slice::<Value>(bytes) else { return };
    let timing = Timing::default();
    let defaults = DeploymentDefaults {
        target: Some(InstanceTarget::InstanceIds(vec!["i-0123456789abcdef0".to_owned()])),
        ..DeploymentDefaults::default()
    };
    let id = ExecutionId::new("run").expect("an id");
    let trigger = || Trigger {
        execution_id: &id,
        now: rsqlflow_core::Timestamp::from_millis(1_764_380_000_000),
        parameters: None,
        defaults: &defaults,
        timing: &timing,
    };
    let read = Workflow::from_json(&item, &timing);
    match Snapshot::take(&item, trigger()) {
        Ok((snapshot, plan)) => {
            assert!(read.is_ok(), "planned, but not valid");
            // What a run keeps makes the same plan again, also after it was written and read.
            let kept = serde_json::to_value(&snapshot).expect("a snapshot is JSON");
            let again: Snapshot = serde_json::from_value(kept).expect("a snapshot can be read");
            assert_eq!(Plan::from_snapshot(&again).expect("a plan"), plan);
        }
        Err(problems) => assert!(!problems.is_empty(), "refused without a reason"),
    }
}

/// A state machine's definition and an input: refused, or played to its end, twice the same.
fn machine(bytes: &[u8]) {
    let Ok(case) = serde_json::from_slice::<Value>(bytes) else { return };
    let Ok(definition) = Definition::from_value(&case["definition"]) else { return };
    let definition = Arc::new(definition);
    let one = play(&definition, &case["input"]);
    assert_eq!(one, play(&definition, &case["input"]), "the same inputs make the same execution");
}

/// Steps until the end, or for a while: every task succeeds, fails or is left alone, by its number.
fn play(definition: &Arc<Definition>, input: &Value) -> (Option<asl::Ended>, usize) {
    let start: Timestamp = "2026-01-01T00:00:00Z".parse().expect("a time");
    let context = ExecutionContext {
        execution_arn: "arn:aws:states:us-east-1:000000000000:execution:m:e".to_owned(),
        execution_name: "e".to_owned(),
        role_arn: "arn:aws:iam::000000000000:role/r".to_owned(),
        start_time: start,
        input: input.clone(),
        state_machine_arn: "arn:aws:states:us-east-1:000000000000:stateMachine:m".to_owned(),
        state_machine_name: "m".to_owned(),
    };
    let mut execution = Execution::new(Arc::clone(definition), context, Seed::from_bytes([7; 32]));
    let (mut now, mut inputs) = (start, vec![Input::Start]);
    for _ in 0..200 {
        if execution.ended().is_some() {
            break;
        }
        let input = match inputs.pop() {
            Some(input) => input,
            None => match execution.next_timer() {
                Some(due) => {
                    now = now.max(due);
                    Input::Tick
                }
                None => Input::Stop { error: None, cause: None },
            },
        };
        let step = execution.step(input, now);
        now = now.checked_add(SignedDuration::from_millis(1)).unwrap_or(now);
        for effect in step.effects {
            let Effect::StartTask(start) = effect else { continue };
            let task = start.task;
            match (task.0 % 4, &start.token) {
                (0, _) => {
                    inputs.push(Input::TaskFailed { task, error: Some("E".to_owned()), cause: None });
                }
                (1, None) => {
                    inputs.push(Input::TaskSucceeded { task, output: serde_json::json!({ "a": [1, 2] }) });
                }
                (_, Some(token)) => {
                    inputs.push(Input::Callback {
                        token: token.clone(),
                        callback: Callback::Success { output: serde_json::json!({ "a": "b" }) },
                    });
                    inputs.push(Input::TaskSubmitted { task, response: Value::Null });
                }
                _ => {}
            }
        }
    }
    for event in execution.history() {
        let _ = event.to_json(true);
    }
    (execution.ended().cloned(), execution.history().len())
}

/// Operations whose bodies are tried; the first byte of an input chooses.
const OPERATIONS: [&str; 16] = [
    "DynamoDB_20120810.PutItem",
    "DynamoDB_20120810.UpdateItem",
    "DynamoDB_20120810.Query",
    "DynamoDB_20120810.Scan",
    "DynamoDB_20120810.TransactWriteItems",
    "AWSStepFunctions.CreateStateMachine",
    "AWSStepFunctions.StartExecution",
    "AWSStepFunctions.ListExecutions",
    "AWSStepFunctions.SendTaskSuccess",
    "AmazonSSM.SendCommand",
    "AmazonSSM.ListCommands",
    "Logs_20140328.PutLogEvents",
    "Logs_20140328.FilterLogEvents",
    "secretsmanager.CreateSecret",
    "secretsmanager.ListSecrets",
    "",
];

/// An endpoint in this process that takes every request.
struct Served {
    address: String,
    _dir: tempfile::TempDir,
    _runtime: tokio::runtime::Runtime,
    _endpoint: Endpoint,
}

fn served() -> &'static Served {
    static SERVED: OnceLock<Served> = OnceLock::new();
    SERVED.get_or_init(|| {
        let dir = tempfile::tempdir().expect("a directory");
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let options = Options {
            port: 0,
            state_dir: dir.path().join("state"),
            instances: 1,
            agent_binary: "/bin/false".into(),
            script_dir: dir.path().to_owned(),
            paused: false,
            warehouses: Vec::new(),
            drop_statement_events: false,
            authenticate: false,
            deployment: Deployment::default(),
        };
        let endpoint = runtime.block_on(Box::pin(Endpoint::start(options))).expect("an endpoint");
        let address = endpoint.url().trim_start_matches("http://").to_owned();
        Served { address, _dir: dir, _runtime: runtime, _endpoint: endpoint }
    })
}

/// A request: whatever it says, there is an answer, and none that says that the endpoint failed.
fn endpoint(bytes: &[u8]) {
    let Some((choice, body)) = bytes.split_first() else { return };
    let target = OPERATIONS[usize::from(*choice) % OPERATIONS.len()];
    let head = match target {
        "" => "content-type: application/x-www-form-urlencoded\r\n".to_owned(),
        target => format!("content-type: application/x-amz-json-1.0\r\nx-amz-target: {target}\r\n"),
    };
    let address = &served().address;
    let head = format!(
        "POST / HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{head}content-length: {}\r\n\r\n",
        body.len()
    );
    let mut stream = TcpStream::connect(address).expect("the endpoint listens");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
    let mut answer = Vec::new();
    stream
        .write_all(head.as_bytes())
        .and_then(|()| stream.write_all(body))
        .and_then(|()| stream.read_to_end(&mut answer))
        .unwrap_or_else(|error| panic!("{target}: {error}"));
    let answer = String::from_utf8_lossy(&answer);
    let status = answer.split(' ').nth(1).unwrap_or_default();
    assert!(status == "501" || status.starts_with(['2', '4']), "{target} answers {answer:.500}");
}

/// What agent and guard say to each other: read, or refused; what was read is written as it is read.
fn guard(bytes: &[u8]) {
    let mut lines = Lines::default();
    for part in bytes.chunks(7) {
        lines.push(part);
        while let Ok(Some(line)) = lines.next_line() {
            if let Ok(header) = line.parse::<Header>() {
                assert_eq!(header.to_string().parse(), Ok(header));
                let _ = lines.take(header.body);
            }
            if let Ok(order) = line.parse::<GuardCommand>() {
                assert_eq!(order.to_string().parse(), Ok(order));
            }
            if let Ok(report) = line.parse::<Report>() {
                assert_eq!(report.to_string().parse(), Ok(report));
            }
        }
    }
}

/// A log that comes in pieces: all of it is in the events, within their limits, and only once.
fn log(bytes: &[u8]) {
    let Some((size, file)) = bytes.split_first() else { return };
    let step = usize::from(*size).max(1);
    let (mut cutter, mut text, marks) = (Cutter::default(), String::new(), Marks::default());
    let mut written = 0;
    loop {
        written = (written + step).min(file.len());
        let rest = match written == file.len() {
            true => Rest::Ended,
            false if written.is_multiple_of(3) => Rest::Silent,
            false => Rest::Growing,
        };
        loop {
            let from = usize::try_from(cutter.offset()).expect("an offset");
            let (events, next) = cutter.cut(&file[from..written], rest, &marks);
            for event in &events {
                assert!(!event.message.is_empty() && event.message.len() <= EVENT_BYTES, "{event:?}");
                text.push_str(&event.message);
            }
            let done = events.is_empty();
            assert!(next.offset() >= cutter.offset() && next.offset() <= written as u64);
            cutter = next;
            if done {
                break;
            }
        }
        if written == file.len() {
            break;
        }
    }
    assert_eq!(cutter.offset(), file.len() as u64, "all of it is sent");
    let visible = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
    if let Ok(whole) = std::str::from_utf8(file) {
        assert_eq!(visible(&text), visible(whole));
    }
}

/// A secret, a line, and a stream with it: it is not in what is shown, however the stream comes.
fn redact(bytes: &[u8]) {
    let mut parts = bytes.splitn(2, |byte| *byte == b'\n');
    let (Some(secret), Some(stream)) = (parts.next(), parts.next()) else { return };
    let Ok(secret) = std::str::from_utf8(secret) else { return };
    if secret.len() > 200 || secret.contains('*') {
        return;
    }
    let shown = |size: usize| {
        let (mut redactor, mut shown) = (Redactor::new(Some(secret)), Vec::new());
        for part in stream.chunks(size) {
            redactor.push(part, &mut |bytes| shown.extend_from_slice(bytes));
        }
        redactor.finish(&mut |bytes| shown.extend_from_slice(bytes));
        shown
    };
    let whole = shown(stream.len().max(1));
    for size in [1, 3, 7] {
        assert_eq!(shown(size), whole, "in pieces of {size}");
    }
    if secret.len() >= Redactor::SHORTEST {
        assert!(!whole.windows(secret.len()).any(|part| part == secret.as_bytes()), "it is shown");
    } else {
        assert_eq!(whole, stream, "too short for a secret");
    }
}

/// A file that lies in the spool, as a result and as the record of a log: used, or left where it is.
fn spool(bytes: &[u8]) {
    let dir = tempfile::tempdir().expect("a directory");
    for folder in ["results", "logs"] {
        let folder = dir.path().join(folder);
        std::fs::create_dir(&folder).expect("a folder");
        std::fs::write(folder.join("one.json"), bytes).expect("a file");
        std::fs::write(folder.join("one"), bytes).expect("a file");
    }
    let listing = Results::new(dir.path()).take().expect("the results are listed");
    assert_eq!(listing.held.len() + listing.unreadable.len(), 1, "{listing:?}");
    let _ = UnsentLogs::new(dir.path()).take().expect("the logs are listed");
    assert!(dir.path().join("results/one.json").exists(), "nothing is removed that nobody has delivered");
}
