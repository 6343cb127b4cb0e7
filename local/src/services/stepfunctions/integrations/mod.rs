//! Task states that call the endpoint's other services: optimized integrations beyond Lambda, SNS and nested
//! executions, and the AWS SDK's.
//!
//! A call goes the way that a client's request goes, so its answer and its errors are those of the service. `table`
//! says which services there are, `casing` translates between the integration's names and the service's, `failure`
//! names errors as the service behind Step Functions does.
//!
//! <https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html>

mod call;
mod casing;
mod failure;
mod table;

pub(super) use call::call;
pub(super) use table::is_supported;
