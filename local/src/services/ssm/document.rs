//! The command document that starts the agent.

use std::collections::BTreeMap;

use rsqlflow_core::{DocumentParameter, ExecutionId, JobId, RUN_JOB_PARAMETERS};
use serde_json::{Map, Value, json};

use crate::http::AwsError;

/// The only step of the document.
pub(super) const PLUGIN: &str = "runJob";

/// A command document that runs the agent's `run`. Its parameters are passed as arguments, without a shell.
#[derive(Debug)]
pub(crate) struct Document {
    name: String,
}

/// Parameter values of `SendCommand`.
pub(super) type Values = BTreeMap<String, Vec<String>>;

impl Document {
    /// The document `<prefix>-run-job`.
    pub(crate) fn run_job(name: &str) -> Self {
        Self { name: name.to_owned() }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// `Parameters` of `DescribeDocument`.
    pub(super) fn parameters(&self) -> Value {
        RUN_JOB_PARAMETERS.iter().map(|parameter| json!({"Name": parameter.name, "Type": "String"})).collect()
    }

    /// The document as on AWS. Here, the agent gets its arguments without a shell.
    pub(super) fn content(&self, schema_version: &str) -> Value {
        let parameters: Map<String, Value> = RUN_JOB_PARAMETERS
            .iter()
            .map(|p| (p.name.to_owned(), json!({"type": "String", "allowedPattern": p.pattern})))
            .collect();
        let options: String =
            RUN_JOB_PARAMETERS.iter().map(|p| format!(" --{} '{{{{ {} }}}}'", p.option, p.name)).collect();
        json!({
            "schemaVersion": schema_version,
            "description": "Runs one job of a workflow.",
            "parameters": parameters,
            "mainSteps": [{
                "action": "aws:runShellScript",
                "name": PLUGIN,
                "inputs": {"runCommand": [format!("rsqlflow-agent run{options}")]},
            }],
        })
    }

    /// The agent's arguments for these values.
    ///
    /// # Errors
    /// `InvalidParameters` for a value that is missing, unknown, a list, or does not match its pattern.
    pub(super) fn arguments(&self, values: &Values) -> Result<Vec<String>, AwsError> {
        let invalid = |message: String| Err(AwsError::client("InvalidParameters", message));
        if let Some(unknown) = values.keys().find(|name| !RUN_JOB_PARAMETERS.iter().any(|p| p.name == **name))
        {
            return invalid(format!("Document {} does not support parameter {unknown}.", self.name));
        }
        let mut arguments = vec!["run".to_owned()];
        for parameter in RUN_JOB_PARAMETERS {
            let value = match values.get(parameter.name).map(Vec::as_slice) {
                Some([value]) => value,
                Some(_) => return invalid(format!("Parameter {} takes one value.", parameter.name)),
                None => return invalid(format!("Parameter {} is required.", parameter.name)),
            };
            if !is_allowed(parameter.name, value) {
                let DocumentParameter { name, pattern, .. } = parameter;
                return invalid(format!(
                    "Parameter \"{name}\" has value that does not match allowedPattern {pattern}."
                ));
            }
            arguments.extend([format!("--{}", parameter.option), value.clone()]);
        }
        Ok(arguments)
    }
}

/// Whether a value matches the parameter's pattern.
fn is_allowed(name: &str, value: &str) -> bool {
    match name {
        "ExecutionId" => ExecutionId::new(value).is_ok(),
        "JobId" => value.parse::<JobId>().is_ok(),
        "Digest" => value.len() == 64 && value.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')),
        _ => (1..=9).contains(&value.len()) && value.bytes().all(|b| b.is_ascii_digit()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn arguments(values: [(&str, &str); 3]) -> Result<Vec<String>, AwsError> {
        let mut values: Values = values.map(|(name, value)| (name.to_owned(), vec![value.to_owned()])).into();
        values.insert("Digest".to_owned(), vec![DIGEST.to_owned()]);
        Document::run_job("p-run-job").arguments(&values)
    }

    #[test]
    fn parameters_become_arguments() {
        let found = arguments([("ExecutionId", "e-1"), ("JobId", "0003#00017"), ("Attempt", "2")]).unwrap();
        assert_eq!(
            found,
            ["run", "--execution-id", "e-1", "--job-id", "0003#00017", "--attempt", "2", "--digest", DIGEST]
        );
    }

    #[test]
    fn values_outside_of_their_pattern_are_refused() {
        for bad in [
            [("ExecutionId", "$(reboot)"), ("JobId", "0003#00017"), ("Attempt", "2")],
            [("ExecutionId", "e"), ("JobId", "3#17"), ("Attempt", "2")],
            [("ExecutionId", "e"), ("JobId", "0003#00017"), ("Attempt", "-1")],
            [("ExecutionId", "e"), ("JobId", "0003#00017"), ("Attempt", "")],
            [("ExecutionId", "e"), ("JobId", "0003#00017"), ("Tempt", "1")],
        ] {
            assert_eq!(arguments(bad).unwrap_err().code, "InvalidParameters", "{bad:?}");
        }
    }
}
