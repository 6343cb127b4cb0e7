//! A function as Lambda runs it: the program `bootstrap` as a process of its own, and the API that it asks for its
//! next event (Lambda developer guide, "Using the Lambda runtime API for custom runtimes").

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::{Refused, World};

/// Ends the process, whatever comes of the test.
struct Sandbox(Child);

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl World {
    /// Starts a function's program, gives it one event, and answers what it answers. `url` stands for AWS.
    ///
    /// # Errors
    /// What the function threw.
    ///
    /// # Panics
    /// Where the program cannot be started, or ends without an answer.
    pub async fn call_process(
        &self,
        program: &Path,
        handler: &str,
        url: &str,
        event: &Value,
    ) -> Result<Value, Refused> {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let api = listener.local_addr().expect("an address").to_string();
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("_HANDLER", handler)
            .env("AWS_LAMBDA_RUNTIME_API", api)
            .env("AWS_LAMBDA_FUNCTION_NAME", handler)
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/test")
            .env("AWS_LAMBDA_LOG_STREAM_NAME", "test")
            .env("AWS_REGION", "us-east-1")
            .envs(self.keys.env())
            .env("AWS_ENDPOINT_URL", url)
            .envs(self.deployment_env())
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        let sandbox = Sandbox(command.spawn().expect("the function's program starts"));
        let event = event.to_string();
        let answered = tokio::task::spawn_blocking(move || {
            let answer = serve(&listener, &event);
            drop(sandbox);
            answer
        });
        let (path, body) = answered.await.expect("the runtime API").expect("an answer of the function");
        let body: Value = serde_json::from_slice(&body).expect("JSON");
        if path.ends_with("/response") {
            return Ok(body);
        }
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        Err(Refused { error_type: text("errorType"), message: text("errorMessage") })
    }

    /// The deployment's settings as a function's environment has them.
    fn deployment_env(&self) -> Vec<(&'static str, String)> {
        let mut deployment = self.deployment.clone();
        let machines = &mut deployment.machines;
        for machine in [&mut machines.master, &mut machines.sequential, &mut machines.parallel] {
            machine.arn =
                Some(format!("arn:aws:states:us-east-1:000000000000:stateMachine:{}", machine.name));
        }
        deployment.to_env()
    }
}

/// Hands one event out, and takes the answer: the path that it was posted to, and its body.
fn serve(listener: &TcpListener, event: &str) -> io::Result<(String, Vec<u8>)> {
    for client in listener.incoming() {
        let mut requests = BufReader::new(client?);
        while let Some((line, body)) = read_request(&mut requests)? {
            let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
            if path.ends_with("/invocation/next") {
                let length = event.len();
                write!(
                    requests.get_mut(),
                    "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: 1\r\n\
                     Lambda-Runtime-Deadline-Ms: 9999999999999\r\n\
                     Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:us-east-1:000000000000:function:test\r\n\
                     Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{event}"
                )?;
            } else {
                requests
                    .get_mut()
                    .write_all(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")?;
                return Ok((path, body));
            }
        }
    }
    Err(io::ErrorKind::UnexpectedEof.into())
}

/// One request: its first line, and its body. `None` at the end of the connection.
fn read_request(requests: &mut BufReader<TcpStream>) -> io::Result<Option<(String, Vec<u8>)>> {
    let (mut first, mut length, mut line) = (String::new(), 0, String::new());
    loop {
        line.clear();
        if requests.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let text = line.trim();
        if text.is_empty() {
            break;
        }
        if first.is_empty() {
            text.clone_into(&mut first);
        } else if let Some((name, value)) = text.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().map_err(io::Error::other)?;
        }
    }
    let mut body = Vec::new();
    requests.take(length).read_to_end(&mut body)?;
    Ok(Some((first, body)))
}
