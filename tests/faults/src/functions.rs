//! Functions as Lambda runs them: each the program `bootstrap` as a process of its own, which asks the runtime API for
//! its next event (Lambda developer guide, "Using the Lambda runtime API for custom runtimes").

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rsqlflow_core::Function;
use rsqlflow_local::FunctionError;
use serde_json::{Value, json};
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio::sync::{Mutex as AsyncMutex, mpsc, oneshot};

use crate::case::{Case, lock};
use crate::http;
use crate::proxy::{self, Caller};
use crate::spec::Action;
use crate::world::World;

/// How an invocation ended.
pub type Ended = Result<Value, FunctionError>;

/// How long after an invocation that timed out its process may go on, if it was frozen.
const LATE: Duration = Duration::from_secs(6);

/// The pause before an event is handed out again.
const AGAIN: Duration = Duration::from_secs(3);

struct Invocation {
    id: String,
    event: Value,
    ended: oneshot::Sender<Ended>,
}

/// Invocations whose answers are awaited, by id.
type Waiting = Arc<Mutex<HashMap<String, oneshot::Sender<Ended>>>>;

/// A process that serves one function, one invocation at a time.
struct Sandbox {
    events: mpsc::Sender<Invocation>,
    case: Arc<Mutex<Option<Arc<Case>>>>,
    dead: Arc<AtomicBool>,
    pid: Arc<AtomicI32>,
    tasks: Vec<tokio::task::AbortHandle>,
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.kill();
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl Sandbox {
    async fn start(world: &World, function: Function) -> io::Result<Self> {
        let case = Arc::new(Mutex::new(None));
        let pid = Arc::new(AtomicI32::new(0));
        let caller =
            Caller::Function { handler: function.as_str(), case: Arc::clone(&case), pid: Arc::clone(&pid) };
        let (url, proxy) = proxy::start(caller, world.endpoint).await?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let mut command = Command::new(&world.programs.bootstrap);
        command
            .env_clear()
            .envs(world.function_env(function))
            .env("AWS_LAMBDA_RUNTIME_API", listener.local_addr()?.to_string())
            .env("AWS_ENDPOINT_URL", url)
            .stdin(Stdio::null())
            .stdout(world.log("functions")?)
            .stderr(world.log("functions")?)
            .kill_on_drop(true);
        let mut child = command.spawn()?;
        pid.store(child.id().and_then(|id| i32::try_from(id).ok()).unwrap_or(0), Ordering::Relaxed);
        let (events, queue) = mpsc::channel(1);
        let (waiting, dead) = (Waiting::default(), Arc::new(AtomicBool::new(false)));
        let api = tokio::spawn(serve(listener, Arc::new(AsyncMutex::new(queue)), Arc::clone(&waiting)));
        let over = Arc::clone(&dead);
        let reaper = tokio::spawn(async move {
            let _ = child.wait().await;
            over.store(true, Ordering::Relaxed);
            // Whoever waits learns that nobody answers any more.
            lock(&waiting).clear();
        });
        let tasks = vec![api.abort_handle(), proxy, reaper.abort_handle()];
        Ok(Self { events, case, dead, pid, tasks })
    }

    fn kill(&self) {
        let pid = self.pid.load(Ordering::Relaxed);
        if pid > 0 && !self.dead.load(Ordering::Relaxed) {
            let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::SIGKILL);
        }
    }
}

async fn serve(listener: TcpListener, queue: Arc<AsyncMutex<mpsc::Receiver<Invocation>>>, waiting: Waiting) {
    while let Ok((client, _)) = listener.accept().await {
        let (queue, waiting) = (Arc::clone(&queue), Arc::clone(&waiting));
        tokio::spawn(async move { talk(client, &queue, &waiting).await });
    }
}

async fn talk(
    client: TcpStream,
    queue: &AsyncMutex<mpsc::Receiver<Invocation>>,
    waiting: &Mutex<HashMap<String, oneshot::Sender<Ended>>>,
) -> io::Result<()> {
    let mut client = BufReader::new(client);
    while let Some(request) = http::read(&mut client).await? {
        if request.word().ends_with("/invocation/next") {
            let Some(next) = queue.lock().await.recv().await else { return Ok(()) };
            let event = next.event.to_string();
            lock(waiting).insert(next.id.clone(), next.ended);
            let head = format!(
                "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: {}\r\nLambda-Runtime-Deadline-Ms: 9999999999999\r\n\
                 Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:us-east-1:000000000000:function:test\r\n\
                 Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{event}",
                next.id,
                event.len()
            );
            client.get_mut().write_all(head.as_bytes()).await?;
            continue;
        }
        // /2018-06-01/runtime/invocation/ID/response or …/error
        let mut words = request.word().rsplit('/');
        let (how, id) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        let ended = match how {
            "response" => Ok(body),
            _ => Err(FunctionError { error_type: text("errorType"), error_message: text("errorMessage") }),
        };
        if let Some(asked) = lock(waiting).remove(id) {
            let _ = asked.send(ended);
        }
        client.get_mut().write_all(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n").await?;
    }
    Ok(())
}

/// The processes that wait for their next event.
#[derive(Default)]
pub struct Sandboxes {
    idle: Mutex<HashMap<Function, Vec<Sandbox>>>,
}

fn failed(error_type: &str) -> FunctionError {
    FunctionError { error_type: error_type.to_owned(), error_message: "as Lambda says it".to_owned() }
}

impl World {
    /// Invokes a function for whoever asks: the endpoint's state machines, a person, a schedule.
    pub async fn invoke(self: &Arc<Self>, function: Function, event: Value, id: String) -> Ended {
        let run = event["workflow_execution_id"].as_str().or_else(|| event["detail"]["name"].as_str());
        let case = run.and_then(|run| self.case(run));
        let faults = match &case {
            Some(case) if !case.is_over() => case.enter(function.as_str(), "invoke"),
            _ => Vec::new(),
        };
        let Some(fault) = faults.first() else { return self.once(function, event, id, case).await };
        match fault.action {
            Action::Lost => Ok(json!({})),
            Action::Concurrently => {
                let (first, second) = tokio::join!(
                    self.once(function, event.clone(), id.clone(), case.clone()),
                    self.once(function, event, id, case)
                );
                drop(second);
                first
            }
            Action::Again => {
                let first = self.once(function, event.clone(), id.clone(), case.clone()).await;
                let world = Arc::clone(self);
                tokio::spawn(async move {
                    tokio::time::sleep(AGAIN).await;
                    world.once(function, event, id, case).await
                });
                first
            }
            _ => {
                if let Some(case) = &case {
                    case.strike(fault, "Lambda", None).await;
                }
                self.once(function, event, id, case).await
            }
        }
    }

    /// One invocation, in a process that nobody else uses meanwhile.
    async fn once(
        self: &Arc<Self>,
        function: Function,
        event: Value,
        id: String,
        case: Option<Arc<Case>>,
    ) -> Ended {
        let found = lock(&self.sandboxes.idle).get_mut(&function).and_then(|idle| {
            loop {
                match idle.pop() {
                    Some(sandbox) if sandbox.dead.load(Ordering::Relaxed) => {}
                    found => break found,
                }
            }
        });
        let sandbox = match found {
            Some(sandbox) => sandbox,
            None => Sandbox::start(self, function).await.map_err(|_| failed("Lambda.ServiceException"))?,
        };
        lock(&sandbox.case).clone_from(&case);
        let (ended, answer) = oneshot::channel();
        if sandbox.events.send(Invocation { id, event, ended }).await.is_err() {
            return Err(failed("Runtime.ExitError"));
        }
        match tokio::time::timeout(self.limit(function.as_str()), answer).await {
            Ok(Ok(answer)) => {
                *lock(&sandbox.case) = None;
                lock(&self.sandboxes.idle).entry(function).or_default().push(sandbox);
                answer
            }
            Ok(Err(_)) => {
                if let Some(case) = &case {
                    case.tell(format!("{function} died"));
                }
                Err(failed("Runtime.ExitError"))
            }
            Err(_) => {
                if let Some(case) = &case {
                    case.tell(format!("{function} timed out"));
                    // A call that is delayed leaves time enough.
                    if !case.spec.has(Action::FreezeSelf) {
                        case.too_slow.store(true, Ordering::Relaxed);
                    }
                }
                if case.is_some_and(|case| case.spec.has(Action::FreezeSelf)) {
                    // A call that was under way may arrive long after its function was given up.
                    tokio::spawn(async move {
                        tokio::time::sleep(LATE).await;
                        drop(sandbox);
                    });
                }
                Err(failed("Sandbox.Timedout"))
            }
        }
    }

    /// How long an invocation may take.
    pub fn limit(&self, handler: &str) -> Duration {
        match handler == Function::RsqlInvoke.as_str() {
            true => self.deployment.timing.lambda_timeout,
            false => Duration::from_secs(10),
        }
    }
}

/// Serves the endpoint, which asks by `POST /HANDLER/ID` and the event.
pub async fn start(world: Arc<World>, listener: TcpListener) {
    while let Ok((client, _)) = listener.accept().await {
        let world = Arc::clone(&world);
        tokio::spawn(async move { asked(&world, client).await });
    }
}

async fn asked(world: &Arc<World>, client: TcpStream) -> io::Result<()> {
    let mut client = BufReader::new(client);
    let Some(request) = http::read(&mut client).await? else { return Ok(()) };
    let mut words = request.word().trim_start_matches('/').split('/');
    let (handler, id) = (words.next().unwrap_or_default(), words.next().unwrap_or_default().to_owned());
    let function = handler.parse::<Function>().map_err(io::Error::other)?;
    let event = serde_json::from_slice(request.body())?;
    let body = match world.invoke(function, event, id).await {
        Ok(answer) => json!({ "answer": answer }),
        Err(error) => json!({ "error": error }),
    };
    client.get_mut().write_all(&http::answer("200 OK", "application/json", &body.to_string())).await
}

/// What the endpoint's process does to invoke a function.
pub async fn ask(to: SocketAddr, function: Function, event: &Value, id: &str) -> Ended {
    let body = event.to_string();
    let request = format!(
        "POST /{function}/{id} HTTP/1.1\r\nHost: {to}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let Ok(answer) = http::exchange(to, request.as_bytes()).await else {
        return Err(failed("Lambda.ServiceException"));
    };
    let mut body: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
    match body.get_mut("answer") {
        Some(answer) => Ok(answer.take()),
        None => {
            let text = |name: &str| body["error"][name].as_str().unwrap_or_default().to_owned();
            Err(FunctionError { error_type: text("errorType"), error_message: text("errorMessage") })
        }
    }
}

impl Sandboxes {
    /// Ends those that wait.
    pub fn end(&self) {
        lock(&self.idle).clear();
    }
}
