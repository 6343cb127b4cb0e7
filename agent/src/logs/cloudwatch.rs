//! The three calls to CloudWatch Logs.

use std::sync::Arc;

use aws_sdk_cloudwatchlogs::config::http::HttpResponse;
use aws_sdk_cloudwatchlogs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_cloudwatchlogs::types::InputLogEvent;
use rsqlflow_store::ServiceError;

use super::events::Event;
use crate::aws::Clients;

/// One log stream. It is created with the first write.
#[derive(Clone, Debug)]
pub struct Stream {
    /// The configuration and not the client, whose creation takes a millisecond: it is created with the first line, while the
    /// script runs.
    clients: Arc<Clients>,
    group: String,
    name: String,
}

/// Why events were not accepted.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct LogError(ServiceError);

impl LogError {
    /// Whether the same call may succeed later.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        self.0.is_transient()
    }

    pub(super) fn no_answer() -> Self {
        Self(ServiceError::no_answer("a call", ""))
    }

    fn is_missing(&self) -> bool {
        self.0.has_code("ResourceNotFound")
    }

    fn is_there_already(&self) -> bool {
        self.0.has_code("ResourceAlreadyExists")
    }
}

impl Stream {
    /// A stream of a group.
    #[must_use]
    pub const fn new(clients: Arc<Clients>, group: String, name: String) -> Self {
        Self { clients, group, name }
    }

    /// Creates the stream, and if necessary the group, unless they exist.
    ///
    /// # Errors
    /// The service's error.
    pub async fn create(&self) -> Result<(), LogError> {
        match self.create_stream().await {
            Err(error) if error.is_missing() => {
                // On AWS, the deployment creates the group. On one machine, the agent does.
                let made = self.clients.logs().create_log_group().log_group_name(&self.group).send().await;
                made.map(|_| ()).or_else(|error| accept_existing(self.error("CreateLogGroup", &error)))?;
                self.create_stream().await
            }
            other => other,
        }
    }

    async fn create_stream(&self) -> Result<(), LogError> {
        self.clients
            .logs()
            .create_log_stream()
            .log_group_name(&self.group)
            .log_stream_name(&self.name)
            .send()
            .await
            .map(|_| ())
            .or_else(|error| accept_existing(self.error("CreateLogStream", &error)))
    }

    /// Sends a batch. Returns whether the service accepted every event. It rejects events that are too old or too new.
    ///
    /// # Errors
    /// The service's error. Then no event was accepted, as far as is known.
    pub async fn put(&self, events: Vec<Event>) -> Result<bool, LogError> {
        // Only a missing field could fail, and both are set.
        let input = events
            .into_iter()
            .filter_map(|event| {
                InputLogEvent::builder().timestamp(event.at.as_millis()).message(event.message).build().ok()
            })
            .collect();
        let answer = self
            .clients
            .logs()
            .put_log_events()
            .log_group_name(&self.group)
            .log_stream_name(&self.name)
            .set_log_events(Some(input))
            .send()
            .await
            .map_err(|error| self.error("PutLogEvents", &error))?;
        Ok(answer.rejected_log_events_info.is_none())
    }

    fn error<E>(&self, action: &'static str, error: &SdkError<E, HttpResponse>) -> LogError
    where
        E: std::error::Error + ProvideErrorMetadata + 'static,
    {
        LogError(ServiceError::of(action, format!("on log stream {}", self.name), error))
    }
}

fn accept_existing(error: LogError) -> Result<(), LogError> {
    if error.is_there_already() { Ok(()) } else { Err(error) }
}
