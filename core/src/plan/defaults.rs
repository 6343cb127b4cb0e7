//! The last resort of every setting.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Seconds;
use crate::config::{OnLost, Settings, Target, Warehouse};

/// What a deployment gives to jobs that say nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeploymentDefaults {
    /// Secrets Manager id of the database credentials; without one, such jobs get none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// Where jobs run; without one, each job must say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
    /// Where SQL runs, by the names that workflows use. Workflows that name none use the only one.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub warehouses: BTreeMap<String, Warehouse>,
    /// Default 3 min.
    pub heartbeat: Seconds,
    /// Of one try. Default 24 h.
    pub timeout: Seconds,
}

impl Default for DeploymentDefaults {
    fn default() -> Self {
        Self {
            secret: None,
            target: None,
            warehouses: BTreeMap::new(),
            heartbeat: Seconds::saturating(180),
            timeout: Seconds::saturating(24 * 3600),
        }
    }
}

impl DeploymentDefaults {
    /// As settings with nothing left open but secret and target.
    pub(super) fn settings(&self) -> Settings {
        Settings {
            secret: self.secret.clone(),
            target: self.target.clone(),
            warehouse: None,
            timeout: Some(self.timeout),
            heartbeat: Some(self.heartbeat),
            linger: None,
            retries: Some(0),
            retry_delay: Some(Seconds::saturating(60)),
            retry_backoff: Some(2.0),
            ok_exit_codes: Some(vec![0]),
            on_lost: Some(OnLost::Fail),
        }
    }
}
