//! An event as it stands on the bus.
//!
//! <https://docs.aws.amazon.com/eventbridge/latest/ref/overiew-event-structure.html>

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::place;

/// An event of a service or of a user.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Event {
    id: String,
    source: String,
    detail_type: String,
    time: Timestamp,
    resources: Vec<String>,
    detail: Value,
}

impl Event {
    /// An event with an id of its own. `detail` is an object.
    pub(crate) fn new(
        source: impl Into<String>,
        detail_type: impl Into<String>,
        time: Timestamp,
        resources: Vec<String>,
        detail: Value,
    ) -> Self {
        Self {
            id: uuid::Uuid::new_v4().to_string(),
            source: source.into(),
            detail_type: detail_type.into(),
            time,
            resources,
            detail,
        }
    }

    /// Its id.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// What patterns see and targets get.
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "version": "0",
            "id": self.id,
            "detail-type": self.detail_type,
            "source": self.source,
            "account": place::ACCOUNT,
            "time": seconds(self.time),
            "region": place::REGION,
            "resources": self.resources,
            "detail": self.detail,
        })
    }
}

/// RFC 3339 with whole seconds, as events have it.
pub(super) fn seconds(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
