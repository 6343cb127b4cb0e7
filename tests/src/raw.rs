//! Requests as they are on the wire, where the SDK would hide what is looked at.

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::World;

impl World {
    /// Calls an operation of a JSON protocol; `target` is `<service>.<operation>` as in `X-Amz-Target`. Members that
    /// are null are left out, as clients do.
    ///
    /// # Panics
    /// Where the endpoint does not answer with JSON and 200.
    pub async fn call(&self, target: &str, body: &Value) -> Value {
        let address = self.url.trim_start_matches("http://");
        let members = body.as_object().expect("a request is an object").iter().filter(|(_, v)| !v.is_null());
        let body = Value::Object(members.map(|(k, v)| (k.clone(), v.clone())).collect()).to_string();
        let headers =
            [("host", address), ("content-type", "application/x-amz-json-1.0"), ("x-amz-target", target)];
        let signature = self.keys.sign("POST /", &headers, body.as_bytes());
        let signature = signature.iter().map(|(name, value)| (*name, value.as_str()));
        let headers: String = headers
            .into_iter()
            .chain(signature)
            .map(|(name, value)| format!("{name}: {value}\r\n"))
            .collect();
        let request = format!(
            "POST / HTTP/1.1\r\nconnection: close\r\n{headers}content-length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut stream = TcpStream::connect(address).await.expect("the endpoint listens");
        stream.write_all(request.as_bytes()).await.expect("the request is sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("an answer");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        assert!(head.starts_with("HTTP/1.1 200"), "{target}: {head}\n{body}");
        serde_json::from_str(body).expect("JSON")
    }
}
