//! How events become deliveries.

use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::event::{self, Event};
use super::pattern::Pattern;
use super::targets::Target;
use super::transform::Context;
use super::{EventBridge, rules};
use crate::http::AwsError;
use crate::place;
use crate::services::delivery::{self, RetryPolicy};

/// Whom a delivery is for.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Address {
    pub(super) arn: String,
    pub(super) rule: String,
    pub(super) event_id: String,
    pub(super) retry: RetryPolicy,
    /// Error types with which a function asks to be invoked again. With them its answer is waited for.
    pub(super) repeat_on: Option<Vec<String>>,
}

impl EventBridge {
    /// Puts an event of one of the endpoint's services on the bus. When this returns, it survives.
    pub(crate) async fn publish(&self, event: Event) -> Result<(), AwsError> {
        self.accept(vec![event]).await
    }

    /// Makes events into deliveries, all or none.
    pub(super) async fn accept(&self, events: Vec<Event>) -> Result<(), AwsError> {
        let added = self
            .worker
            .run(move |db| {
                let transaction = db.transaction()?;
                let rules = enabled(&transaction)?;
                let ingested = event::seconds(jiff::Timestamp::now());
                let mut added = false;
                for event in &events {
                    added |= add(&transaction, &rules, event, &ingested)?;
                }
                transaction.commit()?;
                Ok::<_, AwsError>(added)
            })
            .await??;
        if added {
            self.queue.wake();
        }
        Ok(())
    }
}

/// The enabled rules. They are few and a pattern is small, so they are compiled anew: nothing can be stale.
fn enabled(db: &Connection) -> Result<Vec<(String, Pattern)>, AwsError> {
    let rows = db
        .prepare_cached("SELECT name, pattern FROM rule WHERE enabled ORDER BY name")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<Vec<(String, String)>>>()?;
    rows.into_iter().map(|(name, pattern)| Ok((name, rules::check_pattern(&pattern)?))).collect()
}

/// Adds the deliveries of one event; says whether there are any.
fn add(
    db: &Connection,
    rules: &[(String, Pattern)],
    event: &Event,
    ingested: &str,
) -> Result<bool, AwsError> {
    let seen = event.to_json();
    let mut added = false;
    for (rule, _) in rules.iter().filter(|(_, pattern)| pattern.matches(&seen)) {
        let targets = db
            .prepare_cached("SELECT spec, repeat_on FROM target WHERE rule = ?1 ORDER BY id")?
            .query_map([rule], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<rusqlite::Result<Vec<(String, Option<String>)>>>()?;
        let rule_arn = rules::arn(rule);
        let context = Context { rule_arn: &rule_arn, rule_name: rule, ingested };
        for (spec, repeat_on) in targets {
            let target: Target = serde_json::from_str(&spec).map_err(AwsError::internal)?;
            let repeat_on = repeat_on.as_deref().map(serde_json::from_str).transpose();
            add_one(db, &target, &seen, context, repeat_on.map_err(AwsError::internal)?, event.id())?;
            added = true;
        }
    }
    Ok(added)
}

fn add_one(
    db: &Connection,
    target: &Target,
    event: &Value,
    context: Context<'_>,
    repeat_on: Option<Vec<String>>,
    event_id: &str,
) -> Result<(), AwsError> {
    let address = Address {
        arn: target.arn.clone(),
        rule: context.rule_name.to_owned(),
        event_id: event_id.to_owned(),
        retry: target.retry_policy.unwrap_or_default(),
        repeat_on,
    };
    let address = serde_json::to_string(&address).map_err(AwsError::internal)?;
    delivery::add(db, &address, &target.payload(event, context), place::now_ms())?;
    Ok(())
}
