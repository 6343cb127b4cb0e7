//! The executable of every Lambda function. `_HANDLER` selects the function.

use std::process::ExitCode;

use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use rsqlflow_core::Function;
use rsqlflow_lambdas::{Context, invoke};
use serde_json::Value;
use tracing_subscriber::EnvFilter;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    log_as_json();
    match serve().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error, "the function cannot start");
            ExitCode::FAILURE
        }
    }
}

async fn serve() -> Result<(), lambda_runtime::Error> {
    let (function, context) = start().await?;
    let context = &context;
    let serve = async |event: LambdaEvent<Value>| {
        let id = event.context.request_id;
        invoke(context, function, event.payload, &id).await.map_err(|error| Diagnostic {
            error_type: error.error_type.to_string(),
            error_message: error.message,
        })
    };
    lambda_runtime::run(service_fn(serve)).await
}

async fn start() -> Result<(Function, Context), lambda_runtime::Error> {
    let handler = std::env::var("_HANDLER").unwrap_or_default();
    Ok((handler.parse()?, Context::from_env().await?))
}

/// One JSON object on each line, with the ids of the invocation. The SDK logs only warnings: its debug lines contain
/// requests with task tokens. The runtime's own line for each error would repeat this log.
fn log_as_json() {
    let filter = EnvFilter::try_new(
        "warn,lambda_runtime::layers::panic=off,rsqlflow_lambdas=info,rsqlflow_store=info",
    );
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_env_filter(filter.unwrap_or_default())
        .init();
}
