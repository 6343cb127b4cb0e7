//! In debug builds: a function makes no call that its role does not allow.
//!
//! The deployment creates the roles from [`Function::permissions`]. Every test that runs the functions checks their calls
//! against that list, so a missing permission fails a test and not a run on AWS.

use std::future::Future;
use std::sync::Arc;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextRef;
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use rsqlflow_core::{Deployment, Function, MachineKind, Resource, Table};
use serde_json::Value;

tokio::task_local! {
    static RUNNING: Function;
}

/// Runs a function's work so that its calls are checked. Calls of tasks that it spawns are not.
pub(crate) async fn running<F: Future>(function: Function, work: F) -> F::Output {
    RUNNING.scope(function, work).await
}

/// Checks each call of a client before it is sent.
#[derive(Clone, Debug)]
pub(crate) struct OnlyPermitted(pub(crate) Arc<Deployment>);

impl Intercept for OnlyPermitted {
    fn name(&self) -> &'static str {
        "OnlyPermitted"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let (Ok(function), Some(call)) = (RUNNING.try_with(|f| *f), config.load::<Metadata>()) else {
            return Ok(());
        };
        // Only SNS has requests that are not JSON, and its one action is on one kind of resource.
        let body = context.request().body().bytes().unwrap_or_default();
        let request = serde_json::from_slice(body).unwrap_or(Value::Null);
        let action = action(call);
        let is_permitted = is_permitted(&self.0, function, &action, &request);
        assert!(is_permitted, "Function::{function:?} does not permit {action} on this resource");
        Ok(())
    }
}

/// A call as IAM names it.
fn action(call: &Metadata) -> String {
    let service = match call.service() {
        "CloudWatch Logs" => "logs",
        "DynamoDB" => "dynamodb",
        "Redshift Data" => "redshift-data",
        "SFN" => "states",
        "SNS" => "sns",
        "SSM" => "ssm",
        other => other,
    };
    format!("{service}:{}", call.name())
}

fn is_permitted(deployment: &Deployment, function: Function, action: &str, request: &Value) -> bool {
    let permissions = function.permissions();
    permissions.iter().any(|one| one.actions.contains(&action) && covers(one.on, request, deployment))
}

fn covers(resource: Resource, request: &Value, deployment: &Deployment) -> bool {
    let text = |field: &str| request[field].as_str();
    let is_table = |table: Table| {
        let name = text("TableName");
        name == Some(deployment.tables.name(table))
    };
    // ARNs of executions end with the name of the state machine and that of the execution.
    let is_of = |kinds: &[MachineKind], field: &str, part: usize| {
        let name = text(field).and_then(|arn| arn.rsplit(':').nth(part));
        kinds.iter().any(|kind| Some(deployment.machines.of(*kind).name.as_str()) == name)
    };
    match resource {
        Resource::Table(table) => is_table(table) && text("IndexName").is_none(),
        Resource::Index(table) => {
            is_table(table) && table.shape().indexes.iter().any(|index| text("IndexName") == Some(index.name))
        }
        Resource::Machine(kinds) => is_of(kinds, "stateMachineArn", 0),
        Resource::Executions(kinds) => is_of(kinds, "executionArn", 1),
        Resource::Targets => text("DocumentName") == Some(&deployment.ssm_document),
        Resource::LogGroup => text("logGroupName") == Some(&deployment.log_group),
        Resource::Warehouses => deployment.defaults.warehouses.values().any(|one| {
            let same = |field: &str, name: &Option<String>| name.is_some() && text(field) == name.as_deref();
            same("ClusterIdentifier", &one.cluster) || same("WorkgroupName", &one.workgroup)
        }),
        Resource::Tasks | Resource::Topics | Resource::DeadLetters | Resource::Anything => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_calls_that_a_role_allows_are_permitted() {
        let deployment = Deployment::named("p");
        let permitted =
            |function, action: &str, request: Value| is_permitted(&deployment, function, action, &request);
        let arn = |kind: &str, rest: &str| format!("arn:aws:states:eu-west-1:1:{kind}:p-{rest}");
        for (is_allowed, function, action, request) in [
            (true, Function::RsqlInvoke, "dynamodb:UpdateItem", json!({ "TableName": "p-job-audit-table" })),
            (false, Function::RsqlInvoke, "dynamodb:PutItem", json!({ "TableName": "p-job-audit-table" })),
            (false, Function::RsqlInvoke, "dynamodb:UpdateItem", json!({ "TableName": "p-config-table" })),
            (true, Function::RsqlInvoke, "ssm:SendCommand", json!({ "DocumentName": "p-run-job" })),
            (false, Function::RsqlInvoke, "ssm:SendCommand", json!({ "DocumentName": "AWS-RunShellScript" })),
            (
                true,
                Function::WorkflowTrigger,
                "dynamodb:Query",
                json!({ "TableName": "p-workflow-audit-table", "IndexName": "workflow_id-index" }),
            ),
            (
                false,
                Function::WorkflowTrigger,
                "dynamodb:Query",
                json!({ "TableName": "p-workflow-audit-table" }),
            ),
            (
                true,
                Function::WorkflowTrigger,
                "states:StartExecution",
                json!({ "stateMachineArn": arn("stateMachine", "master") }),
            ),
            (
                false,
                Function::WorkflowTrigger,
                "states:StartExecution",
                json!({ "stateMachineArn": arn("stateMachine", "parallel") }),
            ),
            (
                true,
                Function::UpdateAudit,
                "states:StopExecution",
                json!({ "executionArn": arn("execution", "parallel:run-1-s0000-c000") }),
            ),
            (
                false,
                Function::UpdateAudit,
                "states:StopExecution",
                json!({ "executionArn": arn("execution", "master:run-1") }),
            ),
        ] {
            assert_eq!(
                permitted(function, action, request.clone()),
                is_allowed,
                "{function} {action} {request}"
            );
        }
    }
}
