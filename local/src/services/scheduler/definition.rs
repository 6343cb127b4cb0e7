//! A schedule as it is given.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::expression::Expression;
use super::invalid;
use crate::http::AwsError;
use crate::place;
use crate::services::delivery::{Kind, RetryPolicy};

/// How long ago a start may be (Scheduler API reference, `CreateSchedule`).
const OLDEST_START: i64 = 5 * 60 * 1000;

/// The longest window (service model).
const LONGEST_WINDOW: u32 = 1_440;

/// What `CreateSchedule` and `UpdateSchedule` say, and `GetSchedule` shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Definition {
    #[serde(default)]
    pub(super) action_after_completion: ActionAfterCompletion,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_date: Option<f64>,
    flexible_time_window: FlexibleTimeWindow,
    pub(super) schedule_expression: String,
    #[serde(default = "utc")]
    schedule_expression_timezone: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_date: Option<f64>,
    #[serde(default)]
    pub(super) state: State,
    pub(super) target: Target,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum ActionAfterCompletion {
    #[default]
    None,
    Delete,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum State {
    #[default]
    Enabled,
    Disabled,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct FlexibleTimeWindow {
    mode: Mode,
    #[serde(skip_serializing_if = "Option::is_none")]
    maximum_window_in_minutes: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Mode {
    Off,
    Flexible,
}

/// What is called.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Target {
    pub(super) arn: String,
    role_arn: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) input: Option<String>,
    #[serde(default)]
    pub(super) retry_policy: RetryPolicy,
}

fn utc() -> String {
    "UTC".to_owned()
}

/// A schedule, ready to be asked for its times.
#[derive(Debug)]
pub(super) struct Plan {
    expression: Expression,
    zone: TimeZone,
    /// Where a rate counts from.
    anchor: Timestamp,
    end: Option<Timestamp>,
}

impl Definition {
    /// Refuses what the service refuses. `now` is in milliseconds since 1970.
    pub(super) fn check(&self, now: i64) -> Result<(), AwsError> {
        self.plan(now)?;
        Kind::of(&self.target.arn)?;
        if !self.target.role_arn.starts_with("arn:aws:iam::") {
            return Err(invalid("Provided RoleArn is not in correct format."));
        }
        if let Some(input) = &self.target.input
            && Kind::of(&self.target.arn)? != Kind::Topic
        {
            serde_json::from_str::<Value>(input)
                .map_err(|e| invalid(format!("Invalid Input provided. Reason: it is not JSON: {e}")))?;
        }
        self.target.retry_policy.check()?;
        if self.description.as_ref().is_some_and(|text| text.chars().count() > 512) {
            return Err(invalid("Description is longer than 512 characters"));
        }
        let window = self.flexible_time_window;
        match (window.mode, window.maximum_window_in_minutes) {
            (Mode::Off, None) => {}
            (Mode::Flexible, Some(minutes)) if (1..=LONGEST_WINDOW).contains(&minutes) => {}
            _ => {
                let message =
                    "MaximumWindowInMinutes must be 1 to 1440 with Mode FLEXIBLE, and absent with OFF";
                return Err(invalid(message));
            }
        }
        if self.start_date.is_some_and(|start| milliseconds(start) < now - OLDEST_START) {
            return Err(invalid("The StartDate you specify cannot be earlier than 5 minutes ago."));
        }
        if let (Some(start), Some(end)) = (self.start_date, self.end_date)
            && end <= start
        {
            return Err(invalid("The EndDate you specify must come after the StartDate."));
        }
        Ok(())
    }

    /// The schedule's times, if it was given at `given`.
    pub(super) fn plan(&self, given: i64) -> Result<Plan, AwsError> {
        let text = &self.schedule_expression;
        let expression = Expression::parse(text)
            .map_err(|reason| invalid(format!("Invalid Schedule Expression {text}: {reason}.")))?;
        let zone = TimeZone::get(&self.schedule_expression_timezone).map_err(|_| {
            let name = &self.schedule_expression_timezone;
            invalid(format!("Invalid Schedule Expression Timezone {name}."))
        })?;
        let moment = |ms| Timestamp::from_millisecond(ms).map_err(|_| invalid("a date is out of range"));
        // A time that comes once has neither start nor end.
        let (start, end) = if expression.is_once() { (None, None) } else { (self.start_date, self.end_date) };
        let anchor = moment(start.map_or(given, milliseconds))?;
        let end = end.map(|end| moment(milliseconds(end))).transpose()?;
        Ok(Plan { expression, zone, anchor, end })
    }

    /// A random part of the window, in milliseconds.
    pub(super) fn delay(&self) -> i64 {
        let minutes = self.flexible_time_window.maximum_window_in_minutes.unwrap_or(0);
        fastrand::i64(0..=i64::from(minutes) * 60_000)
    }
}

impl Plan {
    /// The first time at or after the start.
    pub(super) fn first(&self) -> Option<i64> {
        self.next(self.anchor.as_millisecond() - 1)
    }

    /// The first time after `after`, in milliseconds since 1970.
    pub(super) fn next(&self, after: i64) -> Option<i64> {
        let after = Timestamp::from_millisecond(after).ok()?;
        let next = self.expression.next(after, self.anchor, &self.zone)?;
        self.end.is_none_or(|end| next <= end).then(|| next.as_millisecond())
    }
}

/// Dates of the API are seconds since 1970.
fn milliseconds(seconds: f64) -> i64 {
    (seconds * 1000.0) as i64
}

/// The ARN of a schedule.
pub(super) fn arn(group: &str, name: &str) -> String {
    place::arn("scheduler", format_args!("schedule/{group}/{name}"))
}
