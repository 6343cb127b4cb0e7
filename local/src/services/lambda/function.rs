//! A Lambda function.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

type Run =
    dyn Fn(Value, String) -> Pin<Box<dyn Future<Output = Result<Value, FunctionError>> + Send>> + Send + Sync;

/// A function, its name and its timeout.
pub(crate) struct Function {
    pub(super) name: String,
    /// The value of `_HANDLER` on AWS.
    pub(super) handler: &'static str,
    pub(super) timeout: Duration,
    pub(super) run: Box<Run>,
}

/// The error of a function: the JSON payload of an invocation with `X-Amz-Function-Error`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FunctionError {
    /// What machines and callers match.
    pub error_type: String,
    /// For people.
    pub error_message: String,
}

impl Function {
    /// Default memory of a function on AWS. Here, the function uses the memory of this process.
    pub(super) const MEMORY_MB: u32 = 128;

    /// A handler.
    pub(crate) fn new<F>(
        name: impl Into<String>,
        handler: &'static str,
        timeout: Duration,
        run: impl Fn(Value, String) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<Value, FunctionError>> + Send + 'static,
    {
        Self {
            name: name.into(),
            handler,
            timeout,
            run: Box::new(move |event, request_id| Box::pin(run(event, request_id))),
        }
    }
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Function").field("name", &self.name).field("timeout", &self.timeout).finish()
    }
}
