//! The log of a job that is SQL. It is written once, when its statement has ended, to the stream of its attempt.

use aws_sdk_cloudwatchlogs::types::InputLogEvent;
use rsqlflow_core::plan::SqlJob;
use rsqlflow_core::sql::{Transaction, report, warnings};
use rsqlflow_store::JobRow;

use super::service::{self, Described};
use crate::context::now;
use crate::{Context, ServiceError};

/// Most bytes and most lines of one `PutLogEvents`: below what the service takes (CloudWatch Logs API reference:
/// 1,048,576 bytes with 26 for each event, 10,000 events).
const MOST_BYTES: usize = 900_000;
const MOST_LINES: usize = 9_000;

/// What each event counts beside its text.
const OVERHEAD: usize = 26;

/// A stream that was made by somebody else so long ago is nobody's work any more.
const ABANDONED_AFTER_MILLIS: i64 = 60_000;

/// What was written.
pub(super) struct Log {
    /// Bytes of its lines.
    pub(super) bytes: u64,
    /// Why not all of it was, if so.
    pub(super) trouble: Option<String>,
}

/// Writes the log of a statement that has ended. Launcher and clock may find the end at the same moment: who makes the
/// stream writes it. Trouble with it is said in the row, and holds up nothing.
pub(super) async fn write(context: &Context, row: &JobRow, sql: &SqlJob, described: &Described) -> Log {
    let lines = lines(context, row, sql, described).await;
    let bytes = lines.iter().map(|line| line.len() as u64 + 1).sum();
    let group = &context.deployment.log_group;
    let stream = row.job_id.log_stream(&row.workflow_execution_id, row.state.attempt);
    let trouble = match put(context, group, &stream, lines, described).await {
        Ok(()) => None,
        Err(error) => {
            tracing::warn!(%error, "the log of the statement could not be written");
            Some(error.to_string())
        }
    };
    Log { bytes, trouble }
}

async fn lines(context: &Context, row: &JobRow, sql: &SqlJob, described: &Described) -> Vec<String> {
    let place = match (&sql.at.cluster, &sql.at.workgroup) {
        (Some(cluster), _) => format!("cluster {cluster}"),
        (None, workgroup) => format!("workgroup {}", workgroup.as_deref().unwrap_or("?")),
    };
    let mut head = vec![
        format!("-- warehouse {} ({place}, database {})", sql.warehouse, sql.at.database),
        format!("-- attempt {}", row.state.attempt),
    ];
    if let Some(statement) = &row.state.statement_id {
        head.push(format!("statement {statement}"));
    }
    if let Some(pid) = described.pid {
        head.push(format!("pid {pid}"));
    }
    let mut lines = vec![head.remove(0), head.join(", ")];
    let transaction = if sql.transaction { Transaction::One } else { Transaction::Each };
    let texts: Vec<String> = sql.statements.iter().map(|statement| statement.sql.clone()).collect();
    lines.extend(warnings(&texts, transaction).into_iter().map(|warning| format!("-- warning: {warning}")));
    // The service may shorten what it shows; what was sent is known.
    let ran: Vec<report::Ran> = described
        .ran
        .iter()
        .enumerate()
        .map(|(i, one)| report::Ran {
            sql: texts.get(i).cloned().unwrap_or_else(|| one.sql.clone()),
            ..one.clone()
        })
        .collect();
    lines.extend(report::lines(&ran));
    if let Some(statement) = described.with_result.as_ref().filter(|_| sql.log_rows > 0) {
        match service::rows(context, statement, sql.log_rows).await {
            Ok(rows) => lines.extend(report::table(&rows)),
            Err(error) => lines.push(format!("-- the result cannot be shown: {error}")),
        }
    }
    lines
}

async fn put(
    context: &Context,
    group: &str,
    stream: &str,
    lines: Vec<String>,
    described: &Described,
) -> Result<(), ServiceError> {
    let made = context.logs.create_log_stream().log_group_name(group).log_stream_name(stream).send().await;
    match made.map_err(|error| ServiceError::of("CreateLogStream", stream, &error)) {
        Ok(_) => {}
        Err(error) if error.has_code("ResourceAlreadyExists") => {
            if now().millis_since(described.ended) < ABANDONED_AFTER_MILLIS {
                return Ok(());
            }
        }
        Err(error) => return Err(error),
    }
    let at = now().as_millis();
    for batch in batches(lines) {
        // Only a missing field could fail, and both are set.
        let events: Vec<InputLogEvent> = batch
            .into_iter()
            .filter_map(|line| InputLogEvent::builder().timestamp(at).message(line).build().ok())
            .collect();
        context
            .logs
            .put_log_events()
            .log_group_name(group)
            .log_stream_name(stream)
            .set_log_events(Some(events))
            .send()
            .await
            .map_err(|error| ServiceError::of("PutLogEvents", stream, &error))?;
    }
    Ok(())
}

/// Lines in batches that the service takes. An event must not be empty.
fn batches(lines: Vec<String>) -> Vec<Vec<String>> {
    let mut batches: Vec<Vec<String>> = Vec::new();
    let mut bytes = 0;
    for line in lines {
        let line = if line.is_empty() { " ".to_owned() } else { line };
        let size = line.len() + OVERHEAD;
        match batches.last_mut() {
            Some(last) if bytes + size <= MOST_BYTES && last.len() < MOST_LINES => {
                bytes += size;
                last.push(line);
            }
            _ => {
                bytes = size;
                batches.push(vec![line]);
            }
        }
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_in_a_batch_that_the_service_takes() {
        let lines: Vec<String> =
            (0..20_000).map(|i| if i % 5_000 == 0 { "x".repeat(400_000) } else { String::new() }).collect();
        let batches = batches(lines.clone());
        assert_eq!(batches.iter().map(Vec::len).sum::<usize>(), lines.len());
        for batch in batches {
            assert!(batch.len() <= 10_000);
            assert!(batch.iter().map(|line| line.len() + OVERHEAD).sum::<usize>() <= 1_048_576);
            assert!(batch.iter().all(|line| !line.is_empty()));
        }
    }
}
