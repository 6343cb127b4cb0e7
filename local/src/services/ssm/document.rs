//! The command document that starts the agent.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::http::AwsError;

/// The document's only step.
pub(super) const PLUGIN: &str = "runJob";

/// A parameter of a document.
#[derive(Debug)]
struct Parameter {
    name: &'static str,
    /// `allowedPattern`, as the error shows it.
    pattern: &'static str,
    allowed: fn(&str) -> bool,
    /// The agent's option that takes it.
    option: &'static str,
}

/// A command document that runs the agent's `run` with its parameters as arguments, not as text of a shell.
#[derive(Debug)]
pub(crate) struct Document {
    name: String,
    parameters: [Parameter; 3],
}

/// Values as `SendCommand` gives them.
pub(super) type Values = BTreeMap<String, Vec<String>>;

impl Document {
    /// The document `<prefix>-run-job`.
    pub(crate) fn run_job(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            parameters: [
                Parameter {
                    name: "ExecutionId",
                    pattern: "^[A-Za-z0-9_-]{1,60}$",
                    allowed: |text| rsqlflow_core::ExecutionId::new(text).is_ok(),
                    option: "--execution-id",
                },
                Parameter {
                    name: "JobId",
                    pattern: "^[0-9]{4}#[0-9]{5}$",
                    allowed: |text| text.parse::<rsqlflow_core::JobId>().is_ok(),
                    option: "--job-id",
                },
                Parameter {
                    name: "Attempt",
                    pattern: "^[0-9]{1,9}$",
                    allowed: |text| (1..=9).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit()),
                    option: "--attempt",
                },
            ],
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// `Parameters` of `DescribeDocument`.
    pub(super) fn parameters(&self) -> Value {
        self.parameters.iter().map(|parameter| json!({"Name": parameter.name, "Type": "String"})).collect()
    }

    /// The document as AWS would have it. Here the agent gets its arguments without a shell.
    pub(super) fn content(&self, schema_version: &str) -> Value {
        let parameters: Map<String, Value> = self
            .parameters
            .iter()
            .map(|p| (p.name.to_owned(), json!({"type": "String", "allowedPattern": p.pattern})))
            .collect();
        let options: String =
            self.parameters.iter().map(|p| format!(" {} '{{{{ {} }}}}'", p.option, p.name)).collect();
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
    /// `InvalidParameters` for a value that is missing, unknown, a list, or outside of its pattern.
    pub(super) fn arguments(&self, values: &Values) -> Result<Vec<String>, AwsError> {
        let invalid = |message: String| Err(AwsError::client("InvalidParameters", message));
        if let Some(unknown) = values.keys().find(|name| !self.parameters.iter().any(|p| p.name == **name)) {
            return invalid(format!("Document {} does not support parameter {unknown}.", self.name));
        }
        let mut arguments = vec!["run".to_owned()];
        for parameter in &self.parameters {
            let value = match values.get(parameter.name).map(Vec::as_slice) {
                Some([value]) => value,
                Some(_) => return invalid(format!("Parameter {} takes one value.", parameter.name)),
                None => return invalid(format!("Parameter {} is required.", parameter.name)),
            };
            if !(parameter.allowed)(value) {
                let Parameter { name, pattern, .. } = parameter;
                return invalid(format!(
                    "Parameter \"{name}\" has value that does not match allowedPattern {pattern}."
                ));
            }
            arguments.extend([parameter.option.to_owned(), value.clone()]);
        }
        Ok(arguments)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(values: [(&str, &str); 3]) -> Result<Vec<String>, AwsError> {
        let values = values.map(|(name, value)| (name.to_owned(), vec![value.to_owned()])).into();
        Document::run_job("p-run-job").arguments(&values)
    }

    #[test]
    fn parameters_become_arguments() {
        let found = arguments([("ExecutionId", "e-1"), ("JobId", "0003#00017"), ("Attempt", "2")]).unwrap();
        assert_eq!(found, ["run", "--execution-id", "e-1", "--job-id", "0003#00017", "--attempt", "2"]);
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
