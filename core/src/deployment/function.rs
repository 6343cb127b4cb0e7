//! The Lambda functions of a deployment: their handlers, names, timeouts and permissions.

use std::fmt;
use std::ops::Index;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::permission::{
    DYNAMODB_GET, Permission, Resource, get_put_update_query, get_update_query, on, table,
};
use super::{MachineKind, Table};
use crate::{Deployment, Timing, env};

/// A Lambda function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Function {
    /// Starts and restarts workflows.
    WorkflowTrigger,
    /// Determines the next chunk of a run.
    MasterIterator,
    /// Hands out a chunk of a sequential stage.
    SequentialIterator,
    /// Evaluates a chunk of a parallel stage.
    ParallelLoadCheck,
    /// Sends a job to an instance.
    RsqlInvoke,
    /// Closes a run.
    UpdateAudit,
    /// Keeps statements of the Redshift Data API, and closes runs that ended without being closed.
    Clock,
}

/// A text that is not the name of a handler.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a handler; the handlers are {all}", all = Function::ALL.map(Function::as_str).join(", "))]
pub struct UnknownFunction(pub String);

impl Function {
    /// Every function.
    pub const ALL: [Self; 7] = [
        Self::WorkflowTrigger,
        Self::MasterIterator,
        Self::SequentialIterator,
        Self::ParallelLoadCheck,
        Self::RsqlInvoke,
        Self::UpdateAudit,
        Self::Clock,
    ];

    /// Timeout of the functions that no heartbeat depends on: closing 10,000 rows takes a minute.
    pub const LONG_TIMEOUT: Duration = Duration::from_secs(300);

    /// The handler: the value of `_HANDLER`, and the end of the default name, `<prefix>-<handler>`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WorkflowTrigger => "workflow-trigger",
            Self::MasterIterator => "master-iterator",
            Self::SequentialIterator => "sequential-iterator",
            Self::ParallelLoadCheck => "parallel-load-check",
            Self::RsqlInvoke => "rsql-invoke",
            Self::UpdateAudit => "update-audit",
            Self::Clock => "clock",
        }
    }

    /// The environment variable that holds the function's name.
    #[must_use]
    pub const fn variable(self) -> &'static str {
        match self {
            Self::WorkflowTrigger => env::WORKFLOW_TRIGGER_FUNCTION,
            Self::MasterIterator => env::MASTER_ITERATOR_FUNCTION,
            Self::SequentialIterator => env::SEQUENTIAL_ITERATOR_FUNCTION,
            Self::ParallelLoadCheck => env::PARALLEL_LOAD_CHECK_FUNCTION,
            Self::RsqlInvoke => env::RSQL_INVOKE_FUNCTION,
            Self::UpdateAudit => env::UPDATE_AUDIT_FUNCTION,
            Self::Clock => env::CLOCK_FUNCTION,
        }
    }

    /// What the function does, for its description in AWS.
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Self::WorkflowTrigger => "Starts and restarts workflows",
            Self::MasterIterator => "Determines the next chunk of a run",
            Self::SequentialIterator => "Hands out a chunk of a sequential stage",
            Self::ParallelLoadCheck => "Evaluates a chunk of a parallel stage",
            Self::RsqlInvoke => "Sends a job to an instance, or its SQL to the warehouse",
            Self::UpdateAudit => "Closes a run",
            Self::Clock => "Keeps statements, and closes runs that ended without being closed",
        }
    }

    /// The placeholder that stands for the function's ARN in the definitions of the state machines; `None` if no state
    /// machine calls the function.
    #[must_use]
    pub const fn placeholder(self) -> Option<&'static str> {
        match self {
            Self::WorkflowTrigger | Self::Clock => None,
            Self::MasterIterator => Some("MasterIteratorArn"),
            Self::SequentialIterator => Some("SequentialIteratorArn"),
            Self::ParallelLoadCheck => Some("ParallelLoadCheckArn"),
            Self::RsqlInvoke => Some("RsqlInvokeArn"),
            Self::UpdateAudit => Some("UpdateAuditArn"),
        }
    }

    /// The function's timeout. Only the launcher's and the clock's are part of a heartbeat.
    #[must_use]
    pub fn timeout(self, timing: &Timing) -> Duration {
        match self {
            Self::RsqlInvoke => timing.lambda_timeout,
            Self::Clock => timing.clock_timeout(),
            _ => Self::LONG_TIMEOUT,
        }
    }

    /// The function's name in a deployment.
    #[must_use]
    pub fn name_in(self, deployment: &Deployment) -> &str {
        &deployment.functions[self]
    }

    /// Everything that the function's role allows, except to write its own log. The deployment makes the role of this
    /// list, and debug builds of the functions refuse a call that is not in it.
    #[must_use]
    pub fn permissions(self) -> Vec<Permission> {
        use MachineKind::{Master, Parallel, Sequential};
        use Resource::{
            Anything, DeadLetters, Executions, Index, LogGroup, Machine, Targets, Tasks, Topics, Warehouses,
        };

        // Who closes a run stops its child executions and sends its notification.
        let closing = || {
            [on(Executions(&[Sequential, Parallel]), &["states:StopExecution"]), on(Topics, &["sns:Publish"])]
        };
        // Launcher and clock have the same: the Data API lists to each only the statements of its own role.
        let statements = || {
            [
                on(Warehouses, &["redshift-data:ExecuteStatement", "redshift-data:BatchExecuteStatement"]),
                // The service knows a statement by its id, which is no resource (Service Authorization Reference,
                // "Amazon Redshift Data API").
                on(
                    Anything,
                    &[
                        "redshift-data:DescribeStatement",
                        "redshift-data:GetStatementResult",
                        "redshift-data:CancelStatement",
                        "redshift-data:ListStatements",
                    ],
                ),
                on(LogGroup, &["logs:CreateLogStream", "logs:PutLogEvents"]),
            ]
        };
        let mut list = match self {
            Self::WorkflowTrigger => vec![
                table(Table::Config, &[DYNAMODB_GET]),
                table(
                    Table::WorkflowAudit,
                    &[DYNAMODB_GET, "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"],
                ),
                // A restart reads whether the run was restarted before.
                on(Index(Table::WorkflowAudit), &["dynamodb:Query"]),
                get_put_update_query(Table::JobAudit),
                on(Machine(&[Master]), &["states:StartExecution"]),
                on(Executions(&[Master]), &["states:DescribeExecution"]),
                // Lambda sends an asynchronous invocation that failed there with the function's role.
                on(DeadLetters, &["sqs:SendMessage"]),
            ],
            Self::MasterIterator => {
                vec![table(Table::WorkflowAudit, &[DYNAMODB_GET]), get_put_update_query(Table::JobAudit)]
            }
            Self::SequentialIterator => {
                vec![
                    table(Table::WorkflowAudit, &[DYNAMODB_GET]),
                    table(Table::JobAudit, &[DYNAMODB_GET, "dynamodb:PutItem"]),
                ]
            }
            Self::ParallelLoadCheck => vec![get_update_query(Table::JobAudit)],
            Self::RsqlInvoke => {
                let mut list = vec![
                    table(Table::WorkflowAudit, &[DYNAMODB_GET]),
                    table(Table::JobAudit, &[DYNAMODB_GET, "dynamodb:UpdateItem"]),
                    // The action supports no resource (Service Authorization Reference, "AWS Systems Manager").
                    on(Anything, &["ssm:DescribeInstanceInformation"]),
                    on(Targets, &["ssm:SendCommand"]),
                    on(Tasks, &["states:SendTaskSuccess", "states:SendTaskFailure"]),
                ];
                list.extend(statements());
                list
            }
            Self::UpdateAudit => vec![
                table(Table::WorkflowAudit, &[DYNAMODB_GET, "dynamodb:UpdateItem", "dynamodb:DeleteItem"]),
                get_update_query(Table::JobAudit),
            ],
            Self::Clock => {
                let mut list = vec![
                    table(
                        Table::WorkflowAudit,
                        &[DYNAMODB_GET, "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:Scan"],
                    ),
                    on(Index(Table::WorkflowAudit), &["dynamodb:Query"]),
                    get_update_query(Table::JobAudit),
                    on(Index(Table::JobAudit), &["dynamodb:Query"]),
                    on(Executions(&[Master]), &["states:DescribeExecution"]),
                    on(
                        Tasks,
                        &["states:SendTaskSuccess", "states:SendTaskFailure", "states:SendTaskHeartbeat"],
                    ),
                ];
                list.extend(statements());
                list
            }
        };
        // A trigger that takes over a lock closes the run that held it.
        if matches!(self, Self::WorkflowTrigger | Self::UpdateAudit | Self::Clock) {
            list.extend(closing());
        }
        list
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

/// The names of the functions of a deployment: `functions[Function::Clock]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Functions([String; Function::ALL.len()]);

impl Functions {
    pub(super) fn named(name: impl Fn(&str) -> String) -> Self {
        Self(Function::ALL.map(|function| name(function.as_str())))
    }

    /// Each name with the environment variable that sets it.
    pub(super) fn variables(&mut self) -> impl Iterator<Item = (&'static str, &mut String)> {
        Function::ALL.map(Function::variable).into_iter().zip(&mut self.0)
    }
}

impl Index<Function> for Functions {
    type Output = String;

    fn index(&self, function: Function) -> &String {
        // `ALL` is in the order of the variants, which a test checks, so every discriminant is an index.
        &self.0[function as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for (place, function) in Function::ALL.into_iter().enumerate() {
            assert_eq!(function as usize, place);
            assert_eq!(function.as_str().parse(), Ok(function));
            assert_eq!(function.name_in(&Deployment::named("p")), format!("p-{function}"));
        }
        let unknown = "rsql".parse::<Function>().unwrap_err();
        assert!(unknown.to_string().contains("rsql-invoke"), "{unknown}");
    }

    #[test]
    fn placeholders_are_the_handlers_in_pascal_case() {
        for function in Function::ALL {
            let Some(placeholder) = function.placeholder() else { continue };
            let words = function.as_str().split('-').map(|word| {
                let (first, rest) = word.split_at(1);
                format!("{}{rest}", first.to_ascii_uppercase())
            });
            assert_eq!(placeholder, format!("{}Arn", words.collect::<String>()));
        }
    }
}
