//! Task tokens: heartbeats and answers.

use std::time::Duration;

use aws_sdk_sfn::Client;
use aws_sdk_sfn::config::http::HttpResponse;
use aws_sdk_sfn::error::{ProvideErrorMetadata, SdkError};
use rsqlflow_core::TaskToken;
use rsqlflow_core::protocol::Answer;
use rsqlflow_store::{ErrorClass, ServiceError, is_token_closed};
use tokio::time::timeout;

use super::Backoff;

/// The service's answer for a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenStatus {
    /// A task waits for the token.
    Accepted,
    /// No task waits for the token, now or later.
    Refused,
}

/// The service cannot be reached, or denies the call. The message does not contain the token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{action}: {reason}")]
pub struct TokenError {
    action: &'static str,
    reason: String,
    class: ErrorClass,
}

impl TokenError {
    /// Whether the same call may succeed soon.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        self.class.is_transient()
    }

    /// Whether this agent's role does not allow the call.
    #[must_use]
    pub const fn is_denied(&self) -> bool {
        matches!(self.class, ErrorClass::Denied)
    }

    /// The action, as IAM names it after `states:`.
    #[must_use]
    pub const fn action(&self) -> &'static str {
        self.action
    }
}

/// Calls about task tokens.
#[derive(Clone, Debug)]
pub struct Tokens {
    client: Client,
}

impl Tokens {
    /// With a client.
    #[must_use]
    pub const fn new(client: Client) -> Self {
        Self { client }
    }

    /// Sends a heartbeat, with timeout `most`.
    ///
    /// # Errors
    /// [`TokenError`] if it is not known whether the service received the heartbeat.
    pub async fn heartbeat(&self, token: &TaskToken, most: Duration) -> Result<TokenStatus, TokenError> {
        let action = "SendTaskHeartbeat";
        let call = self.client.send_task_heartbeat().task_token(token.expose()).send();
        match timeout(most, call).await {
            Ok(answer) => heard(action, token, answer),
            Err(_) => Err(TokenError {
                action,
                reason: "timeout: no answer".to_owned(),
                class: ErrorClass::Unavailable,
            }),
        }
    }

    /// Ends the waiting task. Retried as long as the policy allows. A definite refusal is not retried.
    ///
    /// # Errors
    /// [`TokenError`] if the service cannot be reached or denies the call. The answer is then still due.
    pub async fn answer(
        &self,
        token: &TaskToken,
        answer: &Answer,
        mut backoff: Backoff,
    ) -> Result<TokenStatus, TokenError> {
        loop {
            let error = match self.answer_once(token, answer).await {
                Ok(heard) => return Ok(heard),
                Err(error) => error,
            };
            if !error.is_transient() || !backoff.pause().await {
                return Err(error);
            }
        }
    }

    async fn answer_once(&self, token: &TaskToken, answer: &Answer) -> Result<TokenStatus, TokenError> {
        match answer {
            Answer::Success => {
                let call = self.client.send_task_success().task_token(token.expose()).output("{}");
                heard("SendTaskSuccess", token, call.send().await)
            }
            Answer::Failure { error, cause } => {
                let call = self.client.send_task_failure().task_token(token.expose());
                heard("SendTaskFailure", token, call.error(error.to_string()).cause(cause).send().await)
            }
        }
    }
}

fn heard<T, E>(
    action: &'static str,
    token: &TaskToken,
    answer: Result<T, SdkError<E, HttpResponse>>,
) -> Result<TokenStatus, TokenError>
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
{
    let Err(error) = answer else { return Ok(TokenStatus::Accepted) };
    let error = ServiceError::of(action, "", &error);
    if error.code.as_deref().is_some_and(is_token_closed) {
        return Ok(TokenStatus::Refused);
    }
    // The message of a validation error quotes the invalid value.
    let reason = error.reason.replace(token.expose(), "…");
    Err(TokenError { action, reason, class: error.class })
}
