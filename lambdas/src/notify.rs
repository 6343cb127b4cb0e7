//! Tells of a run's end who asked to be told.

use rsqlflow_core::config::{Notify, NotifyOn};
use rsqlflow_core::{Timestamp, WorkflowStatus};
use rsqlflow_store::WorkflowRow;
use serde_json::json;

use crate::closing::Verdict;
use crate::{Context, ServiceError};

/// Publishes, if somebody asked for it. That it fails is noted in the run's row and changes nothing else.
pub(crate) async fn publish(
    context: &Context,
    row: &WorkflowRow,
    notify: &Notify,
    verdict: &Verdict,
    end: Timestamp,
) {
    if !wanted(notify, verdict.status) {
        return;
    }
    let Some(topic) = notify.topic_arn.as_ref().or(context.deployment.topic_arn.as_ref()) else { return };
    let message = json!({
        "workflow_id": row.workflow_id,
        "workflow_execution_id": row.workflow_execution_id,
        "execution_status": verdict.status,
        "error_message": verdict.message,
        "job_counts": verdict.counts,
        "execution_start_ts": row.execution_start_ts,
        "execution_end_ts": end,
        "state_machine_execution_arn": row.state_machine_execution_arn,
    });
    let sent = context
        .sns
        .publish()
        .topic_arn(topic)
        .subject(subject(row, verdict.status))
        .message(format!("{message:#}"))
        .send()
        .await;
    let Err(error) = sent else { return };
    let error = ServiceError::of("Publish", topic, &error);
    tracing::error!(%error, "the run's end could not be told");
    let what = format!("notification: {error}");
    if let Err(error) = context.store.workflows().set_not_delivered(&row.workflow_execution_id, &what).await {
        tracing::error!(%error, "nor could that be noted");
    }
}

fn wanted(notify: &Notify, status: WorkflowStatus) -> bool {
    let end = if status == WorkflowStatus::Completed { NotifyOn::Success } else { NotifyOn::Failure };
    notify.on.contains(&end)
}

/// At most 100 characters of printable ASCII that start with a letter, digit or punctuation (SNS API reference,
/// "Publish").
fn subject(row: &WorkflowRow, status: WorkflowStatus) -> String {
    let name: String = row
        .workflow_id
        .as_str()
        .chars()
        .map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' })
        .take(60)
        .collect();
    format!("rsqlflow: {name} {status}")
}

#[cfg(test)]
mod tests {
    use rsqlflow_core::{ExecutionId, WorkflowId};

    use super::*;

    #[test]
    fn success_is_told_only_to_those_who_ask() {
        let default = Notify::default();
        assert!(!wanted(&default, WorkflowStatus::Completed));
        for end in [WorkflowStatus::Failed, WorkflowStatus::TimedOut, WorkflowStatus::Cancelled] {
            assert!(wanted(&default, end));
        }
        assert!(!wanted(&Notify { on: vec![], topic_arn: None }, WorkflowStatus::Failed));
    }

    #[test]
    fn a_subject_is_short_and_ascii() {
        let row = WorkflowRow {
            workflow_execution_id: ExecutionId::new("e").unwrap(),
            workflow_id: WorkflowId::new("tägliche Last ".repeat(10)).unwrap(),
            execution_status: WorkflowStatus::Running,
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
            expires_at: None,
        };
        let subject = subject(&row, WorkflowStatus::Cancelled);
        assert!(subject.is_ascii() && subject.len() <= 100, "{subject}");
        assert!(
            subject.starts_with("rsqlflow: t?gliche Last") && subject.ends_with("Cancelled"),
            "{subject}"
        );
    }
}
