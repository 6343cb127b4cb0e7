//! A command in answers. Its invocations determine its status.
//!
//! <https://docs.aws.amazon.com/systems-manager/latest/userguide/monitor-commands.html>

use serde_json::{Value, json};

use crate::place;
use crate::services::ssm::launch::EXECUTION_TIMEOUT;
use crate::services::ssm::progress::Progress;
use crate::services::ssm::rate;
use crate::services::ssm::rows::CommandRow;

/// `Status` and `StatusDetails` of a command.
pub(super) fn status(command: &CommandRow, progress: &[Progress]) -> (&'static str, &'static str) {
    let count = |wanted: fn(Progress) -> bool| progress.iter().filter(|&&p| wanted(p)).count();
    let same = |status| (status, status);
    if progress.is_empty() {
        return ("Success", "NoInstancesInTag");
    }
    let ended = count(Progress::is_end);
    if command.cancelled && progress.contains(&Progress::Cancelling) {
        return same("Cancelling");
    }
    if ended < progress.len() {
        let begun = progress.iter().any(|&p| p != Progress::Pending);
        return same(if begun { "InProgress" } else { "Pending" });
    }
    if command.cancelled && progress.contains(&Progress::Cancelled) {
        return same("Cancelled");
    }
    let most_errors = rate::errors(&command.sent.max_errors, progress.len());
    if count(Progress::is_error) > most_errors {
        let failed = progress.contains(&Progress::Failed);
        return if failed { same("Failed") } else { ("TimedOut", "ExecutionTimedOut") };
    }
    if count(|p| p == Progress::DeliveryTimedOut) > most_errors {
        return ("TimedOut", "DeliveryTimedOut");
    }
    // Undeliverable invocations do not count.
    if count(|p| !matches!(p, Progress::Success | Progress::Undeliverable)) == 0 {
        return same("Success");
    }
    ("Failed", "Incomplete")
}

/// Expiry in milliseconds since 1970. A command that has not been delivered and executed by then has ended.
pub(super) fn expires(command: &CommandRow) -> i64 {
    let total = command.sent.timeout.saturating_add(EXECUTION_TIMEOUT.as_secs()).saturating_mul(1000);
    command.requested.saturating_add(i64::try_from(total).unwrap_or(i64::MAX))
}

/// The `Command` of `SendCommand` and `ListCommands`.
pub(super) fn describe(command: &CommandRow, progress: &[Progress]) -> Value {
    let (status, details) = status(command, progress);
    let count = |wanted: fn(Progress) -> bool| progress.iter().filter(|&&p| wanted(p)).count();
    let sent = &command.sent;
    let targets: Vec<Value> =
        sent.targets.iter().map(|target| json!({"Key": target.key, "Values": target.values})).collect();
    json!({
        "CommandId": command.command_id,
        "DocumentName": sent.document,
        "DocumentVersion": sent.document_version,
        "Comment": sent.comment,
        "Parameters": sent.parameters,
        "InstanceIds": sent.instance_ids,
        "Targets": targets,
        "RequestedDateTime": place::seconds(command.requested),
        "ExpiresAfter": place::seconds(expires(command)),
        "TimeoutSeconds": sent.timeout,
        "Status": status,
        "StatusDetails": details,
        "MaxConcurrency": sent.max_concurrency,
        "MaxErrors": sent.max_errors,
        "TargetCount": progress.len(),
        "CompletedCount": count(Progress::is_end),
        "ErrorCount": count(Progress::is_error),
        "DeliveryTimedOutCount": count(|p| p == Progress::DeliveryTimedOut),
        "OutputS3BucketName": "",
        "OutputS3KeyPrefix": "",
        "ServiceRole": "",
        "NotificationConfig": {"NotificationArn": "", "NotificationEvents": [], "NotificationType": ""},
        "CloudWatchOutputConfig": {"CloudWatchLogGroupName": "", "CloudWatchOutputEnabled": false},
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::ssm::document::Values;
    use crate::services::ssm::rows::Sent;

    fn of(max_errors: &str, cancelled: bool, progress: &[Progress]) -> &'static str {
        let sent = Sent {
            document: String::new(),
            document_version: String::new(),
            comment: String::new(),
            parameters: Values::new(),
            instance_ids: Vec::new(),
            targets: Vec::new(),
            max_concurrency: "50".to_owned(),
            max_errors: max_errors.to_owned(),
            timeout: 30,
            arguments: Vec::new(),
        };
        let command = CommandRow { id: 1, command_id: String::new(), sent, requested: 0, cancelled };
        status(&command, progress).1
    }

    #[test]
    fn invocations_decide() {
        use Progress::{
            Cancelled, Cancelling, DeliveryTimedOut, ExecutionTimedOut, Failed, Pending, Started, Success,
            Terminated, Undeliverable,
        };
        for (max_errors, cancelled, progress, expected) in [
            ("0", false, &[][..], "NoInstancesInTag"),
            ("0", false, &[Pending, Pending], "Pending"),
            ("0", false, &[Success, Pending], "InProgress"),
            ("0", false, &[Started, Failed], "InProgress"),
            ("0", true, &[Cancelling, Success], "Cancelling"),
            ("0", true, &[Cancelled, Success], "Cancelled"),
            ("0", true, &[Success, Success], "Success"),
            ("0", false, &[Success, Failed], "Failed"),
            ("0", false, &[Failed, Terminated], "Failed"),
            ("1", false, &[Success, Failed], "Incomplete"),
            ("0", false, &[Success, ExecutionTimedOut], "ExecutionTimedOut"),
            ("0", false, &[Success, DeliveryTimedOut], "DeliveryTimedOut"),
            ("1", false, &[Success, DeliveryTimedOut], "Incomplete"),
            ("0", false, &[Success, Undeliverable], "Success"),
        ] {
            assert_eq!(
                of(max_errors, cancelled, progress),
                expected,
                "{max_errors} {cancelled} {progress:?}"
            );
        }
    }
}
