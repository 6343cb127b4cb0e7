//! `ListCommands` and `ListCommandInvocations`: newest first.

use rusqlite::Connection;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::http::{AwsError, Constraints, answer, parse};
use crate::services::ssm::check::{self, Page};
use crate::services::ssm::progress::Progress;
use crate::services::ssm::rows::{self, CommandRow};
use crate::services::ssm::search::{Wanted, commands_before};
use crate::services::ssm::{Ssm, command, invocation};

/// Maximum number of items of a page.
const PAGE: usize = 50;

/// Commands that are read in one query.
const SLICE: usize = 100;

const FILTERS: [&str; 5] = ["InvokedAfter", "InvokedBefore", "Status", STAGE, "DocumentName"];

/// The filter that only `ListCommands` has.
const STAGE: &str = "ExecutionStage";

#[derive(Deserialize)]
struct KeyValue {
    key: String,
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct List {
    command_id: Option<String>,
    instance_id: Option<String>,
    max_results: Option<usize>,
    next_token: Option<String>,
    filters: Option<Vec<KeyValue>>,
    /// Only for `ListCommandInvocations`.
    details: Option<bool>,
}

/// A condition on a command or an invocation.
#[derive(Debug)]
enum Condition {
    After(i64),
    Before(i64),
    Status(String),
    /// `Executing` or `Complete`.
    Ended(bool),
    Document(String),
}

impl Condition {
    fn read(filter: KeyValue) -> Result<Self, AwsError> {
        let KeyValue { key, value } = filter;
        let invalid = |reason: String| AwsError::client("ValidationException", reason);
        let moment = |value: &str| {
            value
                .parse::<jiff::Timestamp>()
                .map(|moment| moment.as_millisecond())
                .map_err(|_| invalid(format!("The filter {key} has no valid time: {value}")))
        };
        Ok(match key.as_str() {
            "InvokedAfter" => Self::After(moment(&value)?),
            "InvokedBefore" => Self::Before(moment(&value)?),
            "Status" => Self::Status(value),
            STAGE => match value.as_str() {
                "Executing" => Self::Ended(false),
                "Complete" => Self::Ended(true),
                _ => return Err(invalid(format!("The filter ExecutionStage has no value {value}"))),
            },
            _ => Self::Document(value),
        })
    }

    /// Adds the condition to the database query, if it can be expressed there.
    fn ask(&self, wanted: &mut Wanted) {
        match self {
            Self::After(moment) => wanted.after = wanted.after.max(Some(*moment)),
            Self::Before(moment) => {
                wanted.before = Some(wanted.before.map_or(*moment, |before| before.min(*moment)));
            }
            Self::Ended(ended) => wanted.ended = Some(*ended),
            Self::Document(name) => wanted.document = Some(name.clone()),
            // The status of a command follows from all its invocations.
            Self::Status(_) => {}
        }
    }

    fn holds(&self, command: &CommandRow, status: (&str, &str), ended: bool) -> bool {
        match self {
            Self::After(moment) => command.requested > *moment,
            Self::Before(moment) => command.requested < *moment,
            Self::Status(wanted) => wanted == status.0 || wanted == status.1,
            Self::Ended(wanted) => ended == *wanted,
            Self::Document(name) => command.sent.document == *name,
        }
    }
}

/// The position of a page of invocations: the row of the command, and that of the invocation.
type Place = (i64, i64);

/// The query.
struct Search {
    command_id: Option<String>,
    instance_id: Option<String>,
    conditions: Vec<Condition>,
    limit: usize,
}

impl Search {
    fn read(request: List) -> Result<(Self, Page), AwsError> {
        check::command_and_instance(request.command_id.as_deref(), request.instance_id.as_deref())?;
        let mut constraints = Constraints::default();
        constraints.items("filters", request.filters.as_deref(), 1..=5);
        for filter in request.filters.iter().flatten() {
            constraints.length("filters.member.value", Some(&filter.value), 1..=128);
            if !FILTERS.contains(&filter.key.as_str()) {
                let message = format!("The specified key {} is not valid.", filter.key);
                return Err(AwsError::client("InvalidFilterKey", message));
            }
        }
        constraints.check("ValidationException")?;
        let page = Page { max_results: request.max_results, next_token: request.next_token };
        let limit = page.limit(1, PAGE)?;
        let conditions: Result<_, _> =
            request.filters.unwrap_or_default().into_iter().map(Condition::read).collect();
        let (command_id, instance_id) = (request.command_id, request.instance_id);
        Ok((Self { command_id, instance_id, conditions: conditions?, limit }, page))
    }

    fn is_for(&self, instance: &str) -> bool {
        self.instance_id.as_deref().is_none_or(|wanted| wanted == instance)
    }

    /// The part that the database evaluates.
    fn wanted(&self) -> Wanted {
        let mut wanted = Wanted { instance: self.instance_id.clone(), ..Wanted::default() };
        for condition in &self.conditions {
            condition.ask(&mut wanted);
        }
        wanted
    }

    /// Reads commands, newest first, before `before`, until `take` has enough.
    fn walk(
        &self,
        db: &Connection,
        mut before: i64,
        wanted: &Wanted,
        mut take: impl FnMut(&CommandRow) -> rusqlite::Result<bool>,
    ) -> rusqlite::Result<()> {
        if let Some(id) = &self.command_id {
            if let Some(command) = rows::command(db, id)?.filter(|command| command.id < before) {
                take(&command)?;
            }
            return Ok(());
        }
        loop {
            let slice = commands_before(db, before, SLICE, wanted)?;
            let Some(last) = slice.last() else { return Ok(()) };
            before = last.id;
            for command in &slice {
                if !take(command)? {
                    return Ok(());
                }
            }
        }
    }
}

impl Ssm {
    pub(super) async fn list_commands(&self, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        let request: List = parse("ListCommands", body)?;
        if request.details.is_some() {
            return Err(AwsError::not_implemented("member Details of ListCommands"));
        }
        let (search, page) = Search::read(request)?;
        // The token of a page is the row of its last command.
        let before = page.after::<i64>()?.unwrap_or(i64::MAX);
        let (found, more) = self.worker.run(move |db| commands(db, &search, before)).await??;
        answer(&json!({"Commands": found, "NextToken": more.map(|id| id.to_string())}))
    }

    pub(super) async fn list_command_invocations(&self, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        let request: List = parse("ListCommandInvocations", body)?;
        if request.filters.iter().flatten().any(|filter| filter.key == STAGE) {
            let message = format!("The specified key {STAGE} is not valid.");
            return Err(AwsError::client("InvalidFilterKey", message));
        }
        let details = request.details.unwrap_or_default();
        let (search, page) = Search::read(request)?;
        // The token of a page is the row of its last invocation's command, and its own row.
        let after = page.after::<String>()?.map(|token| {
            let (command, invocation) = token.split_once('/').unwrap_or_default();
            command.parse().ok().zip(invocation.parse().ok()).ok_or_else(check::invalid_token)
        });
        let after: Option<Place> = after.transpose()?;
        let (found, more) = self.worker.run(move |db| invocations(db, &search, after, details)).await??;
        let token = more.map(|(command, invocation)| format!("{command}/{invocation}"));
        answer(&json!({"CommandInvocations": found, "NextToken": token}))
    }
}

fn commands(db: &Connection, search: &Search, before: i64) -> rusqlite::Result<(Vec<Value>, Option<i64>)> {
    let (mut found, mut last, mut more) = (Vec::new(), before, false);
    search.walk(db, before, &search.wanted(), |row| {
        let progress = rows::progress(db, row.id)?;
        let status = command::status(row, &progress);
        let ended = progress.iter().all(|p| p.is_end());
        let on_instance = match &search.instance_id {
            // A single command by its id was not filtered by the database.
            Some(wanted) if search.command_id.is_some() => {
                rows::invocations(db, row.id)?.iter().any(|invocation| invocation.instance_id == *wanted)
            }
            _ => true,
        };
        if on_instance && search.conditions.iter().all(|condition| condition.holds(row, status, ended)) {
            if found.len() == search.limit {
                more = true;
                return Ok(false);
            }
            found.push(command::describe(row, &progress));
            last = row.id;
        }
        Ok(true)
    })?;
    Ok((found, more.then_some(last)))
}

fn invocations(
    db: &Connection,
    search: &Search,
    after: Option<Place>,
    details: bool,
) -> rusqlite::Result<(Vec<Value>, Option<Place>)> {
    let (mut found, mut last, mut more) = (Vec::new(), after.unwrap_or((i64::MAX, 0)), false);
    // The last page may have ended within a command.
    let before = after.map_or(i64::MAX, |(command, _)| command.saturating_add(1));
    let mut wanted = search.wanted();
    let statuses: Vec<&String> = search
        .conditions
        .iter()
        .filter_map(|c| if let Condition::Status(s) = c { Some(s) } else { None })
        .collect();
    if !statuses.is_empty() {
        let fits = |p: &Progress| statuses.iter().all(|s| p.status() == *s || p.details() == *s);
        wanted.progress = Some(Progress::ALL.into_iter().filter(fits).collect());
    }
    search.walk(db, before, &wanted, |row| {
        for one in &rows::invocations(db, row.id)? {
            let seen = after.is_some_and(|(command, id)| row.id == command && one.id <= id);
            let progress = one.outcome.progress;
            let status = (progress.status(), progress.details());
            let wanted = !seen
                && search.is_for(&one.instance_id)
                && search.conditions.iter().all(|c| c.holds(row, status, progress.is_end()));
            if wanted {
                if found.len() == search.limit {
                    more = true;
                    return Ok(false);
                }
                found.push(invocation::describe(row, one, details));
                last = (row.id, one.id);
            }
        }
        Ok(true)
    })?;
    Ok((found, more.then_some(last)))
}
