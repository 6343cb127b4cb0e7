//! Requests from this process: those of the functions and of the command. They are unchanged SDK requests, handled like
//! those from the port, but without a connection, which halves the time of a call.

use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderValue, header};
use tokio_util::task::TaskTracker;

use crate::http::server;
use crate::services::Services;

/// An HTTP client whose requests all go to this endpoint. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Within(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    /// Weak: the functions are part of the services, and hold this client.
    services: OnceLock<Weak<Services>>,
    under_way: TaskTracker,
}

impl Within {
    /// Starts to answer requests.
    pub(crate) fn open(&self, services: &Arc<Services>) {
        let _ = self.0.services.set(Arc::downgrade(services));
    }

    /// Accepts no more requests, and waits for running ones.
    pub(crate) async fn close(&self) {
        self.0.under_way.close();
        self.0.under_way.wait().await;
    }

    async fn answer(&self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        // Before the check: from here on, the shutdown waits for this request.
        let _under_way = self.0.under_way.token();
        let services = self.0.services.get().and_then(Weak::upgrade);
        let Some(services) = services.filter(|_| !self.0.under_way.is_closed()) else {
            return Err(ConnectorError::io("the endpoint is not open".into()));
        };
        let mut request = request.try_into_http1x().map_err(|e| ConnectorError::user(e.into()))?;
        // Headers that a connection would add.
        if let Some(host) =
            request.uri().authority().and_then(|host| HeaderValue::from_str(host.as_str()).ok())
        {
            request.headers_mut().insert(header::HOST, host);
        }
        let work = server::handle(services, request.map(Body::new), None);
        let (head, body) = work.await.into_parts();
        let body = to_bytes(body, usize::MAX).await.map_err(|e| ConnectorError::io(e.into()))?;
        axum::http::Response::from_parts(head, SdkBody::from(body))
            .try_into()
            .map_err(|e| ConnectorError::other(Box::new(e), None))
    }
}

/// The client with the settings of one service's client.
#[derive(Debug)]
struct Connector {
    within: Within,
    patience: Option<Duration>,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (within, patience) = (self.within.clone(), self.patience);
        HttpConnectorFuture::new(async move {
            let answer = within.answer(request);
            match patience {
                Some(patience) => tokio::time::timeout(patience, answer)
                    .await
                    .unwrap_or_else(|late| Err(ConnectorError::timeout(late.into()))),
                None => answer.await,
            }
        })
    }
}

impl HttpClient for Within {
    fn http_connector(&self, settings: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(Connector { within: self.clone(), patience: settings.read_timeout() })
    }
}
