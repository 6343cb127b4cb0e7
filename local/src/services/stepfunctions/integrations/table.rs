//! Which services and actions there are.

use asl::Service;

/// One service behind `aws-sdk:<service>`.
#[derive(Debug)]
pub(super) struct Api {
    /// Its name in a resource.
    pub(super) name: &'static str,
    /// In error names and causes.
    pub(super) prefix: &'static str,
    /// First part of `X-Amz-Target`.
    pub(super) target: &'static str,
    /// Whether its own names start in lower case; the integration's start in upper case.
    pub(super) lower_case: bool,
    /// Error codes that its model does not have: the SDK knows them only as the service's base exception.
    pub(super) unmodelled: &'static [&'static str],
    /// Actions that this endpoint has.
    pub(super) actions: &'static [&'static str],
}

pub(super) const LAMBDA: &str = "lambda";
pub(super) const SNS: &str = "sns";

const APIS: [Api; 8] = [
    Api {
        name: "dynamodb",
        prefix: "DynamoDb",
        target: "DynamoDB_20120810",
        lower_case: false,
        unmodelled: &["ValidationException"],
        actions: &[
            "batchExecuteStatement",
            "batchGetItem",
            "batchWriteItem",
            "createTable",
            "deleteItem",
            "deleteTable",
            "describeTable",
            "describeTimeToLive",
            "executeStatement",
            "executeTransaction",
            "getItem",
            "listTables",
            "listTagsOfResource",
            "putItem",
            "query",
            "scan",
            "tagResource",
            "transactGetItems",
            "transactWriteItems",
            "untagResource",
            "updateItem",
            "updateTable",
            "updateTimeToLive",
        ],
    },
    Api {
        name: "sfn",
        prefix: "Sfn",
        target: "AWSStepFunctions",
        lower_case: true,
        unmodelled: &[],
        actions: &[
            "createStateMachine",
            "deleteStateMachine",
            "describeExecution",
            "describeStateMachine",
            "getExecutionHistory",
            "listExecutions",
            "listStateMachines",
            "redriveExecution",
            "sendTaskFailure",
            "sendTaskHeartbeat",
            "sendTaskSuccess",
            "startExecution",
            "stopExecution",
            "updateStateMachine",
        ],
    },
    Api {
        name: "ssm",
        prefix: "Ssm",
        target: "AmazonSSM",
        lower_case: false,
        unmodelled: &[],
        actions: &[
            "cancelCommand",
            "describeInstanceInformation",
            "getCommandInvocation",
            "listCommandInvocations",
            "listCommands",
            "sendCommand",
        ],
    },
    Api {
        name: LAMBDA,
        prefix: "Lambda",
        target: "",
        lower_case: false,
        unmodelled: &["ValidationException"],
        actions: &["invoke"],
    },
    Api { name: SNS, prefix: "Sns", target: "", lower_case: false, unmodelled: &[], actions: &["publish"] },
    Api {
        name: "eventbridge",
        prefix: "EventBridge",
        target: "AWSEvents",
        lower_case: false,
        unmodelled: &["ValidationException"],
        actions: &[
            "deleteRule",
            "describeRule",
            "disableRule",
            "enableRule",
            "listRules",
            "listTargetsByRule",
            "putEvents",
            "putRule",
            "putTargets",
            "removeTargets",
        ],
    },
    Api {
        name: "secretsmanager",
        prefix: "SecretsManager",
        target: "secretsmanager",
        lower_case: false,
        unmodelled: &["ValidationException"],
        actions: &["createSecret", "describeSecret", "getSecretValue", "putSecretValue"],
    },
    Api {
        name: "cloudwatchlogs",
        prefix: "CloudWatchLogs",
        target: "Logs_20140328",
        lower_case: true,
        unmodelled: &[],
        actions: &[
            "createLogGroup",
            "createLogStream",
            "describeLogGroups",
            "describeLogStreams",
            "filterLogEvents",
            "getLogEvents",
            "putLogEvents",
        ],
    },
];

/// The service of a name.
pub(super) fn find(name: &str) -> Option<&'static Api> {
    APIS.iter().find(|api| api.name == name)
}

/// Whether Task states may use a service: checked when a machine is created.
pub(in crate::services::stepfunctions) fn is_supported(service: &Service) -> bool {
    match service {
        Service::DynamoDb { .. } | Service::PutEvents => true,
        Service::AwsSdk { service, action } => {
            find(service).is_some_and(|api| api.actions.contains(&action.as_str()))
        }
        _ => false,
    }
}
