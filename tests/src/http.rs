//! HTTP by hand, for requests that no client would make.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// Status line and headers, in small letters.
    pub head: String,
    /// The rest.
    pub body: String,
}

impl Answer {
    /// The body as JSON.
    ///
    /// # Panics
    /// Where it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }

    fn read(text: &str) -> Option<Self> {
        let (head, body) = text.split_once("\r\n\r\n")?;
        let head = head.to_ascii_lowercase();
        let status = head.split(' ').nth(1)?.parse().ok()?;
        Some(Self { status, head, body: body.to_owned() })
    }
}

/// Sends a request: its line without the version, headers, body. `host` and `content-length` are added where they
/// are not given. `None` where no answer comes before the connection ends.
///
/// # Panics
/// Where nobody listens.
#[must_use]
pub fn send(url: &str, line: &str, headers: &[(&str, &str)], body: &[u8]) -> Option<Answer> {
    let address = url.trim_start_matches("http://").trim_end_matches('/');
    let mut head = format!("{line} HTTP/1.1\r\nconnection: close\r\n");
    let length = body.len().to_string();
    for (name, value) in [("host", address), ("content-length", length.as_str())] {
        if !headers.iter().any(|(given, _)| given.eq_ignore_ascii_case(name)) {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
    }
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    let mut stream = TcpStream::connect(address).expect("somebody listens");
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a timeout");
    let mut answer = Vec::new();
    // Who refuses a request need not read it to its end.
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
    let _ = stream.read_to_end(&mut answer);
    Answer::read(&String::from_utf8_lossy(&answer))
}
