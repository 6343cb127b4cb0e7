//! What every handler needs.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use rsqlflow_core::plan::Plan;
use rsqlflow_core::{Deployment, ExecutionId, Problems, Timestamp, Timing, env};
use rsqlflow_store::Store;

use crate::HandlerError;
use crate::permitted::OnlyPermitted;

/// Clients and settings, made once a process and kept over its invocations. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Context {
    /// The tables.
    pub store: Store,
    /// Step Functions.
    pub sfn: aws_sdk_sfn::Client,
    /// Systems Manager.
    pub ssm: aws_sdk_ssm::Client,
    /// The Redshift Data API. It repeats no call by itself.
    pub redshift: aws_sdk_redshiftdata::Client,
    /// The output of statements.
    pub logs: aws_sdk_cloudwatchlogs::Client,
    /// Notifications.
    pub sns: aws_sdk_sns::Client,
    /// Names, times and defaults.
    pub deployment: Arc<Deployment>,
    /// The plans of the last runs, the newest first.
    plans: Arc<Mutex<Plans>>,
}

type Plans = Vec<(ExecutionId, Arc<Plan>)>;

/// How many plans are kept. More runs than this at the same time in one process parse their plans again.
const CACHED_PLANS: usize = 8;

/// A function that cannot start.
#[derive(Debug, thiserror::Error)]
#[error("the environment is not valid:\n{0}")]
pub struct StartError(#[from] Problems);

impl Context {
    /// Over an AWS configuration and a deployment, whose machines must have their ARNs.
    #[must_use]
    pub fn new(sdk: &SdkConfig, deployment: Deployment) -> Self {
        let deployment = Arc::new(deployment);
        let checked = cfg!(debug_assertions).then(|| OnlyPermitted(deployment.clone()));
        /// A client, which in debug builds checks its calls.
        macro_rules! client {
            ($service:ident) => {{
                let mut config = $service::config::Builder::from(sdk);
                if let Some(checked) = checked.clone() {
                    config = config.interceptor(checked);
                }
                $service::Client::from_conf(config.build())
            }};
        }
        // A sending waits for the end of its statement, for up to half of the launcher's time.
        let whole = deployment.timing.lambda_timeout;
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(2).min(whole / 4))
            // Those of other clients are shorter, and would hold here too.
            .disable_operation_attempt_timeout()
            .operation_timeout(whole * 3 / 4)
            .build();
        let mut redshift = aws_sdk_redshiftdata::config::Builder::from(sdk)
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts);
        if let Some(checked) = checked.clone() {
            redshift = redshift.interceptor(checked);
        }
        Self {
            redshift: aws_sdk_redshiftdata::Client::from_conf(redshift.build()),
            logs: client!(aws_sdk_cloudwatchlogs),
            store: Store::new(client!(aws_sdk_dynamodb), deployment.tables.clone()),
            sfn: client!(aws_sdk_sfn),
            ssm: client!(aws_sdk_ssm),
            sns: client!(aws_sdk_sns),
            deployment,
            plans: Arc::default(),
        }
    }

    /// From the environment of a Lambda function. Calls are given up before the function itself is: an error
    /// with a name says more than a sandbox that timed out.
    ///
    /// # Errors
    /// Every problem of the environment.
    pub async fn from_env() -> Result<Self, StartError> {
        let get = |name: &str| std::env::var(name).ok();
        let deployment = Deployment::read(times(get(env::AWS_ENDPOINT_URL).as_deref()), get)?;
        let whole = deployment.timing.lambda_timeout;
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(2).min(whole / 4))
            .operation_attempt_timeout(whole / 4)
            .operation_timeout(whole / 2)
            .build();
        let sdk = aws_config::from_env().timeout_config(timeouts).load().await;
        Ok(Self::new(&sdk, deployment))
    }

    /// The plan of a run, from its snapshot. It is parsed once and shared by all later calls: a plan never changes.
    pub(crate) async fn plan(&self, id: &ExecutionId) -> Result<Arc<Plan>, HandlerError> {
        let find = |plans: &Plans| plans.iter().find(|(run, _)| run == id).map(|(_, plan)| plan.clone());
        if let Some(plan) = self.plans.lock().ok().as_deref().and_then(find) {
            return Ok(plan);
        }
        let corrupt = |reason: String| HandlerError::CorruptPlan { execution: id.clone(), reason };
        let snapshot = self.store.jobs().get_snapshot(id).await?;
        let snapshot = snapshot.ok_or_else(|| corrupt("there is none".to_owned()))?;
        let plan = Plan::from_snapshot(&snapshot).map_err(|problems| corrupt(problems.to_string()))?;
        let plan = Arc::new(plan);
        if let Ok(mut plans) = self.plans.lock() {
            plans.truncate(CACHED_PLANS - 1);
            plans.insert(0, (id.clone(), plan.clone()));
        }
        Ok(plan)
    }

    /// When an audit row of now may expire, in seconds since 1970.
    pub(crate) fn expires_at(&self, now: Timestamp) -> Option<i64> {
        let kept = self.deployment.audit_retention?;
        Some(now.as_millis() / 1_000 + i64::from(kept.get()))
    }
}

/// The times of the deployment that this address stands for. On loopback there is only the embedded endpoint.
fn times(endpoint: Option<&str>) -> Timing {
    match endpoint {
        Some(url) if url.starts_with("http://127.0.0.1:") => Timing::single_machine(),
        _ => Timing::default(),
    }
}

/// The clock. Every decision that depends on it allows for clocks that differ.
pub(crate) fn now() -> Timestamp {
    jiff::Timestamp::now().into()
}
