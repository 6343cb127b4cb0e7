//! The real binary against Lambda's runtime interface (Lambda developer guide, "Using the Lambda runtime API for
//! custom runtimes"), spoken here over a plain socket.

#![expect(clippy::unwrap_used, reason = "helpers of tests, which the lint does not take for tests")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

/// One request, and the socket to answer it on.
struct Request {
    line: String,
    body: String,
    socket: TcpStream,
}

impl Request {
    fn accept(listener: &TcpListener) -> Self {
        let (socket, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(socket.try_clone().unwrap());
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let mut length = 0;
        loop {
            let mut header = String::new();
            reader.read_line(&mut header).unwrap();
            let header = header.trim().to_lowercase();
            if header.is_empty() {
                break;
            }
            if let Some(value) = header.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        Self { line, body: String::from_utf8(body).unwrap(), socket }
    }

    fn answer(mut self, status: &str, headers: &str, body: &str) {
        let length = body.len();
        let head =
            format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n");
        self.socket.write_all(format!("{head}{body}").as_bytes()).unwrap();
    }
}

fn bootstrap(handler: &str, api: &str, endpoint: &str) -> Child {
    Command::new(env!("CARGO_BIN_EXE_bootstrap"))
        .env_clear()
        .env("_HANDLER", handler)
        .env("AWS_LAMBDA_RUNTIME_API", api)
        .env("AWS_LAMBDA_FUNCTION_NAME", "f")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
        .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
        .env("AWS_LAMBDA_LOG_STREAM_NAME", "s")
        .env("AWS_LAMBDA_LOG_GROUP_NAME", "g")
        .env("AWS_REGION", "us-east-1")
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("AWS_ENDPOINT_URL", endpoint)
        .env("RSQLFLOW_LAMBDA_TIMEOUT", "4s")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Gives the function one event, and answers with what it tells the service and what it logs.
fn invoke(handler: &str, event: &Value) -> (String, Value, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    // A port where nobody listens: taken, then left.
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let api = listener.local_addr().unwrap().to_string();
    let mut child = bootstrap(handler, &api, &format!("http://{nobody}"));
    let next = Request::accept(&listener);
    assert!(next.line.starts_with("GET /2018-06-01/runtime/invocation/next"), "{}", next.line);
    let headers = "lambda-runtime-aws-request-id: r-1\r\nlambda-runtime-deadline-ms: 9999999999999\r\n\
                   lambda-runtime-invoked-function-arn: arn:f\r\ncontent-type: application/json\r\n";
    next.answer("200 OK", headers, &event.to_string());
    let told = Request::accept(&listener);
    let (line, body) = (told.line.clone(), serde_json::from_str(&told.body).unwrap());
    told.answer("202 Accepted", "", "{}");
    child.kill().unwrap();
    let output = child.wait_with_output().unwrap();
    let log =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (line, body, log)
}

#[test]
fn errors_have_their_own_names() {
    let (line, told, log) = invoke("workflow-trigger", &json!({ "workflow_id": 7 }));
    assert!(line.starts_with("POST /2018-06-01/runtime/invocation/r-1/error"), "{line}");
    assert_eq!(told["errorType"], "InvalidRequest");
    let first: Value = serde_json::from_str(log.lines().next().unwrap()).unwrap();
    assert_eq!(
        (&first["error"], &first["span"]["function"]),
        (&json!("InvalidRequest"), &json!("workflow-trigger"))
    );
}

#[test]
fn a_service_that_is_out_of_reach_is_asked_again_and_the_token_stays_secret() {
    let event = json!({ "workflow_execution_id": "run-1", "stage": 3, "position": 17, "retry": 0,
        "task_token": "top-secret-token", "entered": "2026-11-21T06:15:00.123Z" });
    let (_, told, log) = invoke("rsql-invoke", &event);
    assert_eq!(told["errorType"], "ServiceUnavailable", "{told}");
    assert!(!told.to_string().contains("top-secret-token") && !log.contains("top-secret-token"), "{log}");
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    assert_eq!(lines.len(), 1, "one line an error: {log}");
    let line = lines.iter().find(|line| line["error"] == "ServiceUnavailable").expect(&log);
    assert_eq!(line["span"]["workflow_execution_id"], "run-1");
    assert_eq!(line["span"]["job_id"], "0003#00017");
}

#[test]
fn a_handler_that_is_none_ends_the_process_and_says_which_there_are() {
    let output = bootstrap("nope", "127.0.0.1:1", "http://127.0.0.1:1").wait_with_output().unwrap();
    assert!(!output.status.success());
    let log = String::from_utf8_lossy(&output.stdout);
    assert!(log.contains("nope") && log.contains("rsql-invoke"), "{log}");
}
