//! Scheduler's paths.

use std::collections::BTreeMap;

use axum::http::Method;
use serde_json::{Map, Value};

use super::{DEFAULT_GROUP, Scheduler, invalid};
use crate::http::{AwsError, Reply, answer};

/// Schedules or groups of one page (service model).
const PAGE: usize = 100;

/// The parameters behind a path.
#[derive(Debug)]
pub(super) struct Query(BTreeMap<String, String>);

impl Scheduler {
    /// Whether a path is one of the service's.
    pub(crate) fn has_path(path: &str) -> bool {
        ["/schedules", "/schedule-groups"].iter().any(|start| {
            path.strip_prefix(start).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }

    /// Carries out one request.
    pub(crate) async fn rest(
        &self,
        method: &Method,
        path: &str,
        query: &str,
        body: &[u8],
    ) -> Result<Reply, AwsError> {
        let query = Query::parse(query)?;
        let parts: Vec<&str> = path.split('/').skip(1).collect();
        let answer = match (method.as_str(), parts.as_slice()) {
            ("GET", ["schedules"]) => self.list_schedules(&query).await,
            ("POST", ["schedules", name]) => self.create_schedule(name, body).await,
            ("GET", ["schedules", name]) => self.get_schedule(name, &query).await,
            ("PUT", ["schedules", name]) => self.update_schedule(name, body).await,
            ("DELETE", ["schedules", name]) => self.delete_schedule(name, &query).await,
            ("GET", ["schedule-groups"]) => self.list_groups(&query).await,
            ("POST", ["schedule-groups", name]) => self.create_group(name, body).await,
            ("GET", ["schedule-groups", name]) => self.get_group(name).await,
            ("DELETE", ["schedule-groups", name]) => self.delete_group(name, &query).await,
            _ => Err(AwsError::not_implemented(format_args!("{method} {path} of EventBridge Scheduler"))),
        };
        Ok(Reply::json("application/json", answer?))
    }
}

impl Query {
    fn parse(text: &str) -> Result<Self, AwsError> {
        serde_urlencoded::from_str(text).map(Self).map_err(|e| invalid(e.to_string()))
    }

    /// Refuses every parameter beyond these.
    pub(super) fn allow_only(&self, operation: &str, names: &[&str]) -> Result<(), AwsError> {
        match self.0.keys().find(|name| !names.contains(&name.as_str())) {
            Some(name) => Err(AwsError::not_implemented(format_args!("parameter {name} of {operation}"))),
            None => Ok(()),
        }
    }

    /// A parameter, if it is there.
    pub(super) fn given(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// A parameter, or nothing.
    pub(super) fn text(&self, name: &str) -> String {
        self.0.get(name).cloned().unwrap_or_default()
    }

    /// The group that is meant.
    pub(super) fn group(&self, name: &str) -> String {
        self.0.get(name).cloned().unwrap_or_else(|| DEFAULT_GROUP.to_owned())
    }

    pub(super) fn limit(&self) -> Result<usize, AwsError> {
        let Some(text) = self.0.get("MaxResults") else { return Ok(PAGE) };
        let limit = text.parse().ok().filter(|limit| (1..=PAGE).contains(limit));
        limit.ok_or_else(|| invalid(format!("MaxResults {text} is not between 1 and {PAGE}")))
    }
}

/// Cuts what was read beyond the page; gives the token for the rest.
pub(super) fn page<T>(
    mut rows: Vec<T>,
    limit: usize,
    key: impl Fn(&T) -> String,
) -> (Vec<T>, Option<String>) {
    let more = rows.len() > limit;
    rows.truncate(limit);
    let token = rows.last().filter(|_| more).map(key);
    (rows, token)
}

pub(super) fn page_answer(member: &str, list: Value, token: Option<String>) -> Result<Vec<u8>, AwsError> {
    let mut members = Map::from_iter([(member.to_owned(), list)]);
    if let Some(token) = token {
        members.insert("NextToken".to_owned(), token.into());
    }
    answer(&members)
}
