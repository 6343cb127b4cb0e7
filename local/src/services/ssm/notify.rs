//! What the event bus is told of commands.
//!
//! The service sends these events as well as it can, and so does this: a command does not wait for a bus that cannot
//! be written to.
//!
//! <https://docs.aws.amazon.com/systems-manager/latest/userguide/monitoring-systems-manager-event-examples.html>

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::http::AwsError;
use crate::place;
use crate::services::eventbridge::{Event, EventBridge};
use crate::services::ssm::command;
use crate::services::ssm::progress::Progress;
use crate::services::ssm::rows::CommandRow;

/// Tells the bus of commands and their invocations.
#[derive(Debug, Clone)]
pub(super) struct Notifier {
    events: EventBridge,
    /// The command's status that was told last, so that each is told once. Held from the look at the rows to the end of
    /// the telling, so that what is told last is what was last.
    told: Arc<Mutex<Option<&'static str>>>,
}

impl Notifier {
    /// For one command.
    pub(super) fn new(events: EventBridge) -> Self {
        Self { events, told: Arc::default() }
    }

    /// An invocation's status changed to `progress`; `now` looks at the command and all its invocations after that.
    pub(super) async fn changed(
        &self,
        instance: &str,
        progress: Progress,
        now: impl Future<Output = Option<(CommandRow, Vec<Progress>)>>,
    ) {
        let mut last = self.told.lock().await;
        let Some((row, all)) = now.await else { return };
        let told = async {
            let kind = "EC2 Command Invocation Status-change Notification";
            let mut detail = detail(&row, progress.status());
            detail["instance-id"] = instance.into();
            self.publish(kind, vec![instance.to_owned()], detail).await?;
            let status = command::status(&row, &all).0;
            if last.replace(status) != Some(status) {
                let kind = "EC2 Command Status-change Notification";
                let mut detail = self::detail(&row, status);
                detail["expire-after"] = moment(command::expires(&row)).into();
                detail["parameters"] = json!(row.sent.parameters);
                self.publish(kind, row.sent.instance_ids.clone(), detail).await?;
            }
            Ok::<_, AwsError>(())
        };
        if let Err(error) = told.await {
            tracing::warn!("the status of a command was not published: {}", error.message);
        }
    }

    async fn publish(&self, kind: &str, instances: Vec<String>, detail: Value) -> Result<(), AwsError> {
        let arns =
            instances.iter().map(|id| place::arn("ec2", format_args!("instance/{id}"))).collect::<Vec<_>>();
        self.events.publish(Event::new("aws.ssm", kind, Timestamp::now(), arns, detail)).await
    }
}

fn detail(row: &CommandRow, status: &str) -> Value {
    json!({
        "command-id": row.command_id,
        "document-name": row.sent.document,
        "requested-date-time": moment(row.requested),
        "status": status,
    })
}

fn moment(ms: i64) -> String {
    format!("{:.3}", Timestamp::from_millisecond(ms).unwrap_or_default())
}
