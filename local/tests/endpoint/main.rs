//! The endpoint through the clients that its users have: the AWS SDK, and HTTP where the SDK would not do wrong.

mod dynamodb;
mod lambda;
mod logs;
mod protocol;
mod secrets;
mod sns;
mod ssm;
mod start;
mod stepfunctions;
mod support;
