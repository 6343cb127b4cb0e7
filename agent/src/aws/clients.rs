//! Configuration of the clients.

use std::ffi::OsString;
use std::sync::OnceLock;
use std::time::Duration;

use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::config::SharedCredentialsProvider;

use crate::config::AgentConfig;

/// The clients. They share credentials and one HTTP client, which keeps a connection to each service.
#[derive(Debug)]
pub struct Clients {
    sdk: SdkConfig,
    dynamodb: OnceLock<aws_sdk_dynamodb::Client>,
    sfn: OnceLock<aws_sdk_sfn::Client>,
    logs: OnceLock<aws_sdk_cloudwatchlogs::Client>,
    secrets: OnceLock<aws_sdk_secretsmanager::Client>,
}

/// Timeout of one try of a call, and of a call with the SDK's three tries. Callers may set a shorter timeout.
const TRY: Duration = Duration::from_secs(10);
const CALL: Duration = Duration::from_secs(25);

impl Clients {
    /// Finds region and endpoint. Credentials are loaded when they are first needed.
    pub async fn load(config: &AgentConfig) -> Self {
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .retry_config(RetryConfig::standard().with_max_attempts(3))
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(Duration::from_secs(5))
                    .operation_attempt_timeout(TRY)
                    .operation_timeout(CALL)
                    .build(),
            )
            // Every call has a timeout and a small body, so stalled streams need no detection.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
        if let Ok(name) = AppName::new("rsqlflow-agent") {
            loader = loader.app_name(name);
        }
        if has_keys(|name| std::env::var_os(name)) {
            // First in the SDK's chain of providers ("Credential providers", SDK for Rust developer guide). The others do not have
            // to be set up then.
            loader = loader.credentials_provider(EnvironmentVariableCredentialsProvider::new());
        }
        if let Some(region) = &config.region {
            loader = loader.region(Region::new(region.clone()));
        }
        if let Some(url) = &config.endpoint_url {
            loader = loader.endpoint_url(url);
            if url.starts_with("http://") {
                // Reading the root certificates takes most of the start time. A connection without TLS does not need them.
                loader = loader.http_client(aws_smithy_http_client::Builder::new().build_http());
            }
        }
        Self {
            sdk: loader.load().await,
            dynamodb: OnceLock::new(),
            sfn: OnceLock::new(),
            logs: OnceLock::new(),
            secrets: OnceLock::new(),
        }
    }

    /// The region, if it is known.
    #[must_use]
    pub fn region(&self) -> Option<&Region> {
        self.sdk.region()
    }

    /// The provider of the credentials.
    #[must_use]
    pub fn credentials(&self) -> Option<SharedCredentialsProvider> {
        self.sdk.credentials_provider()
    }

    /// DynamoDB.
    pub fn dynamodb(&self) -> &aws_sdk_dynamodb::Client {
        self.dynamodb.get_or_init(|| aws_sdk_dynamodb::Client::new(&self.sdk))
    }

    /// Step Functions.
    pub fn sfn(&self) -> &aws_sdk_sfn::Client {
        self.sfn.get_or_init(|| aws_sdk_sfn::Client::new(&self.sdk))
    }

    /// CloudWatch Logs.
    pub fn logs(&self) -> &aws_sdk_cloudwatchlogs::Client {
        self.logs.get_or_init(|| {
            // The SDK retries: a batch whose answer was lost is then sent with the same invocation id, so that the receiver can
            // detect the repetition.
            let patient = RetryConfig::standard().with_max_attempts(6);
            let config = aws_sdk_cloudwatchlogs::config::Builder::from(&self.sdk).retry_config(patient);
            aws_sdk_cloudwatchlogs::Client::from_conf(config.build())
        })
    }

    /// Secrets Manager.
    pub fn secrets(&self) -> &aws_sdk_secretsmanager::Client {
        self.secrets.get_or_init(|| aws_sdk_secretsmanager::Client::new(&self.sdk))
    }
}

/// Whether the environment has credentials.
fn has_keys(variable: impl Fn(&str) -> Option<OsString>) -> bool {
    ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]
        .iter()
        // As in the SDK's provider: a blank variable counts as not set.
        .all(|name| variable(name).is_some_and(|value| !value.to_string_lossy().trim().is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_pair_of_keys_is_none() {
        let with = |set: &'static [(&str, &str)]| {
            has_keys(|name| set.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into()))
        };
        assert!(with(&[("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b")]));
        assert!(!with(&[("AWS_ACCESS_KEY_ID", "a")]));
        assert!(!with(&[("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", " ")]));
    }
}
