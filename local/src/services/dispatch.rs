//! Finds the service of a request.

use axum::http::{HeaderMap, Method, Uri};

use crate::Credentials;
use crate::http::{AwsError, Form, Reply};
use crate::services::dynamodb::DynamoDb;
use crate::services::lambda::{self, Lambda};
use crate::services::logs::Logs;
use crate::services::redshift_data::RedshiftData;
use crate::services::secrets::Secrets;
use crate::services::sns::{self, Sns};
use crate::services::ssm::Ssm;
use crate::services::stepfunctions::StepFunctions;
use crate::services::sts;

/// All services of one endpoint.
#[derive(Debug)]
pub(crate) struct Services {
    /// With which requests must be signed; `None` takes every request.
    pub(crate) keys: Option<Credentials>,
    pub(crate) dynamodb: DynamoDb,
    pub(crate) lambda: Lambda,
    pub(crate) logs: Logs,
    pub(crate) redshift_data: RedshiftData,
    pub(crate) secrets: Secrets,
    pub(crate) sns: Sns,
    pub(crate) ssm: Ssm,
    pub(crate) step_functions: StepFunctions,
}

impl Services {
    /// A request of the REST protocols, whose path names the operation.
    pub(crate) async fn rest(
        &self,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        body: &[u8],
        request_id: &str,
    ) -> Result<Reply, AwsError> {
        if lambda::is_path(uri.path()) {
            return self.lambda.rest(method, uri, headers, body, request_id).await;
        }
        Err(AwsError::not_implemented(format_args!("{method} {}", uri.path())))
    }

    /// A request of the JSON protocols. `target` is `<service>.<operation>`. SDKs give each call an `invocation` id, which
    /// all its tries share.
    pub(crate) async fn json(
        &self,
        target: &str,
        body: &[u8],
        content_type: &'static str,
        invocation: Option<&str>,
    ) -> Result<Reply, AwsError> {
        let Some((service, operation)) = target.rsplit_once('.') else {
            return Err(AwsError::not_implemented(format_args!("X-Amz-Target {target}")));
        };
        let answer = match service {
            "DynamoDB_20120810" | "DynamoDBStreams_20120810" => {
                return self.dynamodb.call(operation, body, content_type).await;
            }
            "AWSStepFunctions" => self.step_functions.call(operation, body).await,
            "AmazonSSM" => self.ssm.call(operation, body).await,
            "Logs_20140328" => self.logs.call(operation, body, invocation).await,
            "RedshiftData" => self.redshift_data.call(operation, body).await,
            "secretsmanager" => self.secrets.call(operation, body).await,
            _ => return Err(AwsError::unknown_operation(service, operation)),
        };
        Ok(Reply::json(content_type, answer?))
    }

    /// A request of the query protocol.
    pub(crate) async fn query(&self, form: &Form, request_id: &str) -> Result<String, AwsError> {
        let action = form.get("Action").ok_or_else(|| {
            AwsError::client("MissingAction", "the request has neither X-Amz-Target nor Action")
        })?;
        match form.get("Version") {
            Some(sns::VERSION) => self.sns.call(action, form, request_id).await,
            Some(sts::VERSION) => sts::call(action, form, request_id),
            version => {
                let service = format!("the service with version {}", version.unwrap_or("(none)"));
                Err(AwsError::unknown_operation(&service, action))
            }
        }
    }

    /// Stops invoking functions for queued events, and cancels running statements.
    pub(crate) fn stop(&self) {
        self.lambda.stop();
        self.redshift_data.stop();
    }

    /// Closes the databases.
    pub(crate) async fn close(&self) {
        self.dynamodb.close().await;
        // Statements that end now leave their events in Lambda's queue.
        self.redshift_data.close().await;
        self.lambda.close().await;
        self.logs.close().await;
        self.secrets.close().await;
        self.sns.close().await;
        self.ssm.close_file().await;
        self.step_functions.close().await;
    }
}
