//! `Retry` and `Catch`.

use super::fields::Fields;
use super::model::{ResultPath, StateId};
use super::parse::Block;
use crate::error::names;
use crate::template::Template;

/// One retrier. The delay before retry n (from 0) is `interval × backoff^n` seconds, at most `max_delay`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Retrier {
    pub(crate) errors: Vec<String>,
    pub(crate) interval_seconds: i64,
    pub(crate) max_attempts: i64,
    pub(crate) backoff_rate: f64,
    pub(crate) max_delay_seconds: Option<i64>,
    pub(crate) full_jitter: bool,
}

impl Retrier {
    /// The delay before the retry that follows `retries` earlier ones, in milliseconds, without jitter.
    pub(crate) fn delay_ms(&self, retries: u32) -> i64 {
        let exponent = i32::try_from(retries).unwrap_or(i32::MAX);
        let seconds = self.interval_seconds as f64 * self.backoff_rate.powi(exponent);
        let seconds = self.max_delay_seconds.map_or(seconds, |most| seconds.min(most as f64));
        // Longer than any execution can take. The product may be infinite.
        (seconds * 1000.0).min(MAX_MS) as i64
    }
}

const MAX_MS: f64 = 99_999_999_000.0;

/// One catcher.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Catcher {
    pub(crate) errors: Vec<String>,
    pub(crate) next: StateId,
    pub(crate) result_path: ResultPath,
    pub(crate) assign: Option<Template>,
}

pub(super) fn retry(fields: &Fields<'_>) -> Vec<Retrier> {
    let items = fields.list("Retry").map(Vec::as_slice).unwrap_or_default();
    let mut retriers = Vec::new();
    for (i, item) in items.iter().enumerate() {
        let Some(f) = fields.inner(item, &format!("Retry[{i}]")) else { continue };
        let _ = f.get("Comment");
        let errors = error_equals(&f, i + 1 == items.len());
        let jitter = f.text("JitterStrategy");
        if !matches!(jitter, None | Some("FULL" | "NONE")) {
            f.report("JitterStrategy", "must be FULL or NONE");
        }
        let retrier = Retrier {
            errors,
            interval_seconds: f.integer("IntervalSeconds", 0, 99_999_999).unwrap_or(1),
            max_attempts: f.integer("MaxAttempts", 0, 99_999_999).unwrap_or(3),
            backoff_rate: f.number("BackoffRate", 1.0, f64::MAX).unwrap_or(2.0),
            max_delay_seconds: f.integer("MaxDelaySeconds", 1, 31_622_400),
            full_jitter: jitter == Some("FULL"),
        };
        if retrier.max_delay_seconds.is_some_and(|most| most <= retrier.interval_seconds) {
            f.report("MaxDelaySeconds", "must be greater than IntervalSeconds");
        }
        f.finish();
        retriers.push(retrier);
    }
    retriers
}

pub(super) fn catch(fields: &Fields<'_>, block: &mut Block<'_>) -> Vec<Catcher> {
    let items = fields.list("Catch").map(Vec::as_slice).unwrap_or_default();
    let mut catchers = Vec::new();
    for (i, item) in items.iter().enumerate() {
        let Some(f) = fields.inner(item, &format!("Catch[{i}]")) else { continue };
        let _ = f.get("Comment");
        let errors = error_equals(&f, i + 1 == items.len());
        let next = block.target(&f, "Next", true);
        let result_path = f.result_path().unwrap_or_else(ResultPath::root);
        let assign = f.assign();
        f.finish();
        if let Some(next) = next {
            catchers.push(Catcher { errors, next, result_path, assign });
        }
    }
    catchers
}

fn error_equals(f: &Fields<'_>, last: bool) -> Vec<String> {
    let Some(value) = f.required("ErrorEquals") else { return Vec::new() };
    let names: Option<Vec<String>> =
        value.as_array().and_then(|items| items.iter().map(|v| v.as_str().map(str::to_owned)).collect());
    let Some(errors) = names.filter(|n: &Vec<String>| !n.is_empty()) else {
        f.report("ErrorEquals", "must be an array of one or more error names");
        return Vec::new();
    };
    if errors.iter().any(|e| e == names::ALL) {
        if errors.len() > 1 {
            f.report("ErrorEquals", "States.ALL must be the only entry");
        }
        if !last {
            f.report("ErrorEquals", "States.ALL must be in the last retrier or catcher");
        }
    }
    for error in &errors {
        if error.starts_with("States.") && !names::PREDEFINED.contains(&error.as_str()) {
            f.report(
                "ErrorEquals",
                format!("\"{error}\" is not a predefined error name, and States. is reserved"),
            );
        }
    }
    errors
}

impl ResultPath {
    /// `$`, the default.
    pub(super) fn root() -> Self {
        Self::Put(crate::path::ReferencePath::root())
    }
}
