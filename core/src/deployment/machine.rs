//! The state machines that run workflows.

use serde::{Deserialize, Serialize};

use crate::env;

/// A state machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MachineKind {
    /// Runs a workflow.
    Master,
    /// Runs a chunk of a sequential stage.
    Sequential,
    /// Runs a chunk of a parallel stage.
    Parallel,
}

impl MachineKind {
    /// Every state machine.
    pub const ALL: [Self; 3] = [Self::Master, Self::Sequential, Self::Parallel];

    /// The end of the default name, `<prefix>-<this>`, and the name of its definition in `statemachines/`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Master => "master",
            Self::Sequential => "sequential",
            Self::Parallel => "parallel",
        }
    }

    /// The environment variable of its name, and that of its ARN.
    #[must_use]
    pub const fn variables(self) -> (&'static str, &'static str) {
        match self {
            Self::Master => (env::MASTER_MACHINE, env::MASTER_MACHINE_ARN),
            Self::Sequential => (env::SEQUENTIAL_MACHINE, env::SEQUENTIAL_MACHINE_ARN),
            Self::Parallel => (env::PARALLEL_MACHINE, env::PARALLEL_MACHINE_ARN),
        }
    }

    /// Whether it runs jobs, so that the tasks that wait for agents are its own.
    #[must_use]
    pub const fn runs_jobs(self) -> bool {
        !matches!(self, Self::Master)
    }
}

/// The state machines of a deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machines {
    /// Of a workflow.
    pub master: Machine,
    /// Of a sequential chunk.
    pub sequential: Machine,
    /// Of a parallel chunk.
    pub parallel: Machine,
}

/// A state machine's name and ARN.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Its name.
    pub name: String,
    /// Its ARN; `None` before it is deployed.
    pub arn: Option<String>,
}

impl Machine {
    /// The ARN of its execution of this name; `None` while its own is not known.
    #[must_use]
    pub fn execution_arn(&self, name: &str) -> Option<String> {
        Some(format!("{}:{name}", self.arn.as_deref()?.replacen(":stateMachine:", ":execution:", 1)))
    }
}

impl Machines {
    pub(super) fn named(name: impl Fn(&str) -> String) -> Self {
        let machine = |kind: MachineKind| Machine { name: name(kind.as_str()), arn: None };
        Self {
            master: machine(MachineKind::Master),
            sequential: machine(MachineKind::Sequential),
            parallel: machine(MachineKind::Parallel),
        }
    }

    /// One of them.
    #[must_use]
    pub const fn of(&self, kind: MachineKind) -> &Machine {
        match kind {
            MachineKind::Master => &self.master,
            MachineKind::Sequential => &self.sequential,
            MachineKind::Parallel => &self.parallel,
        }
    }

    /// Every state machine, in the order of [`MachineKind::ALL`].
    pub const fn all_mut(&mut self) -> [&mut Machine; 3] {
        [&mut self.master, &mut self.sequential, &mut self.parallel]
    }

    /// Each state machine with the environment variables of its name and its ARN.
    pub(super) fn variables(&mut self) -> impl Iterator<Item = (&'static str, &'static str, &mut Machine)> {
        MachineKind::ALL.into_iter().zip(self.all_mut()).map(|(kind, machine)| {
            let (name, arn) = kind.variables();
            (name, arn, machine)
        })
    }
}
