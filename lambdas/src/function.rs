//! Which functions there are.

use std::fmt;

use rsqlflow_core::Deployment;

/// A function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Function {
    /// Starts workflows.
    WorkflowTrigger,
    /// Names the next chunk.
    MasterIterator,
    /// Hands out a sequential chunk.
    SequentialIterator,
    /// Judges a parallel chunk.
    ParallelLoadCheck,
    /// Sends a job to an instance.
    RsqlInvoke,
    /// Closes a run.
    UpdateAudit,
    /// Closes runs whose end nobody told.
    Sweeper,
}

/// A text that names no function.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is none of the handlers {all}", all = Function::ALL.map(Function::as_str).join(", "))]
pub struct UnknownFunction(pub String);

impl Function {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::WorkflowTrigger,
        Self::MasterIterator,
        Self::SequentialIterator,
        Self::ParallelLoadCheck,
        Self::RsqlInvoke,
        Self::UpdateAudit,
        Self::Sweeper,
    ];

    /// The name that `_HANDLER` holds.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WorkflowTrigger => "workflow-trigger",
            Self::MasterIterator => "master-iterator",
            Self::SequentialIterator => "sequential-iterator",
            Self::ParallelLoadCheck => "parallel-load-check",
            Self::RsqlInvoke => "rsql-invoke",
            Self::UpdateAudit => "update-audit",
            Self::Sweeper => "sweeper",
        }
    }

    /// The function's name in a deployment.
    #[must_use]
    pub fn name_in(self, deployment: &Deployment) -> &str {
        let names = &deployment.functions;
        match self {
            Self::WorkflowTrigger => &names.workflow_trigger,
            Self::MasterIterator => &names.master_iterator,
            Self::SequentialIterator => &names.sequential_iterator,
            Self::ParallelLoadCheck => &names.parallel_load_check,
            Self::RsqlInvoke => &names.rsql_invoke,
            Self::UpdateAudit => &names.update_audit,
            Self::Sweeper => &names.sweeper,
        }
    }

    /// The placeholder that stands for it in the machines' definitions; none where no machine calls it.
    #[must_use]
    pub const fn placeholder(self) -> Option<&'static str> {
        match self {
            Self::WorkflowTrigger | Self::Sweeper => None,
            Self::MasterIterator => Some("MasterIteratorArn"),
            Self::SequentialIterator => Some("SequentialIteratorArn"),
            Self::ParallelLoadCheck => Some("ParallelLoadCheckArn"),
            Self::RsqlInvoke => Some("RsqlInvokeArn"),
            Self::UpdateAudit => Some("UpdateAuditArn"),
        }
    }
}

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl std::str::FromStr for Function {
    type Err = UnknownFunction;

    fn from_str(text: &str) -> Result<Self, UnknownFunction> {
        Self::ALL.into_iter().find(|f| f.as_str() == text).ok_or_else(|| UnknownFunction(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for function in Function::ALL {
            assert_eq!(function.as_str().parse(), Ok(function));
            assert_eq!(function.name_in(&Deployment::named("p")), format!("p-{function}"));
        }
        let unknown = "rsql".parse::<Function>().unwrap_err();
        assert!(unknown.to_string().contains("rsql-invoke"), "{unknown}");
    }
}
