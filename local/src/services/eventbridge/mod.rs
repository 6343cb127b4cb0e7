//! EventBridge: the default event bus, its rules and their targets.
//!
//! An event that is accepted becomes one row for each target of each rule whose pattern it fulfils, in one
//! transaction; nothing else of it is kept. `services::delivery` carries the rows out until the targets took them.
//! `pattern`, `path` and `transform` are pure.

mod bus;
mod deliver;
mod event;
mod path;
mod pattern;
mod publish;
mod put;
mod rules;
mod targets;
mod transform;

use std::path::Path;

use rusqlite::Connection;

use crate::LocalError;
use crate::http::AwsError;
use crate::services::delivery::{self, Queue};
use crate::services::link::Link;
use crate::storage::{Schema, Worker};

pub(crate) use event::Event;
pub(crate) use pattern::Pattern;
pub(crate) use rules::OwnRule;

/// The one bus of the endpoint.
const BUS: &str = "default";

/// Rules without a pattern never match: they are schedules, which this endpoint has in Scheduler only.
const TABLES: &str = "
    CREATE TABLE rule (
        name TEXT PRIMARY KEY,
        pattern TEXT NOT NULL,
        enabled INTEGER NOT NULL,
        description TEXT,
        role_arn TEXT
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE target (
        rule TEXT NOT NULL REFERENCES rule (name),
        id TEXT NOT NULL,
        arn TEXT NOT NULL,
        spec TEXT NOT NULL,
        repeat_on TEXT,
        PRIMARY KEY (rule, id)
    ) STRICT, WITHOUT ROWID;";

/// The embedded EventBridge. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct EventBridge {
    worker: Worker<Connection>,
    queue: Queue,
    /// When the endpoint was started, in milliseconds since 1970: the age of the bus.
    started: i64,
}

impl EventBridge {
    /// Opens or creates its database in `dir`, and goes on with the deliveries in it when `link` is tied.
    pub(crate) fn open(dir: &Path, link: Link) -> Result<Self, LocalError> {
        let schema =
            Schema { file: "events.sqlite3", version: 1, tables: &[TABLES, delivery::TABLE].concat() };
        let worker = Worker::start("events", schema.open(dir)?).map_err(LocalError::Thread)?;
        let queue = Queue::start("events", worker.clone(), link.clone(), move |delivery| {
            let link = link.clone();
            async move { deliver::deliver(&link, delivery).await }
        });
        Ok(Self { worker, queue, started: crate::place::now_ms() })
    }

    /// Carries out one operation.
    pub(crate) async fn call(&self, operation: &str, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        match operation {
            "DeleteRule" => self.delete_rule(body).await,
            "DescribeEventBus" => self.describe_event_bus(body),
            "DescribeRule" => self.describe_rule(body).await,
            "DisableRule" => self.enable_rule("DisableRule", body, false).await,
            "EnableRule" => self.enable_rule("EnableRule", body, true).await,
            "ListEventBuses" => self.list_event_buses(body),
            "ListRuleNamesByTarget" => self.list_rule_names_by_target(body).await,
            "ListRules" => self.list_rules(body).await,
            "ListTargetsByRule" => self.list_targets_by_rule(body).await,
            "PutEvents" => self.put_events(body).await,
            "PutRule" => self.put_rule(body).await,
            "PutTargets" => self.put_targets(body).await,
            "RemoveTargets" => self.remove_targets(body).await,
            "TestEventPattern" => test_event_pattern(body),
            _ => Err(AwsError::unknown_operation("EventBridge", operation)),
        }
    }

    /// Stops deliveries where they are.
    pub(crate) fn stop(&self) {
        self.queue.close();
    }

    /// Stops deliveries where they are, and closes the file.
    pub(crate) async fn close(&self) {
        self.queue.close();
        self.worker.close().await;
    }
}

use put::test_event_pattern;

/// The service's most frequent refusal.
fn invalid(message: impl Into<String>) -> AwsError {
    AwsError::client("ValidationException", message)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    async fn ok(bus: &EventBridge, operation: &str, body: Value) {
        bus.call(operation, body.to_string().as_bytes()).await.unwrap();
    }

    /// Targets and payloads of what is still to be delivered.
    async fn pending(bus: &EventBridge) -> Vec<(String, String)> {
        let read = |db: &mut Connection| {
            let mut statement = db.prepare("SELECT target, payload FROM delivery ORDER BY id")?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            rows.collect::<rusqlite::Result<_>>()
        };
        bus.worker.run(read).await.unwrap().unwrap()
    }

    #[tokio::test]
    async fn what_was_accepted_is_there_after_a_crash() {
        let dir = tempfile::tempdir().unwrap();
        // Never tied, so nothing is delivered.
        let bus = EventBridge::open(dir.path(), Link::default()).unwrap();
        ok(&bus, "PutRule", json!({"Name": "r", "EventPattern": "{\"source\":[\"s\"]}"})).await;
        let topic = "arn:aws:sns:us-east-1:000000000000:t";
        let targets = ["1", "2"].map(|id| json!({"Id": id, "Arn": topic, "InputPath": "$.detail"}));
        ok(&bus, "PutTargets", json!({"Rule": "r", "Targets": targets})).await;
        let own = OwnRule {
            name: "own".to_owned(),
            pattern: json!({"source": ["s"]}),
            function: "f".to_owned(),
            repeat_on: &["Again"],
        };
        bus.ensure_rule(own.clone()).await.unwrap();
        let entries = [("s", "{\"n\":1}"), ("other", "{}")]
            .map(|(source, detail)| json!({"Source": source, "DetailType": "d", "Detail": detail}));
        ok(&bus, "PutEvents", json!({"Entries": entries})).await;

        // A second connection sees what a process after `kill -9` would see.
        let after = EventBridge::open(dir.path(), Link::default()).unwrap();
        let found = pending(&after).await;
        let payloads: Vec<&str> = found.iter().map(|(_, payload)| payload.as_str()).collect();
        assert_eq!(payloads.len(), 3, "the own rule's and the two targets'");
        assert_eq!(payloads.iter().filter(|payload| **payload == "{\"n\":1}").count(), 2);
        let (address, _) = found.iter().find(|(target, _)| target.contains("function:f")).unwrap();
        let address: Value = serde_json::from_str(address).unwrap();
        assert_eq!(address["repeat_on"], json!(["Again"]));

        // The deployment's rule is made once, and keeps a user's change of its state.
        ok(&after, "DisableRule", json!({"Name": "own"})).await;
        after.ensure_rule(own).await.unwrap();
        let rule = after.call("DescribeRule", br#"{"Name": "own"}"#).await.unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&rule).unwrap()["State"], "DISABLED");
    }
}
