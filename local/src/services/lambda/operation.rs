//! Operations of Lambda's API by method and path.

use axum::http::Method;

/// The operation of a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Operation<'a> {
    Invoke(&'a str),
    GetFunction(&'a str),
    GetFunctionConfiguration(&'a str),
    ListFunctions,
    /// An unsupported operation, with its name.
    Other(&'static str),
    /// A path without an operation.
    Unknown,
}

/// Whether a path is one of Lambda's. Its API versions are dates.
pub(crate) fn is_path(path: &str) -> bool {
    let version = path.strip_prefix('/').and_then(|path| path.split('/').next()).unwrap_or_default();
    version.len() == 10 && version.bytes().all(|b| b.is_ascii_digit() || b == b'-')
}

impl<'a> Operation<'a> {
    /// Reads a path such as `/2015-03-31/functions/name/invocations`.
    pub(super) fn of(method: &Method, path: &'a str) -> Self {
        let path = path.strip_suffix('/').unwrap_or(path);
        let parts: Vec<&str> = path.split('/').skip(1).collect();
        match (method.as_str(), parts.as_slice()) {
            ("GET", [VERSION, "functions"]) => Self::ListFunctions,
            ("GET", [VERSION, "functions", name]) => Self::GetFunction(name),
            ("GET", [VERSION, "functions", name, "configuration"]) => Self::GetFunctionConfiguration(name),
            ("POST", [VERSION, "functions", name, "invocations"]) => Self::Invoke(name),
            (method, parts) => OTHERS
                .iter()
                .find(|(m, template, _)| *m == method && fits(template, parts))
                .map_or(Self::Unknown, |(_, _, name)| Self::Other(name)),
        }
    }
}

fn fits(template: &str, parts: &[&str]) -> bool {
    let wanted = template.split('/').skip(1);
    wanted.clone().count() == parts.len()
        && wanted.zip(parts).all(|(wanted, part)| wanted == *part || (wanted == "*" && !part.is_empty()))
}

/// The version of the API's first paths.
const VERSION: &str = "2015-03-31";

/// Unsupported operations, so that they are refused by name (Lambda API reference, "Actions").
#[rustfmt::skip]
const OTHERS: [(&str, &str, &str); 87] = [
    ("POST", "/2018-10-31/layers/*/versions/*/policy", "AddLayerVersionPermission"),
    ("POST", "/2015-03-31/functions/*/policy", "AddPermission"),
    ("POST", "/2025-12-01/durable-executions/*/checkpoint", "CheckpointDurableExecution"),
    ("POST", "/2015-03-31/functions/*/aliases", "CreateAlias"),
    ("POST", "/2025-11-30/capacity-providers", "CreateCapacityProvider"),
    ("POST", "/2020-04-22/code-signing-configs", "CreateCodeSigningConfig"),
    ("POST", "/2015-03-31/event-source-mappings", "CreateEventSourceMapping"),
    ("POST", "/2015-03-31/functions", "CreateFunction"),
    ("POST", "/2021-10-31/functions/*/url", "CreateFunctionUrlConfig"),
    ("DELETE", "/2015-03-31/functions/*/aliases/*", "DeleteAlias"),
    ("DELETE", "/2025-11-30/capacity-providers/*", "DeleteCapacityProvider"),
    ("DELETE", "/2020-04-22/code-signing-configs/*", "DeleteCodeSigningConfig"),
    ("DELETE", "/2025-12-01/durable-executions/*", "DeleteDurableExecution"),
    ("DELETE", "/2015-03-31/event-source-mappings/*", "DeleteEventSourceMapping"),
    ("DELETE", "/2015-03-31/functions/*", "DeleteFunction"),
    ("DELETE", "/2020-06-30/functions/*/code-signing-config", "DeleteFunctionCodeSigningConfig"),
    ("DELETE", "/2017-10-31/functions/*/concurrency", "DeleteFunctionConcurrency"),
    ("DELETE", "/2019-09-25/functions/*/event-invoke-config", "DeleteFunctionEventInvokeConfig"),
    ("DELETE", "/2021-10-31/functions/*/url", "DeleteFunctionUrlConfig"),
    ("DELETE", "/2018-10-31/layers/*/versions/*", "DeleteLayerVersion"),
    ("DELETE", "/2019-09-30/functions/*/provisioned-concurrency", "DeleteProvisionedConcurrencyConfig"),
    ("DELETE", "/2026-07-09/resource-policy/*", "DeleteResourcePolicy"),
    ("GET", "/2016-08-19/account-settings", "GetAccountSettings"),
    ("GET", "/2015-03-31/functions/*/aliases/*", "GetAlias"),
    ("GET", "/2025-11-30/capacity-providers/*", "GetCapacityProvider"),
    ("GET", "/2020-04-22/code-signing-configs/*", "GetCodeSigningConfig"),
    ("GET", "/2025-12-01/durable-executions/*", "GetDurableExecution"),
    ("GET", "/2025-12-01/durable-executions/*/history", "GetDurableExecutionHistory"),
    ("GET", "/2025-12-01/durable-executions/*/state", "GetDurableExecutionState"),
    ("GET", "/2015-03-31/event-source-mappings/*", "GetEventSourceMapping"),
    ("GET", "/2020-06-30/functions/*/code-signing-config", "GetFunctionCodeSigningConfig"),
    ("GET", "/2019-09-30/functions/*/concurrency", "GetFunctionConcurrency"),
    ("GET", "/2019-09-25/functions/*/event-invoke-config", "GetFunctionEventInvokeConfig"),
    ("GET", "/2024-08-31/functions/*/recursion-config", "GetFunctionRecursionConfig"),
    ("GET", "/2025-11-30/functions/*/function-scaling-config", "GetFunctionScalingConfig"),
    ("GET", "/2021-10-31/functions/*/url", "GetFunctionUrlConfig"),
    ("GET", "/2018-10-31/layers/*/versions/*", "GetLayerVersion"),
    ("GET", "/2018-10-31/layers", "GetLayerVersionByArn"),
    ("GET", "/2018-10-31/layers/*/versions/*/policy", "GetLayerVersionPolicy"),
    ("GET", "/2015-03-31/functions/*/policy", "GetPolicy"),
    ("GET", "/2019-09-30/functions/*/provisioned-concurrency", "GetProvisionedConcurrencyConfig"),
    ("GET", "/2026-07-09/resource-policy/*", "GetResourcePolicy"),
    ("GET", "/2021-07-20/functions/*/runtime-management-config", "GetRuntimeManagementConfig"),
    ("POST", "/2014-11-13/functions/*/invoke-async", "InvokeAsync"),
    ("POST", "/2021-11-15/functions/*/response-streaming-invocations", "InvokeWithResponseStream"),
    ("GET", "/2015-03-31/functions/*/aliases", "ListAliases"),
    ("GET", "/2025-11-30/capacity-providers", "ListCapacityProviders"),
    ("GET", "/2020-04-22/code-signing-configs", "ListCodeSigningConfigs"),
    ("GET", "/2025-12-01/functions/*/durable-executions", "ListDurableExecutionsByFunction"),
    ("GET", "/2015-03-31/event-source-mappings", "ListEventSourceMappings"),
    ("GET", "/2019-09-25/functions/*/event-invoke-config/list", "ListFunctionEventInvokeConfigs"),
    ("GET", "/2021-10-31/functions/*/urls", "ListFunctionUrlConfigs"),
    ("GET", "/2025-11-30/capacity-providers/*/function-versions", "ListFunctionVersionsByCapacityProvider"),
    ("GET", "/2020-04-22/code-signing-configs/*/functions", "ListFunctionsByCodeSigningConfig"),
    ("GET", "/2018-10-31/layers/*/versions", "ListLayerVersions"),
    ("GET", "/2018-10-31/layers", "ListLayers"),
    ("GET", "/2019-09-30/functions/*/provisioned-concurrency", "ListProvisionedConcurrencyConfigs"),
    ("GET", "/2017-03-31/tags/*", "ListTags"),
    ("GET", "/2015-03-31/functions/*/versions", "ListVersionsByFunction"),
    ("POST", "/2025-12-01/durable-executions/*/pause", "PauseDurableExecution"),
    ("POST", "/2018-10-31/layers/*/versions", "PublishLayerVersion"),
    ("POST", "/2015-03-31/functions/*/versions", "PublishVersion"),
    ("PUT", "/2020-06-30/functions/*/code-signing-config", "PutFunctionCodeSigningConfig"),
    ("PUT", "/2017-10-31/functions/*/concurrency", "PutFunctionConcurrency"),
    ("PUT", "/2019-09-25/functions/*/event-invoke-config", "PutFunctionEventInvokeConfig"),
    ("PUT", "/2024-08-31/functions/*/recursion-config", "PutFunctionRecursionConfig"),
    ("PUT", "/2025-11-30/functions/*/function-scaling-config", "PutFunctionScalingConfig"),
    ("PUT", "/2019-09-30/functions/*/provisioned-concurrency", "PutProvisionedConcurrencyConfig"),
    ("PUT", "/2026-07-09/resource-policy/*", "PutResourcePolicy"),
    ("PUT", "/2021-07-20/functions/*/runtime-management-config", "PutRuntimeManagementConfig"),
    ("DELETE", "/2018-10-31/layers/*/versions/*/policy/*", "RemoveLayerVersionPermission"),
    ("DELETE", "/2015-03-31/functions/*/policy/*", "RemovePermission"),
    ("POST", "/2025-12-01/durable-executions/*/resume", "ResumeDurableExecution"),
    ("POST", "/2025-12-01/durable-execution-callbacks/*/fail", "SendDurableExecutionCallbackFailure"),
    ("POST", "/2025-12-01/durable-execution-callbacks/*/heartbeat", "SendDurableExecutionCallbackHeartbeat"),
    ("POST", "/2025-12-01/durable-execution-callbacks/*/succeed", "SendDurableExecutionCallbackSuccess"),
    ("POST", "/2025-12-01/durable-executions/*/stop", "StopDurableExecution"),
    ("POST", "/2017-03-31/tags/*", "TagResource"),
    ("DELETE", "/2017-03-31/tags/*", "UntagResource"),
    ("PUT", "/2015-03-31/functions/*/aliases/*", "UpdateAlias"),
    ("PUT", "/2025-11-30/capacity-providers/*", "UpdateCapacityProvider"),
    ("PUT", "/2020-04-22/code-signing-configs/*", "UpdateCodeSigningConfig"),
    ("PUT", "/2015-03-31/event-source-mappings/*", "UpdateEventSourceMapping"),
    ("PUT", "/2015-03-31/functions/*/code", "UpdateFunctionCode"),
    ("PUT", "/2015-03-31/functions/*/configuration", "UpdateFunctionConfiguration"),
    ("POST", "/2019-09-25/functions/*/event-invoke-config", "UpdateFunctionEventInvokeConfig"),
    ("PUT", "/2021-10-31/functions/*/url", "UpdateFunctionUrlConfig"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_name_operations() {
        let of = |method: Method, path| Operation::of(&method, path);
        assert_eq!(of(Method::POST, "/2015-03-31/functions/f/invocations"), Operation::Invoke("f"));
        assert_eq!(of(Method::GET, "/2015-03-31/functions/"), Operation::ListFunctions);
        assert_eq!(of(Method::GET, "/2015-03-31/functions"), Operation::ListFunctions);
        assert_eq!(of(Method::GET, "/2015-03-31/functions/f"), Operation::GetFunction("f"));
        assert_eq!(of(Method::POST, "/2015-03-31/functions"), Operation::Other("CreateFunction"));
        assert_eq!(of(Method::GET, "/2017-03-31/tags/arn"), Operation::Other("ListTags"));
        assert_eq!(of(Method::GET, "/2015-03-31/functions/f/invocations/x"), Operation::Unknown);
        assert!(is_path("/2015-03-31/functions") && !is_path("/schedules/x") && !is_path("/schedules-"));
    }
}
