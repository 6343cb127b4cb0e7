//! Posting to a subscriber.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::{Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// How long a subscriber may take to answer.
///
/// <https://docs.aws.amazon.com/sns/latest/dg/SendMessageToHttp.prepare.html>
const PATIENCE: Duration = Duration::from_secs(15);

/// A subscriber on this machine.
#[derive(Debug)]
pub(super) struct LoopbackUrl {
    uri: Uri,
    host: String,
    port: u16,
}

/// Why nothing was delivered.
#[derive(Debug, thiserror::Error)]
pub(super) enum PostError {
    #[error("the endpoint cannot be reached: {0}")]
    Connect(#[source] std::io::Error),
    #[error("the endpoint did not answer: {0}")]
    Http(#[source] hyper::Error),
    #[error("the request cannot be made: {0}")]
    Request(#[source] hyper::http::Error),
    #[error("the endpoint did not answer within {PATIENCE:?}")]
    TimedOut,
    #[error("the endpoint answered with status {0}")]
    Refused(StatusCode),
}

impl PostError {
    /// Whether another try may help: what is the subscriber's mistake is not repeated, except for being told to slow
    /// down.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::Connect(_) | Self::Http(_) | Self::TimedOut => true,
            Self::Request(_) => false,
            Self::Refused(status) => !status.is_client_error() || *status == StatusCode::TOO_MANY_REQUESTS,
        }
    }
}

impl LoopbackUrl {
    /// Reads a URL of an endpoint on this machine.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let uri: Uri = text.parse().map_err(|_| "Endpoint must be a URL".to_owned())?;
        if uri.scheme_str() != Some("http") {
            return Err("Endpoint must match the specified protocol".to_owned());
        }
        let authority = uri.authority().ok_or("Endpoint must have a host")?;
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let is_loopback =
            host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback());
        if !is_loopback || authority.as_str().contains('@') {
            return Err(format!(
                "the embedded endpoint delivers to loopback hosts only (127.0.0.1, [::1], localhost), not to {host}"
            ));
        }
        let port = authority.port_u16().unwrap_or(80);
        Ok(Self { uri, host, port })
    }

    /// Posts a body. Only an answer of 200 to 299 counts as a delivery.
    pub(super) async fn post(&self, headers: &[(&str, &str)], body: String) -> Result<(), PostError> {
        match tokio::time::timeout(PATIENCE, self.exchange(headers, body)).await {
            Ok(Ok(status)) if status.is_success() => Ok(()),
            Ok(Ok(status)) => Err(PostError::Refused(status)),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(PostError::TimedOut),
        }
    }

    async fn exchange(&self, headers: &[(&str, &str)], body: String) -> Result<StatusCode, PostError> {
        let stream = self.connect().await.map_err(PostError::Connect)?;
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(PostError::Http)?;
        let driver = tokio::spawn(connection);
        let path = self.uri.path_and_query().map_or("/", |path| path.as_str());
        let host = self.uri.authority().map_or("", |authority| authority.as_str());
        let mut request = Request::post(path).header("host", host).header("connection", "close");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(Bytes::from(body))).map_err(PostError::Request)?;
        let answer = sender.send_request(request).await.map_err(PostError::Http);
        // Nobody reads the answer's body.
        driver.abort();
        answer.map(|answer| answer.status())
    }

    /// `localhost` is a name, and a name could lead elsewhere.
    async fn connect(&self) -> std::io::Result<TcpStream> {
        let addresses: Vec<SocketAddr> = tokio::net::lookup_host((self.host.as_str(), self.port))
            .await?
            .filter(|address| address.ip().is_loopback())
            .collect();
        TcpStream::connect(addresses.as_slice()).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_posted_to() {
        for good in
            ["http://127.0.0.1:1/x?y=z", "http://localhost/", "http://[::1]:8080", "http://127.8.9.1/"]
        {
            assert!(LoopbackUrl::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "https://127.0.0.1/",
            "http://example.com/",
            "http://127.0.0.1.example.com/",
            "http://localhost@example.com/",
            "http://user@localhost/",
            "http://10.0.0.1/",
            "http://0.0.0.0/",
            "127.0.0.1",
            "",
        ] {
            assert!(LoopbackUrl::parse(bad).is_err(), "{bad}");
        }
    }
}
