//! Every environment variable, in one place.
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

/// Makes a constant of each variable, and a list of all, from one text.
macro_rules! variables {
    ($list:ident: $list_doc:literal; $($(#[doc = $doc:literal])+ $name:ident = $value:literal;)+) => {
        $($(#[doc = $doc])+ pub const $name: &str = $value;)+

        #[doc = $list_doc]
        pub const $list: &[Variable] = &[$(Variable { name: $value, meaning: &[$($doc),+] }),+];
    };
}

variables! {
    DEPLOYMENT: "Variables of a deployment: functions, agent and command line read the same ones.";

    /// Start of every default name: a letter, then up to 31 letters, digits and `-`. Default `rsqlflow`.
    PREFIX = "RSQLFLOW_PREFIX";
    /// Table of workflow items. Default `<prefix>-config-table`.
    CONFIG_TABLE = "RSQLFLOW_CONFIG_TABLE";
    /// Table of runs and locks. Default `<prefix>-workflow-audit-table`.
    WORKFLOW_AUDIT_TABLE = "RSQLFLOW_WORKFLOW_AUDIT_TABLE";
    /// Table of jobs and plan snapshots. Default `<prefix>-job-audit-table`.
    JOB_AUDIT_TABLE = "RSQLFLOW_JOB_AUDIT_TABLE";
    /// How long audit rows are kept (TTL of the tables), as `"90d"`. Default: for ever.
    AUDIT_RETENTION = "RSQLFLOW_AUDIT_RETENTION";
    /// CloudWatch log group of the scripts' output. Default `/ops/rsql-logs/`.
    LOG_GROUP = "RSQLFLOW_LOG_GROUP";
    /// SSM document that starts the agent. Default `<prefix>-run-job`.
    SSM_DOCUMENT = "RSQLFLOW_SSM_DOCUMENT";
    /// SNS topic for workflows that name none. Default: nobody is told.
    TOPIC_ARN = "RSQLFLOW_TOPIC_ARN";

    /// Function that starts workflows. Default `<prefix>-workflow-trigger`.
    WORKFLOW_TRIGGER_FUNCTION = "RSQLFLOW_WORKFLOW_TRIGGER_FUNCTION";
    /// Function that names the next chunk. Default `<prefix>-master-iterator`.
    MASTER_ITERATOR_FUNCTION = "RSQLFLOW_MASTER_ITERATOR_FUNCTION";
    /// Function that hands out a sequential chunk. Default `<prefix>-sequential-iterator`.
    SEQUENTIAL_ITERATOR_FUNCTION = "RSQLFLOW_SEQUENTIAL_ITERATOR_FUNCTION";
    /// Function that judges a parallel chunk. Default `<prefix>-parallel-load-check`.
    PARALLEL_LOAD_CHECK_FUNCTION = "RSQLFLOW_PARALLEL_LOAD_CHECK_FUNCTION";
    /// Function that sends a job to an instance. Default `<prefix>-rsql-invoke`.
    RSQL_INVOKE_FUNCTION = "RSQLFLOW_RSQL_INVOKE_FUNCTION";
    /// Function that closes a run. Default `<prefix>-update-audit`.
    UPDATE_AUDIT_FUNCTION = "RSQLFLOW_UPDATE_AUDIT_FUNCTION";
    /// Function that keeps statements, and closes runs whose end nobody told. Default `<prefix>-clock`.
    CLOCK_FUNCTION = "RSQLFLOW_CLOCK_FUNCTION";

    /// State machine of a workflow. Default `<prefix>-master`.
    MASTER_MACHINE = "RSQLFLOW_MASTER_MACHINE";
    /// Its ARN.
    MASTER_MACHINE_ARN = "RSQLFLOW_MASTER_MACHINE_ARN";
    /// State machine of a sequential chunk. Default `<prefix>-sequential`.
    SEQUENTIAL_MACHINE = "RSQLFLOW_SEQUENTIAL_MACHINE";
    /// Its ARN.
    SEQUENTIAL_MACHINE_ARN = "RSQLFLOW_SEQUENTIAL_MACHINE_ARN";
    /// State machine of a parallel chunk. Default `<prefix>-parallel`.
    PARALLEL_MACHINE = "RSQLFLOW_PARALLEL_MACHINE";
    /// Its ARN.
    PARALLEL_MACHINE_ARN = "RSQLFLOW_PARALLEL_MACHINE_ARN";

    /// Timeout of the functions, at most 15 min. Default 20 s.
    LAMBDA_TIMEOUT = "RSQLFLOW_LAMBDA_TIMEOUT";
    /// Least time that SSM is given to deliver a command; AWS takes 30 s to 30 d. Default 30 s.
    SSM_DELIVERY = "RSQLFLOW_SSM_DELIVERY";
    /// Longest time from delivery to the agent's first heartbeat. Default 5 s.
    AGENT_START = "RSQLFLOW_AGENT_START";
    /// How long a job may queue on a full instance. Default 24 h.
    QUEUEING = "RSQLFLOW_QUEUEING";

    /// Secrets Manager id for jobs that name none. Default: such jobs get no credentials.
    DEFAULT_SECRET = "RSQLFLOW_DEFAULT_SECRET";
    /// Target for jobs that name none, as JSON: `{"tags":{"Role":"etl"}}`. Default: each job must say.
    DEFAULT_TARGET = "RSQLFLOW_DEFAULT_TARGET";
    /// Where SQL runs, by name, as JSON: `{"night":{"workgroup":"etl","database":"dev","secret":"…"}}`. Default: nowhere.
    WAREHOUSES = "RSQLFLOW_WAREHOUSES";
    /// Heartbeat for jobs that name none. Default 3 min.
    DEFAULT_HEARTBEAT = "RSQLFLOW_DEFAULT_HEARTBEAT";
    /// Timeout of a try for jobs that name none. Default 24 h.
    DEFAULT_TIMEOUT = "RSQLFLOW_DEFAULT_TIMEOUT";
}

variables! {
    SCRIPT: "Variables that the agent gives to a script, beside its credentials and its own.";

    /// The workflow's name.
    WORKFLOW_ID = "RSQLFLOW_WORKFLOW_ID";
    /// The run.
    WORKFLOW_EXECUTION_ID = "RSQLFLOW_WORKFLOW_EXECUTION_ID";
    /// The job's place, as `0003#00017`.
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
    OPERATOR: "Variables of the command line, beside those of the deployment.";

    /// Directory of the embedded endpoint, for commands that name no other place. Default `.rsqlflow`.
    STATE_DIR = "RSQLFLOW_STATE_DIR";
    /// The agent's program, for an embedded endpoint. Default `rsqlflow-agent` beside `rsqlflow`.
    AGENT = "RSQLFLOW_AGENT";
    /// Who acts, as audited by `mark`. Default: the caller's ARN on AWS, user and host elsewhere.
    OPERATOR_NAME = "RSQLFLOW_OPERATOR";
    /// Address of an endpoint that answers as AWS does.
    AWS_ENDPOINT_URL = "AWS_ENDPOINT_URL";
    /// Profile of `~/.aws/config` to work with.
    AWS_PROFILE = "AWS_PROFILE";
    /// Region to work in.
    AWS_REGION = "AWS_REGION";
    /// Region to work in, where `AWS_REGION` is not set.
    AWS_DEFAULT_REGION = "AWS_DEFAULT_REGION";
    /// Set to anything: no colours.
    NO_COLOR = "NO_COLOR";
}

/// Which `rsql` scripts get: one of [`RSQL_CLIENTS`]. Read by the agent, where it wins over the file, and by the
/// embedded endpoint, which tells its agents `bundled` unless this says otherwise.
pub const RSQL_CLIENT: &str = "RSQLFLOW_RSQL_CLIENT";

/// `auto`: the one on the `PATH`, such as Amazon's, and the agent's own where there is none. `bundled`: the agent's
/// own. `system`: the one on the `PATH`.
pub const RSQL_CLIENTS: [&str; 3] = ["auto", "bundled", "system"];

/// Settings of the agent's file, `agent.toml`, that a deployment may write. An agent refuses fields that it does not
/// know, and an instance may keep an older agent, so a deployment writes those that came later only where they are set.
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
