//! Compares the clock of this machine with AWS's, by the `Date` header of an answer.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use aws_sdk_dynamodb::config::interceptors::{
    BeforeDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
};
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use aws_sdk_dynamodb::primitives::{DateTime, DateTimeFormat};

use rsqlflow_core::check::Check;

/// From here on, times in tables and logs are misleading.
const LOOK: f64 = 5.0;

/// AWS accepts signatures for five minutes (IAM user guide, "Troubleshooting Signature Version 4"), minus one minute for
/// the call itself.
const BAD: f64 = 240.0;

/// Records when a request was sent, when its answer arrived, and the `Date` of the answer.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen(Arc<Mutex<Times>>);

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Times {
    sent: Option<f64>,
    /// Seconds by which this machine is ahead.
    ahead: Option<f64>,
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64())
}

/// Seconds by which this machine is ahead of a `Date` header, which has no fraction of a second: half a second is added
/// on average. The answer is assumed to be created half-way between request and receipt.
fn ahead(sent: f64, received: f64, date: &str) -> Option<f64> {
    let theirs = DateTime::from_str(date, DateTimeFormat::HttpDate).ok()?.as_secs_f64() + 0.5;
    Some(f64::midpoint(sent, received) - theirs)
}

impl Intercept for Seen {
    fn name(&self) -> &'static str {
        "Seen"
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).sent = Some(now());
        Ok(())
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let mut times = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let (Some(sent), Some(date)) = (times.sent, context.response().headers().get("date")) {
            times.ahead = ahead(sent, now(), date);
        }
        Ok(())
    }
}

impl Seen {
    /// The check. `None` if no answer had a `Date`.
    pub(super) fn check(&self) -> Option<Check> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).ahead.map(judge)
    }
}

fn judge(ahead: f64) -> Check {
    let name = "clock";
    // The precision of `Date`.
    if ahead.abs() < 1.5 {
        return Check::ok(name, "the same as AWS's, to the second");
    }
    let found = format!("{:.0} s {} AWS's", ahead.abs(), if ahead > 0.0 { "ahead of" } else { "behind" });
    let hint = "synchronize it with chrony or systemd-timesyncd; on EC2 from 169.254.169.123 (see `chronyc sources`)";
    match ahead.abs() {
        off if off >= BAD => {
            Check::failed(name, format!("{found}: AWS refuses signatures of this machine"), hint)
        }
        off if off >= LOOK => {
            Check::warning(name, format!("{found}: times in tables and logs are wrong by this"), hint)
        }
        _ => Check::ok(name, found),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rsqlflow_core::check::Health;

    #[test]
    fn a_date_is_taken_for_the_middle_of_its_second() {
        let date = "Sat, 21 Nov 2026 02:00:00 GMT";
        let theirs = 1_795_226_400.0;
        assert_eq!(ahead(theirs, theirs + 1.0, date), Some(0.0));
        assert_eq!(ahead(theirs + 300.0, theirs + 301.0, date), Some(300.0));
        assert_eq!(ahead(0.0, 1.0, "yesterday"), None);
    }

    #[test]
    fn how_far_off_is_too_far() {
        for (ahead, health) in [
            (0.9, Health::Ok),
            (-3.0, Health::Ok),
            (-7.0, Health::Warning),
            (60.0, Health::Warning),
            (301.0, Health::Failed),
            (-86_400.0, Health::Failed),
        ] {
            assert_eq!(judge(ahead).health, health, "{ahead}");
        }
        assert!(judge(-7.0).found.starts_with("7 s behind AWS's"));
    }
}
