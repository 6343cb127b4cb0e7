//! Permissions of a function, as data. The deployment turns them into statements of IAM policies.

use serde::Serialize;

use super::{MachineKind, Table};

/// Actions on resources.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Permission {
    /// On what.
    pub on: Resource,
    /// IAM actions, such as `dynamodb:GetItem`.
    pub actions: Vec<&'static str>,
}

/// Resources of a deployment. The deployment knows their ARNs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Resource {
    /// The items of a table.
    Table(Table),
    /// The index of a table.
    Index(Table),
    /// State machines.
    Machine(&'static [MachineKind]),
    /// The executions of state machines.
    Executions(&'static [MachineKind]),
    /// The waiting tasks of jobs, which belong to the state machines of the chunks.
    Tasks,
    /// The SSM document that starts a job, and the instances of every configured target.
    Targets,
    /// The clusters and workgroups that the configuration names as warehouses, with their secrets and database users.
    Warehouses,
    /// The log group of the output of jobs.
    LogGroup,
    /// The topics that the configuration names.
    Topics,
    /// The queue of events and invocations that could not be delivered.
    DeadLetters,
    /// `*`: the actions support no resource.
    Anything,
}

pub(super) const DYNAMODB_GET: &str = "dynamodb:GetItem";

pub(super) fn on(on: Resource, actions: &[&'static str]) -> Permission {
    Permission { on, actions: actions.to_vec() }
}

pub(super) fn table(table: Table, actions: &[&'static str]) -> Permission {
    on(Resource::Table(table), actions)
}

pub(super) fn get_update_query(which: Table) -> Permission {
    table(which, &[DYNAMODB_GET, "dynamodb:UpdateItem", "dynamodb:Query"])
}

pub(super) fn get_put_update_query(which: Table) -> Permission {
    table(which, &[DYNAMODB_GET, "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:Query"])
}

/// The attributes of a job's row that an agent's writes name: its keys, what its conditions compare, and what it sets
/// or removes. The instance role allows `UpdateItem` with no other (`dynamodb:Attributes`), so that a script with the
/// role's credentials cannot change which script a row runs, with which arguments and which secret. The store refuses
/// an agent's write that names another, and a test checks that every one of these is written.
pub const AGENT_ATTRIBUTES: [&str; 23] = [
    "workflow_execution_id",
    "job_id",
    "execution_status",
    "attempt",
    "owner",
    "beat",
    "cancel_requested",
    "exit_code",
    "error_message",
    "error_name",
    "tries",
    "execution_start_ts",
    "execution_end_ts",
    "instance_id",
    "agent_version",
    "script_sha256",
    "log_group",
    "log_stream",
    "log_bytes",
    "log_complete",
    "log_error",
    "late_result",
    "details_dropped",
];
