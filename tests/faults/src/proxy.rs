//! Between a client and the endpoint: counts calls, and breaks those that are to be broken.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::case::{Case, lock};
use crate::http::{self, Message};
use crate::spec::{Action, Fault};

/// Longer than functions wait for one sending; agents wait longer for most calls.
const DELAY: Duration = Duration::from_millis(1_300);

/// Nearly as long as a function waits for one sending. A call that takes this long by itself is a fault of its own.
const TOO_LONG: Duration = Duration::from_millis(600);

/// When a stray call arrives.
const STRAY: Duration = Duration::from_secs(4);

/// Whose calls these are.
#[derive(Clone)]
pub enum Caller {
    /// The agents of a case.
    Agent(Arc<Case>),
    /// A function's process, which serves one case after the other.
    Function {
        /// Its handler.
        handler: &'static str,
        /// The case of its invocation.
        case: Arc<Mutex<Option<Arc<Case>>>>,
        /// Its id; 0 before it is known.
        pid: Arc<AtomicI32>,
    },
}

impl Caller {
    fn name(&self) -> &'static str {
        match self {
            Self::Agent(_) => "agent",
            Self::Function { handler, .. } => handler,
        }
    }

    fn case(&self) -> Option<Arc<Case>> {
        match self {
            Self::Agent(case) => Some(Arc::clone(case)),
            Self::Function { case, .. } => lock(case).clone(),
        }
    }

    fn pid(&self) -> Option<i32> {
        match self {
            Self::Agent(_) => None,
            Self::Function { pid, .. } => Some(pid.load(Ordering::Relaxed)),
        }
    }
}

/// Serves until it is aborted. Answers its address.
pub async fn start(caller: Caller, endpoint: SocketAddr) -> io::Result<(String, tokio::task::AbortHandle)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let task = tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let _ = client.set_nodelay(true);
            let caller = caller.clone();
            // Who has hung up does not care.
            tokio::spawn(async move { relay(client, &caller, endpoint).await });
        }
    });
    Ok((url, task.abort_handle()))
}

async fn relay(client: TcpStream, caller: &Caller, endpoint: SocketAddr) -> io::Result<()> {
    let mut client = BufReader::new(client);
    while let Some(request) = http::read(&mut client).await? {
        let answer = match caller.case().filter(|case| !case.is_over()) {
            None => Some(http::exchange(endpoint, &request.bytes).await?.bytes),
            Some(case) => answered(&case, caller, endpoint, &request).await?,
        };
        let Some(answer) = answer else { return Ok(()) };
        client.get_mut().write_all(&answer).await?;
    }
    Ok(())
}

/// The answer to a call; none if its connection is to end.
async fn answered(
    case: &Arc<Case>,
    caller: &Caller,
    endpoint: SocketAddr,
    request: &Message,
) -> io::Result<Option<Vec<u8>>> {
    let (service, operation) = request.operation();
    let faults = case.enter(caller.name(), &operation);
    if operation == "Publish" && !case.world.tables.is_closed(&case.run).await {
        case.violate("somebody is notified of the end, and the run's row is open".to_owned());
    }
    if matches!(operation.as_str(), "SendTaskSuccess" | "SendTaskFailure")
        && let Some(job) = case.world.tables.answered_open(&case.run, request.body()).await
    {
        case.violate(format!("the task of {job} is answered, and its row is open"));
    }
    for fault in faults.iter().filter(|fault| !fault.after) {
        case.strike(fault, &service, caller.pid()).await;
    }
    if let Some(silence) = case.silence(caller.name(), &service) {
        if silence.arrives {
            let _ = http::exchange(endpoint, &request.bytes).await;
        }
        tokio::time::sleep_until(silence.until.into()).await;
        return Ok(None);
    }
    if operation == "SendCommand" && case.is_refused() && names(request, &case.instances[0]) {
        return Ok(Some(refusal(&service, "InvalidInstanceId", 400)));
    }
    let on_call = faults.iter().find(|fault| Action::OF_CALL.contains(&fault.action));
    let forward = || forward(endpoint, request);
    let answer = match on_call.map(|fault| fault.action) {
        Some(Action::Cut) => None,
        Some(Action::Unanswered) => {
            forward().await?;
            None
        }
        Some(Action::Stray) => {
            let (bytes, began) = (request.bytes.clone(), Instant::now());
            tokio::spawn(async move {
                tokio::time::sleep_until((began + STRAY).into()).await;
                http::exchange(endpoint, &bytes).await
            });
            None
        }
        Some(Action::Twice) => {
            forward().await?;
            forward().await?
        }
        Some(Action::Error) => Some(failure(&service)),
        Some(Action::ErrorApplied) => {
            forward().await?;
            Some(failure(&service))
        }
        Some(Action::Throttled) => Some(refusal(&service, "ThrottlingException", 400)),
        Some(Action::Delayed) => {
            tokio::time::sleep(DELAY).await;
            forward().await?
        }
        Some(Action::Garbage) => {
            forward().await?;
            Some(http::answer("200 OK", "application/x-amz-json-1.0", "{\"Item\":{\"\u{fffd}<html>"))
        }
        _ => {
            let began = Instant::now();
            let answer = forward().await?;
            if began.elapsed() > TOO_LONG {
                case.too_slow.store(true, Ordering::Relaxed);
            }
            answer
        }
    };
    let later: Vec<&Fault> = faults.iter().filter(|fault| fault.after).collect();
    for fault in &later {
        case.strike(fault, &service, caller.pid()).await;
    }
    // What was silenced after the call hears no answer to it.
    if !later.is_empty()
        && let Some(silence) = case.silence(caller.name(), &service)
    {
        tokio::time::sleep_until(silence.until.into()).await;
        return Ok(None);
    }
    Ok(answer)
}

async fn forward(endpoint: SocketAddr, request: &Message) -> io::Result<Option<Vec<u8>>> {
    Ok(Some(http::exchange(endpoint, &request.bytes).await?.bytes))
}

fn names(request: &Message, instance: &str) -> bool {
    String::from_utf8_lossy(request.body()).contains(instance)
}

fn failure(service: &str) -> Vec<u8> {
    refusal(service, "InternalServerError", 500)
}

/// An error as the service's protocol has it.
fn refusal(service: &str, code: &str, status: u16) -> Vec<u8> {
    let line = format!("{status} {}", if status == 400 { "Bad Request" } else { "Internal Server Error" });
    if service == "SNS" {
        let code = code.trim_end_matches("Exception");
        let body = format!(
            "<ErrorResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><Error><Type>Receiver</Type>\
             <Code>{code}</Code><Message>injected</Message></Error><RequestId>1</RequestId></ErrorResponse>"
        );
        return http::answer(&line, "text/xml", &body);
    }
    let body = format!(r#"{{"__type":"{code}","message":"injected"}}"#);
    http::answer(&line, "application/x-amz-json-1.0", &body)
}
