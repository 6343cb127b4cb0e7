//! Sends the notification of a run's end.

use rsqlflow_core::WorkflowStatus;
use rsqlflow_core::config::{Notify, NotifyOn};
use rsqlflow_store::{Notification, WorkflowRow};
use serde_json::json;

use crate::{Context, ServiceError};

/// Whether a notification is sent for such an end.
pub(crate) fn is_wanted(context: &Context, notify: &Notify, status: WorkflowStatus) -> bool {
    let end = if status == WorkflowStatus::Completed { NotifyOn::Success } else { NotifyOn::Failure };
    notify.on.contains(&end) && topic(context, notify).is_some()
}

fn topic<'c>(context: &'c Context, notify: &'c Notify) -> Option<&'c String> {
    notify.topic_arn.as_ref().or(context.deployment.topic_arn.as_ref())
}

/// Sends the notification of a closed run, if it is due, and records that in the row. After a crash between the two, it is
/// sent again: at least once, and rarely twice. Returns whether it was sent. A failure is recorded in the run's row and has
/// no other effect.
pub(crate) async fn deliver(context: &Context, row: &WorkflowRow, notify: &Notify) -> bool {
    if row.notification != Some(Notification::Due) {
        return false;
    }
    let Some(topic) = topic(context, notify) else { return false };
    let run = &row.workflow_execution_id;
    let message = json!({
        "workflow_id": row.workflow_id,
        "workflow_execution_id": run,
        "execution_status": row.execution_status,
        "error_message": row.error_message,
        "job_counts": row.job_counts,
        "execution_start_ts": row.execution_start_ts,
        "execution_end_ts": row.execution_end_ts,
        "state_machine_execution_arn": row.state_machine_execution_arn,
    });
    let sent = context
        .sns
        .publish()
        .topic_arn(topic)
        .subject(subject(row))
        .message(format!("{message:#}"))
        .send()
        .await;
    let noted = match &sent {
        Ok(_) => context.store.workflows().set_notified(run).await,
        Err(error) => {
            let error = ServiceError::of("Publish", topic, error);
            tracing::error!(%error, "the notification of the run's end could not be sent");
            context.store.workflows().set_not_delivered(run, &format!("notification: {error}")).await
        }
    };
    if let Err(error) = noted {
        tracing::error!(%error, "the result of the notification could not be recorded");
    }
    sent.is_ok()
}

/// At most 100 characters of printable ASCII that start with a letter, digit or punctuation (SNS API reference,
/// "Publish").
fn subject(row: &WorkflowRow) -> String {
    let name: String = row
        .workflow_id
        .as_str()
        .chars()
        .map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' })
        .take(60)
        .collect();
    format!("rsqlflow: {name} {}", row.execution_status)
}

#[cfg(test)]
mod tests {
    use rsqlflow_core::{Deployment, ExecutionId, Timestamp, WorkflowId};

    use super::*;

    #[test]
    fn who_wants_to_know_says_so() {
        let sdk = aws_config::SdkConfig::builder()
            .behavior_version(aws_config::BehaviorVersion::latest())
            .region(aws_config::Region::new("eu-west-1"))
            .build();
        let mut context = Context::new(&sdk, Deployment::default());
        let default = Notify::default();
        assert!(!is_wanted(&context, &default, WorkflowStatus::Failed), "nobody has a topic");
        context.deployment = std::sync::Arc::new(Deployment {
            topic_arn: Some("arn:aws:sns:eu-west-1:000000000000:t".to_owned()),
            ..Deployment::default()
        });
        assert!(!is_wanted(&context, &default, WorkflowStatus::Completed));
        for end in [WorkflowStatus::Failed, WorkflowStatus::TimedOut, WorkflowStatus::Cancelled] {
            assert!(is_wanted(&context, &default, end));
        }
        assert!(!is_wanted(&context, &Notify { on: vec![], topic_arn: None }, WorkflowStatus::Failed));
    }

    #[test]
    fn a_subject_is_short_and_ascii() {
        let row = WorkflowRow {
            workflow_execution_id: ExecutionId::new("e").unwrap(),
            workflow_id: WorkflowId::new("tägliche Last ".repeat(10)).unwrap(),
            execution_status: WorkflowStatus::Cancelled,
            execution_start_ts: Timestamp::from_millis(0),
            execution_end_ts: None,
            rsql_jobs: None,
            job_counts: None,
            error_message: None,
            state_machine_execution_arn: None,
            closing_since: None,
            restarted_from: None,
            parameters: std::collections::BTreeMap::new(),
            not_delivered: None,
            notification: None,
            checked_at: None,
            expires_at: None,
        };
        let subject = subject(&row);
        assert!(subject.is_ascii() && subject.len() <= 100, "{subject}");
        assert!(
            subject.starts_with("rsqlflow: t?gliche Last") && subject.ends_with("Cancelled"),
            "{subject}"
        );
    }
}
