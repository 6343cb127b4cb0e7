//! `GetExecutionHistory`.

use serde::Deserialize;
use serde_json::{Map, Value, json};

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

impl StepFunctions {
    pub(super) async fn get_execution_history(&self, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        let request: Get = parse("GetExecutionHistory", body)?;
        names::check_arn(&request.execution_arn, "execution")?;
        let page = Page::read(request.max_results, request.next_token.as_deref())?;
        let entry = self.shared.registry.execution(&request.execution_arn)?;
        let data = request.include_execution_data.unwrap_or(true);
        let read = entry.read(move |execution| {
            let all = execution.history();
            // A token is the number of events before the page in its own direction; in reverse it must name an
            // event, for new ones are added at the other end while somebody reads.
            let (events, next): (Vec<_>, _) = if request.reverse_order {
                let below = page.from.unwrap_or(all.len()).min(all.len());
                let start = below.saturating_sub(page.size);
                let slice = all.get(start..below).unwrap_or_default();
                (slice.iter().rev().collect(), (start > 0).then_some(start))
            } else {
                let start = page.from.unwrap_or(0).min(all.len());
                let end = (start + page.size).min(all.len());
                let slice = all.get(start..end).unwrap_or_default();
                (slice.iter().collect(), (end < all.len()).then_some(end))
            };
            (events.into_iter().map(|event| event.to_json(data)).collect::<Vec<Value>>(), next)
        });
        let (events, next) = read.await.ok_or_else(|| AwsError::internal("the endpoint is shutting down"))?;
        let mut members = Map::from_iter([("events".to_owned(), json!(events))]);
        members.extend(next.map(|position| ("nextToken".to_owned(), position.to_string().into())));
        answer(&members)
    }
}
