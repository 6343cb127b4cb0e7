//! Names and ARNs of state machines and executions.

use crate::http::AwsError;
use crate::place;

/// The largest input, output or result, in bytes.
pub(super) const LARGEST_PAYLOAD: usize = asl::MAX_PAYLOAD_BYTES;

/// The ARN of a state machine.
pub(crate) fn machine_arn(name: &str) -> String {
    place::arn("states", format_args!("stateMachine:{name}"))
}

pub(super) fn execution_arn(machine: &str, name: &str) -> String {
    place::arn("states", format_args!("execution:{machine}:{name}"))
}

/// Checks the name of a state machine or an execution (Step Functions API reference, `StartExecution`).
pub(super) fn check(name: &str) -> Result<(), AwsError> {
    let bad = |c: char| c.is_whitespace() || c.is_control() || "<>{}[]?*\"#%\\^|~`$&,;:/".contains(c);
    if (1..=80).contains(&name.chars().count()) && !name.chars().any(bad) {
        Ok(())
    } else {
        Err(AwsError::client("InvalidName", format!("Invalid Name: '{name}'")))
    }
}

/// Refuses a text that is not an ARN of this kind.
pub(super) fn check_arn(arn: &str, kind: &str) -> Result<(), AwsError> {
    let parts: Vec<&str> = arn.split(':').collect();
    match parts.as_slice() {
        ["arn", "aws", "states", _, _, found, _, ..] if *found == kind => Ok(()),
        _ => Err(AwsError::client("InvalidArn", format!("Invalid Arn: '{arn}'"))),
    }
}

/// The error during the shutdown.
pub(super) fn closing() -> AwsError {
    AwsError::internal("the endpoint is shutting down")
}

/// The error of an endpoint that was opened read-only, see [`Options::paused`](crate::Options::paused).
pub(super) fn paused() -> AwsError {
    AwsError::internal("this endpoint does not execute anything: it was opened read-only")
}

pub(super) fn no_execution(arn: &str) -> AwsError {
    AwsError::client("ExecutionDoesNotExist", format!("Execution Does Not Exist: '{arn}'"))
}

pub(super) fn no_machine(arn: &str) -> AwsError {
    AwsError::client("StateMachineDoesNotExist", format!("State Machine Does Not Exist: '{arn}'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_arns_have_their_rules() {
        assert!(check("nightly-s0003-c002").is_ok());
        for bad in ["", "a b", "a:b", "a/b", "$(a)", &"x".repeat(81)] {
            assert_eq!(check(bad).unwrap_err().code, "InvalidName", "{bad}");
        }
        assert!(check_arn(&machine_arn("m"), "stateMachine").is_ok());
        assert!(check_arn(&execution_arn("m", "e"), "execution").is_ok());
        assert_eq!(check_arn(&machine_arn("m"), "execution").unwrap_err().code, "InvalidArn");
        assert!(check_arn("m", "stateMachine").is_err());
    }
}
