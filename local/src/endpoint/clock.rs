//! What invokes the function `clock` here, as a rule of EventBridge does on AWS every minute.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::services::lambda::Lambda;

/// Between two looks at the statements that are due. Nobody waits for a minute on a machine of one's own.
const PERIOD: Duration = Duration::from_secs(1);

/// Between two looks at everything else, as on AWS.
const WHOLE_PERIOD: u32 = 60;

/// Invokes the function until the task is ended. It is never invoked twice at once, though events may do that.
pub(super) fn start(lambda: Lambda, function: String) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut ticks = 0u32;
        loop {
            tokio::time::sleep(PERIOD).await;
            ticks = ticks.wrapping_add(1);
            let request = if ticks.is_multiple_of(WHOLE_PERIOD) { json!({}) } else { statements() };
            match lambda.invoke(&function, request).await {
                Ok(Ok(_)) => {}
                Ok(Err(error)) => {
                    tracing::warn!(function, error = error.error_type, "{}", error.error_message);
                }
                Err(error) => tracing::warn!(function, "{}", error.message),
            }
        }
    })
}

fn statements() -> Value {
    json!({ "only": "statements" })
}
