//! The deployment's Lambda functions and state machines, from the same handlers and definitions as on AWS.

use std::fmt;
use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use rsqlflow_core::{Deployment, Function as Handler, MachineKind};
use rsqlflow_lambdas::Context;
use rsqlflow_lambdas::machines::{self, Substitutions};
use serde_json::Value;

use crate::services::lambda::{Function, FunctionError, Lambda};
use crate::services::stepfunctions::{OnEnd, StepFunctions, machine_arn};
use crate::{LocalError, place};

/// Timeout of functions that no heartbeat depends on.
const UNHURRIED: Duration = Duration::from_secs(60);

/// An invocation's end: the answer, or what the function raised.
type Ended = Pin<Box<dyn Future<Output = Result<Value, FunctionError>> + Send>>;

/// Where the functions run.
#[derive(Clone, Default)]
pub enum Functions {
    /// In this process.
    #[default]
    Here,
    /// Where this call takes the event and the id of the invocation. For tests that run each function as a process of
    /// its own, as Lambda does.
    By(Arc<dyn Fn(Handler, Value, String) -> Ended + Send + Sync>),
}

impl fmt::Debug for Functions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Here => "Here",
            Self::By(_) => "By(…)",
        })
    }
}

/// The functions. They talk to the endpoint by `sdk`, as they talk to AWS.
///
/// # Errors
/// [`LocalError`] of the queue's database in `dir`.
pub(super) fn functions(
    dir: &Path,
    sdk: &aws_config::SdkConfig,
    deployment: &Deployment,
    place: &Functions,
) -> Result<Lambda, LocalError> {
    let context = Context::new(sdk, deployment.clone());
    let functions = Handler::ALL.map(|handler| {
        let (context, place) = (context.clone(), place.clone());
        let timeout = match handler {
            Handler::RsqlInvoke | Handler::Clock => handler.timeout(&deployment.timing),
            _ => UNHURRIED,
        };
        Function::new(handler.name_in(deployment), handler.as_str(), timeout, move |event, request_id| {
            let (context, place) = (context.clone(), place.clone());
            async move {
                if let Functions::By(invoke) = place {
                    return invoke(handler, event, request_id).await;
                }
                let answer = rsqlflow_lambdas::invoke(&context, handler, event, &request_id).await;
                answer.map_err(|error| FunctionError {
                    error_type: error.error_type.as_str().to_owned(),
                    error_message: error.message,
                })
            }
        })
    });
    Lambda::open(dir, functions)
}

/// Closes a run when its master ends, however it ends. On AWS, an EventBridge rule of the deployment does this.
pub(super) fn on_end(deployment: &Deployment) -> OnEnd {
    OnEnd {
        machine_arn: machine_arn(&deployment.machines.master.name),
        function: Handler::UpdateAudit.name_in(deployment).to_owned(),
        repeat_on: &["StageNotSettled", "ServiceUnavailable"],
    }
}

/// What takes up the end of a statement of the Redshift Data API. On AWS the deployment has an EventBridge rule for it.
pub(super) fn on_statement_end(deployment: &Deployment) -> String {
    Handler::Clock.name_in(deployment).to_owned()
}

/// Creates the state machines.
pub(super) async fn create_machines(
    step_functions: &StepFunctions,
    deployment: &Deployment,
) -> Result<(), LocalError> {
    let names = &deployment.machines;
    let function =
        |handler: Handler| place::arn("lambda", format_args!("function:{}", handler.name_in(deployment)));
    let (sequential, parallel) = (machine_arn(&names.sequential.name), machine_arn(&names.parallel.name));
    let values = Substitutions::of("aws", function, &sequential, &parallel);
    for kind in MachineKind::ALL {
        let name = &names.of(kind).name;
        let failed = |reason: String| LocalError::Resource { what: format!("state machine {name}"), reason };
        let text = machines::definition(kind, &values).map_err(|e| failed(e.to_string()))?;
        step_functions.ensure_machine(name, &text).await.map_err(|e| failed(e.message))?;
    }
    Ok(())
}
