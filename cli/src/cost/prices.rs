//! The prices. No other module contains a price.

use serde::Serialize;

use super::usage::Usage;

/// The region of the prices.
pub(crate) const REGION: &str = "us-east-1";
/// The date of the prices.
pub(crate) const DATE: &str = "2026-08";
/// The pricing pages.
pub(crate) const SOURCES: [&str; 4] = [
    "https://aws.amazon.com/step-functions/pricing/",
    "https://aws.amazon.com/lambda/pricing/",
    "https://aws.amazon.com/dynamodb/pricing/on-demand/",
    "https://aws.amazon.com/cloudwatch/pricing/",
];
/// The free tier, which the estimate ignores.
pub(crate) const FREE: &str = "4,000 state transitions, 1,000,000 invocations, 400,000 GB-s and 5 GB of logs a month are free in every account, \
     and not deducted";

/// USD for a state transition of a Standard machine.
const TRANSITION: f64 = 0.025 / 1_000.0;
/// USD for an invocation.
const INVOCATION: f64 = 0.20 / 1_000_000.0;
/// USD for a GB-second on x86_64. arm64 costs 20 % less.
const GB_SECOND: f64 = 0.000_016_666_7;
/// USD for a write request unit: 1 KB.
const WRITE_UNIT: f64 = 0.625 / 1_000_000.0;
/// USD for a read request unit: 4 KB, strongly consistent.
const READ_UNIT: f64 = 0.125 / 1_000_000.0;
/// USD for each GB that CloudWatch Logs ingests. Storage costs 0.03 a month.
const LOG_GB: f64 = 0.50;
/// Run Command on EC2 instances (Systems Manager pricing).
const COMMAND: f64 = 0.0;

/// The price of a usage, in USD.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Bill {
    /// Step Functions.
    pub transitions: f64,
    /// Lambda: requests and duration.
    pub lambda: f64,
    /// DynamoDB: writes and reads.
    pub dynamodb: f64,
    /// CloudWatch Logs.
    pub logs: f64,
    /// Systems Manager.
    pub ssm: f64,
    /// The sum.
    pub total: f64,
}

impl Bill {
    /// The price of a usage.
    #[must_use]
    pub(crate) fn of(usage: &Usage) -> Self {
        let transitions = count(usage.transitions) * TRANSITION;
        let lambda = count(usage.invocations()) * INVOCATION + usage.gb_seconds * GB_SECOND;
        let dynamodb = count(usage.write_units) * WRITE_UNIT + count(usage.read_units) * READ_UNIT;
        let logs = usage.log_mb / 1_000.0 * LOG_GB;
        let ssm = count(usage.commands) * COMMAND;
        Self { transitions, lambda, dynamodb, logs, ssm, total: transitions + lambda + dynamodb + logs + ssm }
    }

    /// Multiplied by a number of runs.
    #[must_use]
    pub(crate) fn times(self, n: u32) -> Self {
        let n = f64::from(n);
        Self {
            transitions: self.transitions * n,
            lambda: self.lambda * n,
            dynamodb: self.dynamodb * n,
            logs: self.logs * n,
            ssm: self.ssm * n,
            total: self.total * n,
        }
    }
}

/// Counts of one run are far below 2^52, so a float represents them exactly.
fn count(n: u64) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thousand_transitions_cost_two_and_a_half_cents() {
        let usage = Usage { transitions: 150_000, ..Usage::default() };
        assert!((Bill::of(&usage).total - 3.75).abs() < 1e-9, "{:?}", Bill::of(&usage));
        assert!((Bill::of(&usage).times(2).total - 7.5).abs() < 1e-9);
    }
}
