//! The state machines: the deployed files, with values for their placeholders.

use std::collections::BTreeMap;

use rsqlflow_core::{Function, MachineKind};

#[cfg(test)]
mod played;
#[cfg(test)]
mod tests;

/// The definition of a state machine, with its placeholders.
#[must_use]
pub const fn template(machine: MachineKind) -> &'static str {
    match machine {
        MachineKind::Master => include_str!("../../statemachines/master.asl.json"),
        MachineKind::Sequential => include_str!("../../statemachines/sequential.asl.json"),
        MachineKind::Parallel => include_str!("../../statemachines/parallel.asl.json"),
    }
}

/// The definition of a state machine, as it is created.
///
/// # Errors
/// A placeholder without a value, or a value that is not safe within a JSON text.
pub fn definition(machine: MachineKind, values: &Substitutions) -> Result<String, FillError> {
    fill(template(machine), &values.0)
}

/// Values of the placeholders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Substitutions(BTreeMap<String, String>);

impl Substitutions {
    /// From the partition (`aws`), the naming of functions (ARN or name), and the ARNs of the two state machines that the
    /// master starts.
    pub fn of(
        partition: &str,
        function: impl Fn(Function) -> String,
        sequential_arn: &str,
        parallel_arn: &str,
    ) -> Self {
        let mut values = BTreeMap::from([
            ("Partition".to_owned(), partition.to_owned()),
            ("SequentialMachineArn".to_owned(), sequential_arn.to_owned()),
            ("ParallelMachineArn".to_owned(), parallel_arn.to_owned()),
        ]);
        for one in Function::ALL {
            if let Some(placeholder) = one.placeholder() {
                values.insert(placeholder.to_owned(), function(one));
            }
        }
        Self(values)
    }

    /// The names of all placeholders. The deployment must set them too.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

/// A definition whose placeholders cannot be replaced.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FillError {
    /// The placeholder has no value.
    #[error("the placeholder ${{{0}}} has no value")]
    Unknown(String),
    /// `${` without `}`.
    #[error("a placeholder is not closed: {0:?}")]
    Unclosed(String),
    /// The value would end the JSON string.
    #[error("the value of ${{{0}}} has quotes, backslashes or control characters")]
    Unsafe(String),
}

/// Replaces `${name}` by values, as CloudFormation's `DefinitionSubstitutions` does. Values are not processed again.
///
/// # Errors
/// The first placeholder that cannot be replaced.
pub fn fill(text: &str, values: &BTreeMap<String, String>) -> Result<String, FillError> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        filled.push_str(before);
        let (name, after) =
            after.split_once('}').ok_or_else(|| FillError::Unclosed(after.chars().take(40).collect()))?;
        let value = values.get(name).ok_or_else(|| FillError::Unknown(name.to_owned()))?;
        if value.contains(|c: char| c == '"' || c == '\\' || c.is_control()) {
            return Err(FillError::Unsafe(name.to_owned()));
        }
        filled.push_str(value);
        rest = after;
    }
    filled.push_str(rest);
    Ok(filled)
}
