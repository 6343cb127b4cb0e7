//! Every environment variable that the agent reads. An empty one counts as unset.
//!
//! Beside these, the AWS SDK reads its own: `AWS_ENDPOINT_URL`, `AWS_REGION`, credentials (AWS SDKs and tools
//! reference guide). The deployment's variables are in [`rsqlflow_core::env`]; of those, the agent reads the
//! prefix, the tables, the log group, the default secret, and the times of a lease.

/// Path of the configuration file. `--config` wins over it.
pub const CONFIG: &str = "RSQLFLOW_AGENT_CONFIG";

/// What to call this instance in the audit table. Wins over `instance_id` in the file.
pub const INSTANCE_ID: &str = "RSQLFLOW_INSTANCE_ID";

/// Which `rsql` scripts get. Wins over `rsql_client` in the file.
pub use rsqlflow_core::env::RSQL_CLIENT;

/// The endpoint of all AWS services. Wins over `endpoint_url` in the file.
pub const ENDPOINT_URL: &str = "AWS_ENDPOINT_URL";

/// The region. Wins over `region` in the file.
pub const REGION: &str = "AWS_REGION";

/// The instance, as the SSM agent tells every command (Systems Manager user guide, "Using environment variables
/// in Run Command"). Used where nothing else names it.
pub const SSM_INSTANCE_ID: &str = "AWS_SSM_INSTANCE_ID";

/// The region, as the SSM agent tells every command. Used where nothing else names it.
pub const SSM_REGION: &str = "AWS_SSM_REGION_NAME";
