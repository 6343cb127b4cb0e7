//! Executions through the public interface: time, tokens and limits, random walks with replay, size.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests: what goes wrong should stop the test there"
)]

mod behaviour;
mod machines;
mod replay;
mod scale;
mod support;
