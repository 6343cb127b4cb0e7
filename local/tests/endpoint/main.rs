//! The endpoint through the clients that its users have: the AWS SDK, and HTTP where the SDK would not do wrong.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

mod durable;
mod dynamodb;
mod killed;
mod lambda;
mod logs;
mod machines;
mod protocol;
mod redshift_data;
mod run_command;
mod secrets;
mod sns;
mod ssm;
mod start;
mod stepfunctions;
mod support;
mod upgrade;
mod workflow;
