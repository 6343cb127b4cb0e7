//! Step Functions.
#[derive(Debug)]
pub(crate) struct StepFunctions;
impl StepFunctions {
    pub(crate) async fn call(&self, operation: &str, _body: &[u8]) -> Result<Vec<u8>, crate::http::AwsError> {
        Err(crate::http::AwsError::unknown_operation("Step Functions", operation))
    }
}
impl StepFunctions { pub(crate) fn close(&self) {} }
pub(crate) fn machine_arn(name: &str) -> String { crate::place::arn("states", format_args!("stateMachine:{name}")) }
