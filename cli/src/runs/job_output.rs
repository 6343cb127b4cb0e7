//! Output of jobs, from CloudWatch Logs.

use std::fmt;

use anyhow::Context;
use aws_sdk_cloudwatchlogs::Client;
use rsqlflow_core::JobId;
use rsqlflow_store::JobSummary;

use crate::failure::Failure;
use crate::output::one_line;

/// Lines shown of a failed job.
const TAIL_LINES: i32 = 10;
/// Maximum of failed jobs whose output is shown. The table lists the others.
const MOST_TAILS: usize = 10;

/// The error of a job, and the end of its output.
pub(crate) struct Tail {
    /// The job.
    pub job_id: JobId,
    name: String,
    status: String,
    message: String,
    /// Its last lines.
    pub lines: Vec<String>,
}

impl fmt::Display for Tail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "\n{} ({}) {}: {}",
            one_line(&self.name),
            self.job_id,
            self.status,
            one_line(&self.message)
        )?;
        for line in &self.lines {
            write!(f, "\n  | {}", one_line(line))?;
        }
        Ok(())
    }
}

/// The end of the output of each failed job. A log that cannot be read is reported in place of the output.
pub(crate) async fn tails(client: &Client, jobs: &[JobSummary]) -> Vec<Tail> {
    let mut tails = Vec::new();
    let bad = jobs.iter().filter(|j| j.state.status.is_closed() && !j.state.status.is_good());
    for job in bad.take(MOST_TAILS) {
        let lines = match last_lines(client, job).await {
            Ok(lines) => lines,
            Err(error) => vec![format!("(the log cannot be read: {error:#})")],
        };
        tails.push(Tail {
            job_id: job.job_id,
            name: job.job_name.clone(),
            status: job.state.status.to_string(),
            message: job.state.error_message.clone().unwrap_or_default(),
            lines,
        });
    }
    tails
}

async fn last_lines(client: &Client, job: &JobSummary) -> anyhow::Result<Vec<String>> {
    let (Some(group), Some(stream)) = (&job.log_group, &job.log_stream) else { return Ok(Vec::new()) };
    let request = client.get_log_events().log_group_name(group).log_stream_name(stream);
    let page = match request.start_from_head(false).limit(TAIL_LINES).send().await {
        Ok(page) => page,
        // A script without output has no stream.
        Err(e) if e.as_service_error().is_some_and(|e| e.is_resource_not_found_exception()) => {
            return Ok(Vec::new());
        }
        Err(e) => return Err(e).context("GetLogEvents"),
    };
    Ok(page.events().iter().filter_map(|e| e.message().map(str::to_owned)).collect())
}

/// The position of a reader in the output of a job.
#[derive(Debug, Default)]
pub(crate) struct Cursor {
    stream: Option<String>,
    token: Option<String>,
    /// Whether no more output will arrive.
    pub is_done: bool,
}

impl Cursor {
    /// Reads everything since the last call, page by page, and calls `each` for each line. A new attempt has its own stream,
    /// which is read from the start.
    ///
    /// # Errors
    /// The log cannot be read.
    pub(crate) async fn read(
        &mut self,
        client: &Client,
        job: &JobSummary,
        mut each: impl FnMut(&str),
    ) -> Result<(), Failure> {
        let (Some(group), Some(stream)) = (&job.log_group, &job.log_stream) else { return Ok(()) };
        if self.stream.as_ref() != Some(stream) {
            *self = Self { stream: Some(stream.clone()), ..Self::default() };
        }
        loop {
            let request = client.get_log_events().log_group_name(group).log_stream_name(stream);
            let page = match request.start_from_head(true).set_next_token(self.token.clone()).send().await {
                Ok(page) => page,
                // A script without output has no stream.
                Err(e) if e.as_service_error().is_some_and(|e| e.is_resource_not_found_exception()) => {
                    return Ok(());
                }
                Err(e) => {
                    let context = format!("cannot read the log of {} ({stream})", one_line(&job.job_name));
                    return Err(Failure::of_sdk(&e, context));
                }
            };
            for event in page.events() {
                each(event.message().unwrap_or_default());
            }
            // The last page returns the token of its request (CloudWatch Logs API reference, GetLogEvents).
            let next = page.next_forward_token().map(str::to_owned);
            if next.is_none() || next == self.token {
                return Ok(());
            }
            self.token = next;
        }
    }
}
