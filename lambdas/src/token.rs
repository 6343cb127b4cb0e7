//! Answers to waiting tasks.

use rsqlflow_core::TaskToken;
use rsqlflow_core::protocol::Answer;
use rsqlflow_store::is_token_closed;

use crate::{Context, HandlerError, ServiceError};

/// Reports the end of a job to its waiting task. It is not an error if no task waits any more: the row has the result, and
/// the state's next try gets it from there.
pub(crate) async fn answer(
    context: &Context,
    token: &TaskToken,
    answer: &Answer,
) -> Result<(), HandlerError> {
    let sent = match answer {
        Answer::Success => context
            .sfn
            .send_task_success()
            .task_token(token.expose())
            .output("{}")
            .send()
            .await
            .map(|_| ())
            .map_err(|e| ServiceError::of("SendTaskSuccess", "", &e)),
        Answer::Failure { error, cause } => context
            .sfn
            .send_task_failure()
            .task_token(token.expose())
            .error(*error)
            .cause(cause)
            .send()
            .await
            .map(|_| ())
            .map_err(|e| ServiceError::of("SendTaskFailure", "", &e)),
    };
    match sent {
        Ok(()) => Ok(()),
        Err(error) if error.code.as_deref().is_some_and(is_token_closed) => {
            tracing::info!(reason = error.reason, "no task waits for the token any more");
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}
