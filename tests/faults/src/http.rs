//! HTTP/1.1 as bytes: a proxy that breaks connections must hold them in its own hands.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// A request or an answer.
#[derive(Clone, Debug, Default)]
pub struct Message {
    /// Its first line.
    pub line: String,
    /// All of it, as it came.
    pub bytes: Vec<u8>,
    /// Where its body begins.
    pub body: usize,
    target: String,
}

impl Message {
    /// The body.
    pub fn body(&self) -> &[u8] {
        &self.bytes[self.body..]
    }

    /// The second word of the first line: a request's path, an answer's status.
    pub fn word(&self) -> &str {
        self.line.split(' ').nth(1).unwrap_or_default()
    }

    /// Service and operation of a request to AWS: by `X-Amz-Target`, or by `Action` where the service has that.
    pub fn operation(&self) -> (String, String) {
        if let Some((service, operation)) = self.target.split_once('.') {
            return (service.to_owned(), operation.to_owned());
        }
        let body = String::from_utf8_lossy(self.body());
        let action = body.split('&').find_map(|pair| pair.strip_prefix("Action=")).unwrap_or("Unknown");
        ("SNS".to_owned(), action.to_owned())
    }
}

/// The next message; `None` at the end of the connection.
pub async fn read(from: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<Message>> {
    let mut message = Message::default();
    let (mut length, mut chunked) = (0, false);
    loop {
        let start = message.bytes.len();
        if from.read_until(b'\n', &mut message.bytes).await? == 0 {
            return Ok(None);
        }
        let line = String::from_utf8_lossy(&message.bytes[start..]).trim().to_owned();
        if line.is_empty() {
            break;
        }
        if message.line.is_empty() {
            message.line = line;
        } else if let Some((name, value)) = line.split_once(':') {
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.trim().parse().map_err(io::Error::other)?,
                "transfer-encoding" => chunked = value.contains("chunked"),
                "x-amz-target" => value.trim().clone_into(&mut message.target),
                _ => {}
            }
        }
    }
    message.body = message.bytes.len();
    if chunked {
        read_chunks(from, &mut message).await?;
    } else {
        let end = message.bytes.len() + length;
        message.bytes.resize(end, 0);
        from.read_exact(&mut message.bytes[message.body..]).await?;
    }
    Ok(Some(message))
}

/// The body without its chunks' sizes; only the runtime API reads such bodies, and sends none of them on.
async fn read_chunks(from: &mut (impl AsyncBufRead + Unpin), message: &mut Message) -> io::Result<()> {
    loop {
        let mut line = String::new();
        from.read_line(&mut line).await?;
        let size = line.trim().split(';').next().unwrap_or_default();
        let size = usize::from_str_radix(size, 16).map_err(io::Error::other)?;
        let start = message.bytes.len();
        message.bytes.resize(start + size, 0);
        from.read_exact(&mut message.bytes[start..]).await?;
        from.read_line(&mut String::new()).await?;
        if size == 0 {
            return Ok(());
        }
    }
}

/// Sends a request as it is, over a connection of its own, and reads the answer.
pub async fn exchange(to: SocketAddr, request: &[u8]) -> io::Result<Message> {
    let mut stream = BufReader::new(TcpStream::connect(to).await?);
    stream.get_mut().write_all(request).await?;
    read(&mut stream).await?.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}

/// An answer with a body.
pub fn answer(status: &str, kind: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
        .into_bytes()
}
