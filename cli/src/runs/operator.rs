//! The name of the operator.

use nix::unistd::{User, getuid};
use rsqlflow_core::env::OPERATOR_NAME;

use crate::backend::Backend;

/// The name by user id. The environment of services and containers often has no user name.
fn by_id() -> String {
    let id = getuid();
    User::from_uid(id).ok().flatten().map_or_else(|| format!("uid {id}"), |user| user.name)
}

/// The name that an audit stores: the given name; else that of the environment; else, on AWS, the caller's ARN; else user
/// and host.
pub(crate) async fn name(given: Option<&str>, backend: &Backend) -> String {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    if let Some(name) = given.map(str::to_owned).or_else(|| variable(OPERATOR_NAME)) {
        return name;
    }
    if backend.is_aws()
        && let Ok(identity) = aws_sdk_sts::Client::new(&backend.sdk).get_caller_identity().send().await
        && let Some(arn) = identity.arn()
    {
        return arn.to_owned();
    }
    let user = variable("USER").or_else(|| variable("LOGNAME")).unwrap_or_else(by_id);
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    match host.trim() {
        "" => user,
        host => format!("{user}@{host}"),
    }
}
