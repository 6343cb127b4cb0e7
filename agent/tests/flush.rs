//! Results in the spool, and a table that refuses to take them at first.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;

use rsqlflow_agent::clock::wall_clock;
use rsqlflow_agent::spool::Results;
use rsqlflow_agent::spool::result::{Entry, VERSION};
use rsqlflow_core::protocol::{JobStatus, Outcome};
use rsqlflow_core::{ExecutionId, JobId, Owner};

/// Reads one request and answers the service's error of this name (DynamoDB developer guide, "Error handling").
fn refuse(stream: TcpStream, error: &str) -> io::Result<String> {
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        if line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().map_err(io::Error::other)?;
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let body = format!(r#"{{"__type":"com.amazonaws.dynamodb.v20120810#{error}","message":"not now"}}"#);
    let answer = format!(
        "HTTP/1.1 400 Bad Request\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    reader.into_inner().write_all(answer.as_bytes())?;
    Ok(head)
}

#[test]
fn a_refusal_that_looks_final_is_waited_out() {
    let directory = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (told, asked) = mpsc::channel();
    std::thread::spawn(move || {
        // The last means that the table has no such row: the result is kept, and the command says so.
        let errors = ["AccessDeniedException", "ValidationException", "ConditionalCheckFailedException"];
        for (error, stream) in errors.into_iter().zip(listener.incoming()) {
            told.send((error, refuse(stream.unwrap(), error).unwrap())).unwrap();
        }
    });
    let entry = Entry {
        version: VERSION,
        workflow_execution_id: ExecutionId::new("e-1").unwrap(),
        job_id: JobId::new(1, 1),
        attempt: 1,
        owner: Owner::new("0123abcd"),
        outcome: Outcome {
            status: JobStatus::Completed,
            exit_code: Some(0),
            error_message: None,
            error_name: None,
        },
        ended_at: wall_clock(),
    };
    drop(Results::new(directory.path()).keep(entry, None).unwrap());
    let config = directory.path().join("agent.toml");
    std::fs::write(&config, format!("spool_dir = {:?}\nregion = \"eu-west-1\"", directory.path())).unwrap();

    let done = std::process::Command::new(env!("CARGO_BIN_EXE_rsqlflow-agent"))
        .args(["flush", "--config"])
        .arg(&config)
        .env_clear()
        .env("AWS_ENDPOINT_URL", format!("http://{address}"))
        .envs([("AWS_ACCESS_KEY_ID", "id"), ("AWS_SECRET_ACCESS_KEY", "key")])
        .output()
        .unwrap();
    let (said, errors) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(!done.status.success(), "{said}{errors}");
    assert!(said.contains("0 delivered, 1 left"), "{said}{errors}");
    assert!(said.contains("hint: check prefix and job_audit_table"), "{said}{errors}");
    let asked: Vec<_> = asked.iter().collect();
    assert_eq!(asked.len(), 3, "each refusal was followed by another try");
    assert!(asked.iter().all(|(_, head)| head.contains("DynamoDB_20120810.UpdateItem")), "{asked:?}");
}
