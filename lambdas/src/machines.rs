//! The state machines: the very files that are deployed, with their placeholders filled.

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
    /// From the partition (`aws`), what names a function (an ARN or a name), and the ARNs of the two machines
    /// that the master starts.
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

    /// The names of all placeholders, which the deployment must fill too.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

/// A definition that cannot be filled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FillError {
    /// Nobody gives a value for it.
    #[error("the placeholder ${{{0}}} has no value")]
    Unknown(String),
    /// `${` without `}`.
    #[error("a placeholder is not closed: {0:?}")]
    Unclosed(String),
    /// The value would end the JSON text it stands in.
    #[error("the value of ${{{0}}} has quotes, backslashes or control characters")]
    Unsafe(String),
}

/// Puts values for `${name}`, as CloudFormation's `DefinitionSubstitutions` does. What is put in is not read
/// again.
///
/// # Errors
/// The first placeholder that cannot be filled.
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
