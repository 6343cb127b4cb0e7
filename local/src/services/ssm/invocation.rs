//! `GetCommandInvocation`, and an invocation as `ListCommandInvocations` shows it.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::http::{AwsError, answer, parse};
use crate::place;
use crate::services::ssm::document::PLUGIN;
use crate::services::ssm::rows::{self, CommandRow, InvocationRow};
use crate::services::ssm::{Ssm, check};

/// Maximum length of a plugin's `Output` in a list, in characters.
const OUTPUT: usize = 2_500;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Get {
    command_id: String,
    instance_id: String,
    plugin_name: Option<String>,
}

impl Ssm {
    pub(super) async fn get_command_invocation(&self, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        let request: Get = parse("GetCommandInvocation", body)?;
        check::command_and_instance(Some(&request.command_id), Some(&request.instance_id))?;
        if request.plugin_name.as_deref().is_some_and(|name| name != PLUGIN) {
            return Err(AwsError::client("InvalidPluginName", "The plugin name is not valid."));
        }
        let found = self
            .worker
            .run(move |db| {
                let Some(command) = rows::command(db, &request.command_id)? else { return Ok(None) };
                let invocations = rows::invocations(db, command.id)?;
                let invocation = invocations.into_iter().find(|row| row.instance_id == request.instance_id);
                Ok::<_, rusqlite::Error>(invocation.map(|invocation| (command, invocation)))
            })
            .await??;
        let Some((command, invocation)) = found else {
            return Err(AwsError::client(
                "InvocationDoesNotExist",
                "The command ID and managed node ID you specified didn't match any invocations.",
            ));
        };
        let moment = |ms: Option<i64>| {
            ms.and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok())
                .map(|moment| format!("{moment:.3}"))
                .unwrap_or_default()
        };
        let elapsed = match (invocation.started, invocation.ended) {
            (Some(started), Some(ended)) => format!("PT{:.3}S", place::seconds(ended - started)),
            _ => String::new(),
        };
        let outcome = invocation.outcome;
        answer(&json!({
            "CommandId": command.command_id,
            "InstanceId": invocation.instance_id,
            "Comment": command.sent.comment,
            "DocumentName": command.sent.document,
            "DocumentVersion": command.sent.document_version,
            "PluginName": PLUGIN,
            "ResponseCode": outcome.response_code,
            "ExecutionStartDateTime": moment(invocation.started),
            "ExecutionElapsedTime": elapsed,
            "ExecutionEndDateTime": moment(invocation.ended),
            "Status": outcome.progress.status(),
            "StatusDetails": outcome.progress.details(),
            "StandardOutputContent": outcome.stdout,
            "StandardOutputUrl": "",
            "StandardErrorContent": outcome.stderr,
            "StandardErrorUrl": "",
            "CloudWatchOutputConfig": {"CloudWatchLogGroupName": "", "CloudWatchOutputEnabled": false},
        }))
    }
}

/// An item of `ListCommandInvocations`.
pub(super) fn describe(command: &CommandRow, invocation: &InvocationRow, details: bool) -> Value {
    let progress = invocation.outcome.progress;
    let plugins = if details { vec![plugin(invocation)] } else { Vec::new() };
    json!({
        "CommandId": command.command_id,
        "InstanceId": invocation.instance_id,
        "InstanceName": "",
        "Comment": command.sent.comment,
        "DocumentName": command.sent.document,
        "DocumentVersion": command.sent.document_version,
        "RequestedDateTime": place::seconds(command.requested),
        "Status": progress.status(),
        "StatusDetails": progress.details(),
        "StandardOutputUrl": "",
        "StandardErrorUrl": "",
        "CommandPlugins": plugins,
        "ServiceRole": "",
        "NotificationConfig": {"NotificationArn": "", "NotificationEvents": [], "NotificationType": ""},
        "CloudWatchOutputConfig": {"CloudWatchLogGroupName": "", "CloudWatchOutputEnabled": false},
    })
}

fn plugin(invocation: &InvocationRow) -> Value {
    let outcome = &invocation.outcome;
    // As in the service: standard output, then standard error.
    let mut output = outcome.stdout.clone();
    if !outcome.stderr.is_empty() {
        output = format!("{output}\n----------ERROR-------\n{}", outcome.stderr);
    }
    let output: String = output.chars().take(OUTPUT).collect();
    // A plugin has no status `Cancelling`.
    let status = match outcome.progress.status() {
        "Cancelling" => "InProgress",
        status => status,
    };
    json!({
        "Name": PLUGIN,
        "Status": status,
        "StatusDetails": outcome.progress.details(),
        "ResponseCode": outcome.response_code,
        "ResponseStartDateTime": invocation.started.map(place::seconds),
        "ResponseFinishDateTime": invocation.ended.map(place::seconds),
        "Output": output,
        "StandardOutputUrl": "",
        "StandardErrorUrl": "",
        "OutputS3Region": place::REGION,
        "OutputS3BucketName": "",
        "OutputS3KeyPrefix": "",
    })
}
