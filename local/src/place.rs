//! The simulated region and account.

/// The region of every resource.
pub(crate) const REGION: &str = "us-east-1";

/// The account of every resource. No real account has this number.
pub(crate) const ACCOUNT: &str = "000000000000";

/// The ARN of a resource of `service`.
pub(crate) fn arn(service: &str, resource: impl std::fmt::Display) -> String {
    format!("arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}")
}

/// Now, in milliseconds since 1970.
pub(crate) fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// A moment as the JSON protocols write it: seconds with a fraction.
pub(crate) fn seconds(ms: i64) -> f64 {
    ms as f64 / 1000.0
}
