//! The environment variables of the agent. An empty variable counts as unset.
//!
//! The AWS SDK reads its own variables: `AWS_ENDPOINT_URL`, `AWS_REGION`, credentials (AWS SDKs and tools reference guide).
//! The deployment's variables are in [`rsqlflow_core::env`]. Of those, the agent reads the prefix, the tables, the log
//! group, the default secret, and the times of a lease.

/// Path of the settings file. `--config` takes precedence.
pub const CONFIG: &str = "RSQLFLOW_AGENT_CONFIG";

/// Id of this instance in the audit table. Takes precedence over `instance_id` in the file.
pub const INSTANCE_ID: &str = "RSQLFLOW_INSTANCE_ID";

/// The `rsql` for scripts. Takes precedence over `rsql_client` in the file.
pub use rsqlflow_core::env::RSQL_CLIENT;

/// The endpoint of all AWS services. Takes precedence over `endpoint_url` in the file.
pub const ENDPOINT_URL: &str = "AWS_ENDPOINT_URL";

/// The region. Takes precedence over `region` in the file.
pub const REGION: &str = "AWS_REGION";

/// Id of the instance, which the SSM agent sets for every command (Systems Manager user guide, "Using environment
/// variables in Run Command"). Used if nothing else sets it.
pub const SSM_INSTANCE_ID: &str = "AWS_SSM_INSTANCE_ID";

/// The region, which the SSM agent sets for every command. Used if nothing else sets it.
pub const SSM_REGION: &str = "AWS_SSM_REGION_NAME";
