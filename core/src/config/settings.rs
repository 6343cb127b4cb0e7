//! What a job can inherit.

use schemars::JsonSchema;
use serde::Serialize;

use super::choice::OnLost;
use super::reader::{Cursor, Object};
use super::target::Target;
use super::{MAX_RETRIES, MAX_TIMEOUT, rules};
use crate::problem::ProblemKind;
use crate::{Seconds, Timing};

/// Settings that a job sets itself or inherits from the workflow's `defaults`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Settings {
    /// Secrets Manager id of the database credentials. Default: the deployment's.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048), regex(pattern = rules::SECRET_PATTERN))]
    pub secret: Option<String>,
    /// Where the job runs. Default: the deployment's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
    /// Name of the deployment's warehouse that runs the job's SQL. Default: the only one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = rules::WAREHOUSE_PATTERN))]
    pub warehouse: Option<String>,
    /// Longest time of one try, enforced by the agent, from 1 s to 365 d. Default 24 h.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Seconds>,
    /// How long the workflow waits for a sign of life. Default 3 min. The first one must also cover delivery, so
    /// the shortest that is allowed depends on the deployment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub heartbeat: Option<Seconds>,
    /// How long processes that the script leaves running may continue after it, up to 1 d. Then they are ended. Default 5 s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub linger: Option<Seconds>,
    /// Reruns after a failing exit. Default 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 100))]
    pub retries: Option<u32>,
    /// Delay before the first rerun, up to 1 d. Default 60 s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_delay: Option<Seconds>,
    /// Factor of each further delay, 1 to 100; the one number that may have a fraction. Default 2.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100))]
    pub retry_backoff: Option<f64>,
    /// Exit codes that count as success. Default only 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub ok_exit_codes: Option<Vec<u8>>,
    /// What happens when the agent vanished. Default `fail`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_lost: Option<OnLost>,
}

impl Settings {
    pub(super) fn read(object: &mut Object<'_>, timing: &Timing) -> Self {
        let second = Seconds::saturating(1);
        Self {
            secret: object.optional("secret", |c| c.checked_text(rules::secret)),
            target: object.optional("target", Target::read),
            warehouse: object.optional("warehouse", |c| c.checked_text(rules::warehouse)),
            timeout: object.optional("timeout", |c| c.seconds(second..=MAX_TIMEOUT)),
            heartbeat: object.optional("heartbeat", |c| read_heartbeat(c, timing)),
            linger: object
                .optional("linger", |c| c.seconds(Seconds::default()..=Seconds::saturating(86_400))),
            retries: object.optional("retries", |c| c.whole(0..=MAX_RETRIES)),
            retry_delay: object
                .optional("retry_delay", |c| c.seconds(Seconds::default()..=Seconds::saturating(86_400))),
            retry_backoff: object.optional("retry_backoff", |c| c.number(1.0..=100.0)),
            ok_exit_codes: object.optional("ok_exit_codes", read_exit_codes),
            on_lost: object.optional("on_lost", |c| c.choice()),
        }
    }

    /// These settings, completed by those of `below`.
    #[must_use]
    pub fn or(&self, below: &Self) -> Self {
        Self {
            secret: self.secret.clone().or_else(|| below.secret.clone()),
            target: self.target.clone().or_else(|| below.target.clone()),
            warehouse: self.warehouse.clone().or_else(|| below.warehouse.clone()),
            timeout: self.timeout.or(below.timeout),
            heartbeat: self.heartbeat.or(below.heartbeat),
            linger: self.linger.or(below.linger),
            retries: self.retries.or(below.retries),
            retry_delay: self.retry_delay.or(below.retry_delay),
            retry_backoff: self.retry_backoff.or(below.retry_backoff),
            ok_exit_codes: self.ok_exit_codes.clone().or_else(|| below.ok_exit_codes.clone()),
            on_lost: self.on_lost.or(below.on_lost),
        }
    }
}

fn read_heartbeat(cursor: &Cursor<'_>, timing: &Timing) -> Option<Seconds> {
    let heartbeat = cursor.seconds(Seconds::saturating(1)..=Timing::MAX_HEARTBEAT)?;
    match timing.accept(heartbeat) {
        Ok(()) => Some(heartbeat),
        Err(short) => {
            cursor.report_hint(ProblemKind::Timing, short.to_string(), short.hint());
            None
        }
    }
}

fn read_exit_codes(cursor: &Cursor<'_>) -> Option<Vec<u8>> {
    let codes = cursor.list_of(|code| code.whole(0..=255).and_then(|code| u8::try_from(code).ok()))?;
    if (1..=256).contains(&codes.len()) {
        Some(codes)
    } else {
        cursor.report(
            ProblemKind::OutOfRange,
            format!("must have 1 to 256 exit codes, but has {}", codes.len()),
        );
        None
    }
}
