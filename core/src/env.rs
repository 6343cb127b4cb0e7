//! Every environment variable.
//!
//! An empty variable counts as unset. Durations are as `"20s"`, `"1500ms"`, `"24h"`, or a number of seconds.

/// A variable and what it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// Its meaning and default, a line each.
    pub meaning: &'static [&'static str],
}

/// Defines a constant for each variable, and a list of all variables.
macro_rules! variables {
    ($list:ident: $list_doc:literal; $($(#[doc = $doc:literal])+ $name:ident = $value:literal;)+) => {
        $($(#[doc = $doc])+ pub const $name: &str = $value;)+

        #[doc = $list_doc]
        pub const $list: &[Variable] = &[$(Variable { name: $value, meaning: &[$($doc),+] }),+];
    };
}

variables! {
    DEPLOYMENT: "Variables of a deployment: functions, agent and command line read them.";

    /// Start of every default name: a letter, then up to 31 letters, digits and `-`. Default `rsqlflow`.
    PREFIX = "RSQLFLOW_PREFIX";
    /// Table of workflow items. Default `<prefix>-config-table`.
    CONFIG_TABLE = "RSQLFLOW_CONFIG_TABLE";
    /// Table of runs and locks. Default `<prefix>-workflow-audit-table`.
    WORKFLOW_AUDIT_TABLE = "RSQLFLOW_WORKFLOW_AUDIT_TABLE";
    /// Table of jobs and plan snapshots. Default `<prefix>-job-audit-table`.
    JOB_AUDIT_TABLE = "RSQLFLOW_JOB_AUDIT_TABLE";
    /// How long audit rows are kept (TTL of the tables), as `"90d"`. Default: forever.
    AUDIT_RETENTION = "RSQLFLOW_AUDIT_RETENTION";
    /// CloudWatch log group of the scripts' output. Default `/ops/rsql-logs/`.
    LOG_GROUP = "RSQLFLOW_LOG_GROUP";
    /// SSM document that starts the agent. Default `<prefix>-run-job`.
    SSM_DOCUMENT = "RSQLFLOW_SSM_DOCUMENT";
    /// Default SNS topic of workflows. Default: no notifications.
    TOPIC_ARN = "RSQLFLOW_TOPIC_ARN";

    /// Function that starts workflows. Default `<prefix>-workflow-trigger`.
    WORKFLOW_TRIGGER_FUNCTION = "RSQLFLOW_WORKFLOW_TRIGGER_FUNCTION";
    /// Function that selects the next chunk. Default `<prefix>-master-iterator`.
    MASTER_ITERATOR_FUNCTION = "RSQLFLOW_MASTER_ITERATOR_FUNCTION";
    /// Function that creates the rows of a sequential chunk. Default `<prefix>-sequential-iterator`.
    SEQUENTIAL_ITERATOR_FUNCTION = "RSQLFLOW_SEQUENTIAL_ITERATOR_FUNCTION";
    /// Function that evaluates a parallel chunk. Default `<prefix>-parallel-load-check`.
    PARALLEL_LOAD_CHECK_FUNCTION = "RSQLFLOW_PARALLEL_LOAD_CHECK_FUNCTION";
    /// Function that sends a job to an instance. Default `<prefix>-rsql-invoke`.
    RSQL_INVOKE_FUNCTION = "RSQLFLOW_RSQL_INVOKE_FUNCTION";
    /// Function that closes a run. Default `<prefix>-update-audit`.
    UPDATE_AUDIT_FUNCTION = "RSQLFLOW_UPDATE_AUDIT_FUNCTION";
    /// Function that monitors statements, and closes runs whose end was not reported. Default `<prefix>-clock`.
    CLOCK_FUNCTION = "RSQLFLOW_CLOCK_FUNCTION";

    /// State machine of a workflow. Default `<prefix>-master`.
    MASTER_MACHINE = "RSQLFLOW_MASTER_MACHINE";
    /// ARN of the state machine of a workflow.
    MASTER_MACHINE_ARN = "RSQLFLOW_MASTER_MACHINE_ARN";
    /// State machine of a sequential chunk. Default `<prefix>-sequential`.
    SEQUENTIAL_MACHINE = "RSQLFLOW_SEQUENTIAL_MACHINE";
    /// ARN of the state machine of a sequential chunk.
    SEQUENTIAL_MACHINE_ARN = "RSQLFLOW_SEQUENTIAL_MACHINE_ARN";
    /// State machine of a parallel chunk. Default `<prefix>-parallel`.
    PARALLEL_MACHINE = "RSQLFLOW_PARALLEL_MACHINE";
    /// ARN of the state machine of a parallel chunk.
    PARALLEL_MACHINE_ARN = "RSQLFLOW_PARALLEL_MACHINE_ARN";

    /// Timeout of the functions, at most 15 min. Default 20 s.
    LAMBDA_TIMEOUT = "RSQLFLOW_LAMBDA_TIMEOUT";
    /// Delivery timeout of SSM commands, 30 s to 30 d on AWS. Default 30 s.
    SSM_DELIVERY = "RSQLFLOW_SSM_DELIVERY";
    /// Longest time from delivery to the agent's first heartbeat. Default 5 s.
    AGENT_START = "RSQLFLOW_AGENT_START";
    /// How long a job may wait on an instance whose slots are all in use. Default 24 h.
    QUEUEING = "RSQLFLOW_QUEUEING";

    /// Default Secrets Manager id of jobs. Default: such jobs get no credentials.
    DEFAULT_SECRET = "RSQLFLOW_DEFAULT_SECRET";
    /// Default target of jobs, as JSON: `{"tags":{"Role":"etl"}}`. Default: each job must have a target.
    DEFAULT_TARGET = "RSQLFLOW_DEFAULT_TARGET";
    /// Warehouses for SQL, by name, as JSON: `{"night":{"workgroup":"etl","database":"dev","secret":"…"}}`. Default: none.
    WAREHOUSES = "RSQLFLOW_WAREHOUSES";
    /// Default heartbeat of jobs. Default 3 min.
    DEFAULT_HEARTBEAT = "RSQLFLOW_DEFAULT_HEARTBEAT";
    /// Default timeout of a try. Default 24 h.
    DEFAULT_TIMEOUT = "RSQLFLOW_DEFAULT_TIMEOUT";
}

variables! {
    SCRIPT: "Variables that the agent sets for a script, in addition to the credentials and the job's `env`.";

    /// The workflow's name.
    WORKFLOW_ID = "RSQLFLOW_WORKFLOW_ID";
    /// The run.
    WORKFLOW_EXECUTION_ID = "RSQLFLOW_WORKFLOW_EXECUTION_ID";
    /// Stage and position of the job, as `0003#00017`.
    JOB_ID = "RSQLFLOW_JOB_ID";
    /// The job's name.
    JOB_NAME = "RSQLFLOW_JOB_NAME";
    /// The attempt, from 1.
    ATTEMPT = "RSQLFLOW_ATTEMPT";
    /// The try within the attempt, from 1.
    TRY = "RSQLFLOW_TRY";
    /// Secrets Manager id of the credentials in `HOST`, `USER` and so on; empty if there are none.
    SECRET_ID = "RSQLFLOW_SECRET_ID";
}

variables! {
    OPERATOR: "Variables of the command line, in addition to those of the deployment.";

    /// State directory of the embedded endpoint. Default `.rsqlflow`.
    STATE_DIR = "RSQLFLOW_STATE_DIR";
    /// Path of the agent, for an embedded endpoint. Default `rsqlflow-agent` beside `rsqlflow`.
    AGENT = "RSQLFLOW_AGENT";
    /// Name of the operator that `mark` records. Default: the caller's ARN on AWS, else user and host.
    OPERATOR_NAME = "RSQLFLOW_OPERATOR";
    /// Address of an endpoint to use instead of AWS.
    AWS_ENDPOINT_URL = "AWS_ENDPOINT_URL";
    /// Profile in `~/.aws/config`.
    AWS_PROFILE = "AWS_PROFILE";
    /// AWS Region.
    AWS_REGION = "AWS_REGION";
    /// AWS Region if `AWS_REGION` is not set.
    AWS_DEFAULT_REGION = "AWS_DEFAULT_REGION";
    /// If set, output has no colours.
    NO_COLOR = "NO_COLOR";
}

/// Which `rsql` scripts use: one of [`RSQL_CLIENTS`]. Read by the agent, where it takes precedence over the settings file,
/// and by the embedded endpoint, whose default is `bundled`.
pub const RSQL_CLIENT: &str = "RSQLFLOW_RSQL_CLIENT";

/// `auto`: the one on the `PATH`, such as Amazon's, or else the agent's own. `bundled`: the agent's own. `system`: the one on
/// the `PATH`.
pub const RSQL_CLIENTS: [&str; 3] = ["auto", "bundled", "system"];

/// Settings of the agent's file, `agent.toml`, that a deployment may write. An agent refuses unknown
/// settings, and an instance may have an older agent, so a deployment writes newer settings only if they are set.
pub const AGENT_SETTINGS: [&str; 18] = [
    "prefix",
    "config_table",
    "workflow_audit_table",
    "job_audit_table",
    "log_group",
    "secret",
    "script_dir",
    "creds_dir",
    "log_dir",
    "spool_dir",
    "tools_dir",
    "rsql_client",
    "rsql_binary",
    "run_as",
    "instance_credentials",
    "max_jobs",
    "log_retention",
    "cancel_poll",
];
