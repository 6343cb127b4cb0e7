//! The way from an agent to the services, which a test can break: a proxy that knows HTTP well enough to tell one
//! call from another. Everything that it lets through reaches the real endpoint.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

/// What becomes of a call that does not get through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Its connection ends without an answer.
    Cut,
    /// No answer comes, and the connection stays.
    Silent,
    /// It is answered as by IAM, when a role lacks the permission.
    Denied,
    /// It is answered with this error code, by a service of the JSON protocols.
    Refused(&'static str),
}

#[derive(Default)]
struct State {
    /// Start of an operation's name, what happens to its calls, and to how many more of them.
    faults: Vec<(&'static str, Fault, usize)>,
    /// Every call that did not get through.
    failed: Vec<String>,
}

/// A network between an agent and the endpoint.
#[derive(Clone)]
pub struct Network {
    /// What to take for the endpoint's address.
    pub url: String,
    state: Arc<Mutex<State>>,
}

impl Network {
    /// A network in front of an endpoint, with nothing wrong. It lives as long as the test's process.
    ///
    /// # Panics
    /// Where there is no free port.
    #[must_use]
    pub fn before(endpoint: &str) -> Self {
        let endpoint: SocketAddr =
            endpoint.trim_start_matches("http://").trim_end_matches('/').parse().expect("a loopback address");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let state = Arc::clone(&shared);
                // Who has hung up does not care.
                std::thread::spawn(move || relay(&client, endpoint, &state));
            }
        });
        Self { url, state }
    }

    /// From now on, calls whose operation's name begins so go wrong in this way: `X-Amz-Target`, or `Action` where the
    /// service has that instead.
    pub fn fail(&self, target: &'static str, fault: Fault) {
        self.fail_first(usize::MAX, target, fault);
    }

    /// The same, for so many calls.
    pub fn fail_first(&self, calls: usize, target: &'static str, fault: Fault) {
        self.lock().faults.push((target, fault, calls));
    }

    /// From now on, nothing is wrong.
    pub fn restore(&self) {
        self.lock().faults.clear();
    }

    /// How many calls whose operation's name begins so did not get through.
    #[must_use]
    pub fn failed(&self, target: &str) -> usize {
        self.lock().failed.iter().filter(|failed| failed.starts_with(target)).count()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn relay(client: &TcpStream, endpoint: SocketAddr, state: &Mutex<State>) -> io::Result<()> {
    let mut server = TcpStream::connect(endpoint)?;
    let (mut answers, mut answered) = (server.try_clone()?, client.try_clone()?);
    std::thread::spawn(move || {
        let copied = io::copy(&mut answers, &mut answered);
        let _ = answered.shutdown(Shutdown::Both);
        copied
    });
    let mut requests = BufReader::new(client.try_clone()?);
    while let Some((target, bytes)) = read_request(&mut requests)? {
        let fault = {
            let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
            let hit =
                state.faults.iter_mut().find(|(start, _, left)| target.starts_with(*start) && *left > 0);
            let fault = hit.map(|(_, fault, left)| {
                *left -= 1;
                *fault
            });
            state.failed.extend(fault.map(|_| target.clone()));
            fault
        };
        match fault {
            None => server.write_all(&bytes)?,
            Some(Fault::Silent) => {}
            Some(Fault::Denied) => {
                let mut back = client;
                let denied = if target.contains('.') { DENIED } else { DENIED_BY_QUERY };
                back.write_all(denied)
            }?,
            Some(Fault::Refused(code)) => {
                let body = format!(r#"{{"__type":"{code}","message":"for the test"}}"#);
                let mut back = client;
                write!(
                    back,
                    "HTTP/1.1 400 Bad Request\r\nContent-Type: application/x-amz-json-1.1\r\nContent-Length: {}\r\n\r\n{body}",
                    body.len()
                )?;
            }
            Some(Fault::Cut) => break,
        }
    }
    let _ = client.shutdown(Shutdown::Both);
    server.shutdown(Shutdown::Both)
}

/// The error that all services of the JSON protocols share ("Common errors" in their API references).
const DENIED: &[u8] =
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: 61\r\n\r\n\
    {\"__type\":\"AccessDeniedException\",\"message\":\"not authorized\"}";

/// The same of SNS, whose protocol is another (SNS API reference, "Common errors").
const DENIED_BY_QUERY: &[u8] =
    b"HTTP/1.1 403 Forbidden\r\nContent-Type: text/xml\r\nContent-Length: 202\r\n\r\n\
    <ErrorResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><Error><Type>Sender</Type><Code>AuthorizationError</Code><Message>not authorized</Message></Error><RequestId>1</RequestId></ErrorResponse>";

/// One request: its `X-Amz-Target` or its `Action`, and all its bytes. `None` at the end of the connection.
fn read_request(requests: &mut impl BufRead) -> io::Result<Option<(String, Vec<u8>)>> {
    let (mut bytes, mut target, mut length) = (Vec::new(), String::new(), 0);
    loop {
        let start = bytes.len();
        if requests.read_until(b'\n', &mut bytes)? == 0 {
            return Ok(None);
        }
        let line = String::from_utf8_lossy(&bytes[start..]).trim().to_owned();
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':') {
            match name.to_ascii_lowercase().as_str() {
                "x-amz-target" => value.trim().clone_into(&mut target),
                "content-length" => length = value.trim().parse().map_err(io::Error::other)?,
                _ => {}
            }
        }
    }
    let body = bytes.len();
    requests.take(length).read_to_end(&mut bytes)?;
    if target.is_empty() {
        let body = String::from_utf8_lossy(&bytes[body..]);
        let action = body.split('&').find_map(|pair| pair.strip_prefix("Action="));
        action.unwrap_or_default().clone_into(&mut target);
    }
    Ok(Some((target, bytes)))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_denial_is_as_long_as_it_says() {
        for denied in [super::DENIED, super::DENIED_BY_QUERY] {
            let text = std::str::from_utf8(denied).unwrap();
            let (head, body) = text.split_once("\r\n\r\n").unwrap();
            assert!(head.contains(&format!("Content-Length: {}", body.len())), "{}", body.len());
        }
    }
}
