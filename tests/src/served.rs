//! `rsqlflow local` for tests that look at the process: how it starts, how it ends, what it answers to anything.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{Answer, Keys, command, send};

/// A directory that goes away.
///
/// # Panics
/// Where it cannot be made.
#[must_use]
pub fn directory() -> TempDir {
    tempfile::Builder::new().prefix("rsqlflow-test-").tempdir().expect("a directory")
}

/// `rsqlflow local` on a state directory and any free port.
#[must_use]
pub fn local(state: &Path) -> Command {
    local_on(state, 0)
}

/// `rsqlflow local` on a state directory and a port.
#[must_use]
pub fn local_on(state: &Path, port: u16) -> Command {
    let mut command = command("rsqlflow");
    command.args(["local", "--output", "json", "--scripts", "/", "--port", &port.to_string()]);
    command.arg("--state-dir").arg(state);
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    command
}

/// A command that another one runs: `words` are that one and its arguments up to the command.
///
/// # Panics
/// Where there are no words.
#[must_use]
pub fn behind(words: &[&str], command: &Command) -> Command {
    let (program, args) = words.split_first().expect("a program");
    let mut outer = Command::new(program);
    outer.args(args).arg(command.get_program()).args(command.get_args());
    outer.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    outer.stdin(Stdio::null()).stdout(Stdio::piped());
    outer
}

/// An endpoint that serves. It is ended politely when this is dropped.
pub struct Served {
    /// The process.
    pub process: Child,
    /// Its address.
    pub url: String,
    /// With which its requests are signed.
    pub keys: Keys,
}

impl Served {
    /// Starts it and waits until it serves.
    ///
    /// # Panics
    /// Where it does not.
    #[must_use]
    pub fn start(mut command: Command) -> Self {
        let process = command.spawn().expect("rsqlflow starts");
        let mut served = Self { process, url: String::new(), keys: Keys::wrong() };
        let mut document = String::new();
        for line in BufReader::new(served.process.stdout.take().expect("its output")).lines() {
            document.push_str(&line.expect("text"));
            if let Ok(value) = serde_json::from_str::<Value>(&document) {
                value["endpoint_url"].as_str().expect("an address").clone_into(&mut served.url);
                // As the process sees the file, which may be on a disk that only it has mounted.
                let file = value["credentials_file"].as_str().expect("a file");
                let file = format!("/proc/{}/root{file}", served.process.id());
                served.keys = Keys::read(Path::new(&file));
                return served;
            }
        }
        panic!("it ended before it served: {document}");
    }

    /// On a state directory.
    #[must_use]
    pub fn on(state: &Path) -> Self {
        Self::start(local(state))
    }

    /// Ends it and says how it ended.
    ///
    /// # Panics
    /// Where that is not to be learnt.
    pub fn end(mut self) -> Option<i32> {
        self.signal(Signal::SIGTERM);
        self.process.wait().expect("its end").code()
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        let _ = kill(Pid::from_raw(i32::try_from(self.process.id()).unwrap_or(i32::MAX)), signal);
    }

    /// Its port.
    ///
    /// # Panics
    /// Where its address has none.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.url.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port")
    }

    /// A call of the JSON protocol.
    #[must_use]
    pub fn call(&self, target: &str, body: &Value) -> Answer {
        self.raw(&[("x-amz-target", target)], body.to_string().as_bytes())
    }

    /// As [`Served::call`], with headers of all sorts and any body.
    ///
    /// # Panics
    /// Where no answer comes.
    #[must_use]
    pub fn raw(&self, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let json = ("content-type", "application/x-amz-json-1.0");
        self.send("POST /", &[&[json], headers].concat(), body)
    }

    /// As [`send`], signed unless the headers have a signature.
    ///
    /// # Panics
    /// Where no answer comes.
    #[must_use]
    pub fn send(&self, line: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut headers = headers.to_vec();
        let host = self.url.trim_start_matches("http://");
        if !headers.iter().any(|(name, _)| *name == "host") {
            headers.push(("host", host));
        }
        let signature = match headers.iter().any(|(name, _)| *name == "authorization") {
            true => Vec::new(),
            false => self.keys.sign(line, &headers, body),
        };
        headers.extend(signature.iter().map(|(name, value)| (*name, value.as_str())));
        send(&self.url, line, &headers, body).expect("an answer")
    }

    /// Whether it answers well.
    #[must_use]
    pub fn serves(&self) -> bool {
        self.call("AWSStepFunctions.ListStateMachines", &json!({})).status == 200
    }

    /// Puts an item of so many bytes into the config table.
    #[must_use]
    pub fn put(&self, id: &str, bytes: usize) -> Answer {
        let item = json!({ "workflow_id": { "S": id }, "data": { "S": "d".repeat(bytes) } });
        self.call("DynamoDB_20120810.PutItem", &json!({ "TableName": "rsqlflow-config-table", "Item": item }))
    }

    /// Whether an item is there.
    ///
    /// # Panics
    /// Where the table cannot be read.
    #[must_use]
    pub fn has(&self, id: &str) -> bool {
        let key = json!({ "workflow_id": { "S": id } });
        let get = json!({ "TableName": "rsqlflow-config-table", "Key": key, "ConsistentRead": true });
        let answer = self.call("DynamoDB_20120810.GetItem", &get);
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()["Item"]["workflow_id"]["S"] == id
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.signal(Signal::SIGTERM);
        let _ = self.process.wait();
    }
}

/// Runs a command that must not serve: its exit code, and what it says as error and as hint.
///
/// # Panics
/// Where it panics.
#[must_use]
pub fn refused(mut command: Command) -> (Option<i32>, String, String) {
    let output = command.stdin(Stdio::null()).stderr(Stdio::piped()).output().expect("it starts");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!said.contains("panicked"), "{said}");
    let document: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let text = |name: &str| document[name].as_str().map(str::to_owned);
    // The command line's own refusals are no documents.
    (output.status.code(), text("error").unwrap_or(said), text("hint").unwrap_or_default())
}
