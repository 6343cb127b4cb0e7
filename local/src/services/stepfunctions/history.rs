//! `GetExecutionHistory`.

use asl::Execution;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::http::{AwsError, answer, parse};
use crate::services::stepfunctions::page::Page;
use crate::services::stepfunctions::{StepFunctions, names};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Get {
    execution_arn: String,
    max_results: Option<usize>,
    #[serde(default)]
    reverse_order: bool,
    next_token: Option<String>,
    include_execution_data: Option<bool>,
}

/// A part of a history. A token counts the events before the page. In reverse order it counts those of the page and after
/// it, because new events are added at the other end in the meantime.
#[derive(Debug, Clone, Copy)]
struct Part {
    page: Page,
    reverse: bool,
    data: bool,
}

impl StepFunctions {
    pub(super) async fn get_execution_history(&self, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        let request: Get = parse("GetExecutionHistory", body)?;
        names::check_arn(&request.execution_arn, "execution")?;
        let part = Part {
            page: Page::read(request.max_results, request.next_token.as_deref())?,
            reverse: request.reverse_order,
            data: request.include_execution_data.unwrap_or(true),
        };
        let row = self.shared.database.execution(&request.execution_arn).await?;
        let row = row.ok_or_else(|| names::no_execution(&request.execution_arn))?;
        let live = match self.shared.running.get(row.id) {
            Some(entry) => entry.read(move |execution| part.of(execution)).await.ok(),
            None => None,
        };
        let (events, next) = match live {
            Some(read) => read,
            // The execution has ended in the meantime, or the endpoint does not continue it.
            None => self.kept(row.id, part).await?,
        };
        let mut members = Map::from_iter([("events".to_owned(), Value::Array(events))]);
        members.extend(next.map(|position| ("nextToken".to_owned(), position.to_string().into())));
        answer(&members)
    }

    async fn kept(&self, id: i64, part: Part) -> Result<(Vec<Value>, Option<usize>), AwsError> {
        let database = &self.shared.database;
        let ended = database.execution_of(id).await?.is_some_and(|row| row.stopped.is_some());
        if !ended {
            if self.shared.closing.is_cancelled() {
                return Err(names::closing());
            }
            let (execution, _) = self.shared.replayed(id).await?;
            return Ok(part.of(&execution));
        }
        let total = database.count_events(id).await?;
        let (start, end, next) = part.range(total);
        let mut events = Vec::with_capacity(end - start);
        for text in database.events(id, start, end - start).await? {
            let mut event: Value = serde_json::from_str(&text).map_err(AwsError::internal)?;
            if !part.data {
                asl::without_data(&mut event);
            }
            events.push(event);
        }
        if part.reverse {
            events.reverse();
        }
        Ok((events, next))
    }
}

impl Part {
    /// The positions of the events, and the next page's token.
    fn range(self, total: usize) -> (usize, usize, Option<usize>) {
        let from = self.page.from;
        if self.reverse {
            let end = from.unwrap_or(total).min(total);
            let start = end.saturating_sub(self.page.size);
            (start, end, (start > 0).then_some(start))
        } else {
            let start = from.unwrap_or(0).min(total);
            let end = (start + self.page.size).min(total);
            (start, end, (end < total).then_some(end))
        }
    }

    fn of(self, execution: &Execution) -> (Vec<Value>, Option<usize>) {
        let all = execution.history();
        let (start, end, next) = self.range(all.len());
        let events = all.get(start..end).unwrap_or_default().iter().map(|event| event.to_json(self.data));
        let mut events: Vec<Value> = events.collect();
        if self.reverse {
            events.reverse();
        }
        (events, next)
    }
}
