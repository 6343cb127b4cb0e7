//! ARNs of state machines and their executions.

use rsqlflow_core::Machine;

use crate::HandlerError;

/// The ARN of the state machine, or an error if it is not configured.
pub(crate) fn machine_arn(machine: &Machine) -> Result<&str, HandlerError> {
    machine.arn.as_deref().ok_or_else(|| unknown_arn(machine))
}

fn unknown_arn(machine: &Machine) -> HandlerError {
    HandlerError::Misconfigured { what: format!("the ARN of the state machine {} is not set", machine.name) }
}

/// The ARN of a state machine's execution, which follows from its name.
pub(crate) fn execution_arn(machine: &Machine, name: &str) -> Result<String, HandlerError> {
    machine.execution_arn(name).ok_or_else(|| unknown_arn(machine))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_execution_is_named_by_its_machine() {
        let arn = "arn:aws:states:eu-west-1:123456789012:stateMachine:rsqlflow-master".to_owned();
        let machine = Machine { name: "rsqlflow-master".into(), arn: Some(arn) };
        assert_eq!(
            execution_arn(&machine, "run-1").unwrap(),
            "arn:aws:states:eu-west-1:123456789012:execution:rsqlflow-master:run-1"
        );
        let unknown = Machine { arn: None, ..machine };
        assert!(matches!(execution_arn(&unknown, "run-1"), Err(HandlerError::Misconfigured { .. })));
    }
}
