//! Starts and stops an endpoint.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use aws_config::SdkConfig;
use rsqlflow_core::{Deployment, EXPIRY, Function, Table};
use rsqlflow_store::Store;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::endpoint::functions::{self, Functions};
use crate::endpoint::{agents, clock, deployment};
use crate::http::{AwsError, Server, Within, serve};
use crate::services::dynamodb::DynamoDb;
use crate::services::logs::Logs;
use crate::services::redshift_data::{self, RedshiftData};
use crate::services::secrets::Secrets;
use crate::services::sns::{Published, Sns};
use crate::services::ssm::{Document, Launcher, Ssm};
use crate::services::stepfunctions::StepFunctions;
use crate::services::{Services, lambda, ssm};
use crate::storage::StateDir;
use crate::{Credentials, LocalError, Options, sdk};

/// Maximum delay of the shutdown by commands that are being delivered.
const LAST_COMMANDS: Duration = Duration::from_secs(2);

/// A running endpoint.
///
/// If it is dropped without [`Endpoint::shutdown`], its tasks end with the runtime.
#[derive(Debug)]
pub struct Endpoint {
    url: String,
    sdk: SdkConfig,
    deployment: Deployment,
    services: Arc<Services>,
    within: Within,
    server: Server,
    state: StateDir,
    /// Invokes the function `clock`; not while the endpoint is only looked at.
    clock: Option<JoinHandle<()>>,
    keys: Credentials,
}

impl Endpoint {
    /// Starts an endpoint on the current Tokio runtime: locks the state directory, opens the port, creates the resources of
    /// the deployment, and then answers requests.
    ///
    /// # Errors
    /// [`LocalError`]: another endpoint uses the state directory, the port is taken, a directory or file cannot be used, or
    /// the interpreter rejects a state machine.
    pub async fn start(options: Options) -> Result<Self, LocalError> {
        Self::start_with(options, Functions::Here).await
    }

    /// As [`Self::start`], with the functions elsewhere.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub async fn start_with(options: Options, functions: Functions) -> Result<Self, LocalError> {
        // Who runs the functions elsewhere decides when the clock comes.
        let invokes_clock = !options.paused && matches!(functions, Functions::Here);
        let state = match options.paused {
            true => StateDir::lock(&options.state_dir)?,
            false => StateDir::lock_soon(&options.state_dir).await?,
        };
        let listener = listen(options.port).await?;
        let address =
            listener.local_addr().map_err(|source| LocalError::Listen { port: options.port, source })?;
        let url = format!("http://{address}");
        let within = Within::default();
        let keys = Credentials::of(state.path())?;
        let sdk = sdk::config(&url, &keys, within.clone());
        let deployment = deployment::localised(&options.deployment, &options.warehouses);
        let services = Arc::new(services(&options, &deployment, &state, &url, &sdk, &functions, &keys)?);
        let left = match options.paused {
            true => None,
            // Before the first request, so that answers find their execution and new executions are not among these.
            false => Some(Left::read(&services).await?),
        };
        within.open(&services);
        let server = serve(listener, Arc::clone(&services));
        let mut endpoint = Self { url, sdk, deployment, services, within, server, state, keys, clock: None };
        match Box::pin(endpoint.bring_up(left)).await {
            Ok(()) => {
                endpoint.clock = invokes_clock.then(|| {
                    let function = Function::Clock.name_in(&endpoint.deployment).to_owned();
                    clock::start(endpoint.services.lambda.clone(), function)
                });
                Ok(endpoint)
            }
            Err(error) => {
                endpoint.shutdown().await;
                Err(error)
            }
        }
    }

    /// What clients use as `AWS_ENDPOINT_URL`, such as `http://127.0.0.1:45678`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A configuration for SDK clients of this process: this endpoint, its keys, its region. Their requests
    /// need no connection; other processes use [`Self::url`].
    #[must_use]
    pub fn sdk_config(&self) -> SdkConfig {
        self.sdk.clone()
    }

    /// The deployment, with local ARNs of its state machines.
    #[must_use]
    pub fn deployment(&self) -> &Deployment {
        &self.deployment
    }

    /// The keys with which requests must be signed.
    #[must_use]
    pub fn credentials(&self) -> &Credentials {
        &self.keys
    }

    /// Where the state is, as an absolute path.
    #[must_use]
    pub fn state_dir(&self) -> &std::path::Path {
        self.state.path()
    }

    /// The messages that were published to an SNS topic, oldest first. Empty for an unknown topic.
    pub async fn published(&self, topic_arn: &str) -> Vec<Published> {
        self.services.sns.published(topic_arn).await.unwrap_or_default()
    }

    /// Stops the endpoint: accepts no more requests, waits for running ones for a limited time, closes its files, and
    /// releases the state directory.
    ///
    /// Executions keep their state, and continue when an endpoint is started on the directory again. Agents are not
    /// stopped: as on AWS, they are separate processes. Without the endpoint they cannot renew their leases, so they stop
    /// their scripts before the leases expire, and keep their results in their spools.
    pub async fn shutdown(self) {
        if let Some(clock) = &self.clock {
            clock.abort();
        }
        self.services.step_functions.stop();
        // Before the port is closed: calls that failed because of that would count as tries.
        self.services.stop();
        self.services.ssm.close(LAST_COMMANDS).await;
        self.server.stop(self.within.close()).await;
        self.services.close().await;
        drop(self.state);
    }

    async fn bring_up(&self, left: Option<Left>) -> Result<(), LocalError> {
        self.create_resources().await?;
        if let Some(left) = left {
            self.services.dynamodb.delete_expired();
            self.services.step_functions.open();
            self.services.lambda.resume(left.events);
            self.services.ssm.resume(left.commands);
            self.services.redshift_data.resume(left.statements);
        }
        Ok(())
    }

    async fn create_resources(&self) -> Result<(), LocalError> {
        let store = Store::new(aws_sdk_dynamodb::Client::new(&self.sdk), self.deployment.tables.clone());
        store.create_tables().await.map_err(LocalError::Tables)?;
        let failed = |what: String| move |e: AwsError| LocalError::Resource { what, reason: e.message };
        for table in Table::ALL.into_iter().filter(|table| table.shape().expires) {
            let name = self.deployment.tables.name(table);
            let expiry = self.services.dynamodb.expire_by(name, EXPIRY).await;
            expiry.map_err(failed(format!("the expiry of table {name}")))?;
        }
        let group = &self.deployment.log_group;
        self.services.logs.ensure_group(group).await.map_err(failed(format!("log group {group}")))?;
        functions::create_machines(&self.services.step_functions, &self.deployment).await?;
        if let Some(name) = self.deployment.topic_arn.as_deref().and_then(|arn| arn.rsplit(':').next()) {
            self.services.sns.ensure_topic(name).await.map_err(failed(format!("topic {name}")))?;
        }
        Ok(())
    }
}

/// Work that an earlier process left unfinished, except executions.
struct Left {
    events: lambda::Left,
    commands: ssm::Left,
    statements: redshift_data::Left,
}

impl Left {
    async fn read(services: &Services) -> Result<Self, LocalError> {
        let read = async {
            services.step_functions.load_unfinished().await?;
            Ok(Self {
                events: services.lambda.left().await?,
                commands: services.ssm.left().await?,
                statements: services.redshift_data.left().await?,
            })
        };
        read.await.map_err(|e: AwsError| LocalError::Unfinished { reason: e.message })
    }
}

async fn listen(port: u16) -> Result<TcpListener, LocalError> {
    // Requests are not encrypted, so none may leave this machine.
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(|source| match source.kind() {
        std::io::ErrorKind::AddrInUse => LocalError::PortTaken { port },
        _ => LocalError::Listen { port, source },
    })
}

fn services(
    options: &Options,
    deployment: &Deployment,
    state: &StateDir,
    url: &str,
    sdk: &SdkConfig,
    place: &Functions,
    keys: &Credentials,
) -> Result<Services, LocalError> {
    let dir = state.path();
    let agent = agents::absolute(&options.agent_binary)?;
    let launcher = Launcher { agent, endpoint_url: url.to_owned(), keys: keys.clone() };
    let instances = agents::instances(options, deployment, state, url)?;
    let lambda = functions::functions(dir, sdk, deployment, place)?;
    let step_functions = StepFunctions::new(dir, lambda.clone(), functions::on_end(deployment))?;
    let secrets = Secrets::open(dir)?;
    let statements = redshift_data::Settings {
        warehouses: options.warehouses.clone(),
        s3_root: state.folder("s3")?,
        on_end: (!options.drop_statement_events).then(|| functions::on_statement_end(deployment)),
    };
    let documents = vec![Document::run_job(&deployment.ssm_document)];
    Ok(Services {
        keys: options.authenticate.then(|| keys.clone()),
        dynamodb: DynamoDb::open(dir)?,
        redshift_data: RedshiftData::open(dir, statements, secrets.clone(), lambda.clone())?,
        lambda,
        logs: Logs::open(dir)?,
        secrets,
        sns: Sns::open(dir)?,
        ssm: Ssm::open(dir, instances, documents, launcher, deployment.timing.ssm_delivery)?,
        step_functions,
    })
}
