//! `ListSecrets`.

use rusqlite::Connection;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::http::{AwsError, Constraints, answer, parse};
use crate::services::secrets::describe::{self, Described};
use crate::services::secrets::{Secrets, store};

/// Maximum number of items of a page.
const PAGE: usize = 100;

const FILTERS: [&str; 7] =
    ["description", "name", "tag-key", "tag-value", "primary-region", "owning-service", "all"];

const ORDERS: [&str; 4] = ["created-date", "last-accessed-date", "last-changed-date", "name"];

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct List {
    #[serde(default)]
    include_planned_deletion: bool,
    max_results: Option<usize>,
    next_token: Option<String>,
    #[serde(default)]
    filters: Vec<Filter>,
    sort_order: Option<String>,
    sort_by: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Filter {
    key: String,
    values: Vec<String>,
}

impl Filter {
    /// Whether any of the values matches. A value that starts with `!` matches if the rest of it does not.
    fn takes(&self, secret: &Described) -> bool {
        self.values.iter().any(|value| match value.strip_prefix('!') {
            Some(value) => !self.fits(secret, value),
            None => self.fits(secret, value),
        })
    }

    fn fits(&self, secret: &Described, value: &str) -> bool {
        let description = secret.description.as_deref().unwrap_or_default().to_lowercase();
        let lower = value.to_lowercase();
        let tag = |part: &str| {
            let tags = secret.tags.as_array().into_iter().flatten();
            tags.filter_map(|tag| tag.get(part)?.as_str()).any(|text| text.starts_with(value))
        };
        match self.key.as_str() {
            "name" => secret.name.starts_with(value),
            "description" => description.starts_with(&lower),
            "tag-key" => tag("Key"),
            "tag-value" => tag("Value"),
            "all" => {
                let name = secret.name.to_lowercase();
                let tags = secret.tags.to_string().to_lowercase();
                lower
                    .split_whitespace()
                    .any(|word| name.contains(word) || description.contains(word) || tags.contains(word))
            }
            // No secret of the endpoint has one.
            _ => false,
        }
    }
}

/// The page's size and its offset. There are few secrets, and a new one only shifts a page.
fn page(max_results: Option<usize>, next_token: Option<&str>) -> Result<(usize, usize), AwsError> {
    let mut constraints = Constraints::default();
    constraints.range("maxResults", max_results, 1..=PAGE);
    constraints.check("ValidationException")?;
    let offset = next_token.map_or(Ok(0), |token| {
        token.parse().map_err(|_| AwsError::client("InvalidNextTokenException", "Invalid NextToken."))
    });
    Ok((max_results.unwrap_or(PAGE), offset?))
}

/// The page's items, and the token of the next page.
fn cut(all: Vec<Value>, limit: usize, offset: usize) -> (Vec<Value>, Option<String>) {
    let end = offset.saturating_add(limit);
    let token = (all.len() > end).then(|| end.to_string());
    (all.into_iter().skip(offset).take(limit).collect(), token)
}

impl Secrets {
    pub(super) async fn list_secrets(&self, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        let request: List = parse("ListSecrets", body)?;
        let (limit, offset) = page(request.max_results, request.next_token.as_deref())?;
        let mut constraints = Constraints::default();
        constraints.items("filters", Some(&request.filters), 0..=10);
        for filter in &request.filters {
            constraints.one_of("filters.member.key", Some(&filter.key), &FILTERS);
            constraints.items("filters.member.values", Some(&filter.values), 1..=10);
        }
        constraints.one_of("sortOrder", request.sort_order.as_deref(), &["asc", "desc"]);
        constraints.one_of("sortBy", request.sort_by.as_deref(), &ORDERS);
        constraints.check("ValidationException")?;
        if request.sort_by.as_deref() == Some("last-accessed-date") {
            return Err(AwsError::not_implemented("SortBy last-accessed-date of ListSecrets"));
        }
        let all = self.worker.run(move |db| secrets(db, &request)).await??;
        let (found, token) = cut(all, limit, offset);
        answer(&json!({"SecretList": found, "NextToken": token}))
    }
}

fn secrets(db: &Connection, request: &List) -> Result<Vec<Value>, AwsError> {
    store::remove_ended(db)?;
    let column = match request.sort_by.as_deref() {
        Some("name") => "name",
        Some("last-changed-date") => "changed",
        _ => "created",
    };
    let way = if request.sort_order.as_deref() == Some("desc") { "DESC" } else { "ASC" };
    let names: Vec<String> = db
        .prepare_cached(&format!(
            "SELECT name FROM secret WHERE deleted IS NULL OR ?1 ORDER BY {column} {way}, name {way}"
        ))?
        .query_map([request.include_planned_deletion], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let mut found = Vec::new();
    for name in names {
        let secret = describe::read(db, &name)?;
        if request.filters.iter().all(|filter| filter.takes(&secret)) {
            found.push(secret.listed().map_err(AwsError::internal)?);
        }
    }
    Ok(found)
}
