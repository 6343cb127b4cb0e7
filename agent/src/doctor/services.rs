//! Checks of AWS. Each service is called with a key that cannot exist, so that its answer shows whether the role has
//! permission, and nothing changes.

use std::time::Duration;

use aws_sdk_cloudwatchlogs::types::InputLogEvent;
use aws_sdk_dynamodb::config::ProvideCredentials;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::types::AttributeValue;
use rsqlflow_core::TaskToken;
use rsqlflow_store::{ErrorClass, causes};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::clock::Seen;
use crate::aws::tokens::TokenStatus;
use crate::aws::{Backoff, Clients, Tokens, secrets};
use crate::clock::wall_clock;
use crate::config::AgentConfig;
use crate::process::DatabaseSecret;
use rsqlflow_core::check::Check;

/// The result for a log group that answered as expected.
const LINES: &str =
    "accepts lines (logs:PutLogEvents); logs:CreateLogStream, which each job also needs, was not tested";

/// A key that no row, stream or token has.
const NOBODY: &str = "rsqlflow-agent-doctor";

/// Timeout of one call, including retries.
const PATIENCE: Duration = Duration::from_secs(12);

/// Redshift's default port (Redshift management guide).
const REDSHIFT_PORT: u16 = 5439;

/// The checks of AWS. Without region or credentials, the others are skipped.
pub(super) async fn all(config: &AgentConfig, file: &std::path::Path) -> Vec<Check> {
    let clients = Clients::load(config).await;
    let place = config.endpoint_url.as_deref().map(|url| format!(" at {url}")).unwrap_or_default();
    let Some(region) = clients.region() else {
        let hint = format!("set `region = \"…\"` in {}, or set AWS_REGION", file.display());
        return vec![Check::failed("region", "not known", hint)];
    };
    let mut checks = vec![Check::ok("region", format!("{region}{place}"))];
    let (credentials, are_there) = credentials(&clients).await;
    checks.push(credentials);
    if !are_there {
        return checks;
    }
    let seen = Seen::default();
    let (row, update, tokens, logs, secret) = tokio::join!(
        Box::pin(read_row(config, &clients, &seen)),
        Box::pin(update_row(config, &clients)),
        Box::pin(heartbeat(&clients)),
        Box::pin(put_log(config, &clients)),
        Box::pin(secret(config, &clients)),
    );
    checks.extend(seen.check());
    checks.extend([row, update, tokens, logs]);
    checks.extend(secret);
    checks
}

async fn credentials(clients: &Clients) -> (Check, bool) {
    let name = "credentials";
    let hint = "attach the deployment's instance profile to the instance; outside EC2, set AWS_PROFILE or AWS_ACCESS_KEY_ID";
    let Some(provider) = clients.credentials() else { return (Check::failed(name, "none", hint), false) };
    match timeout(PATIENCE, provider.provide_credentials()).await {
        Ok(Ok(found)) => {
            let until = found.expiry().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
            let until = until.and_then(|time| i64::try_from(time.as_millis()).ok());
            let until = until.map(|time| format!(", until {}", rsqlflow_core::Timestamp::from_millis(time)));
            (Check::ok(name, format!("found{}", until.unwrap_or_default())), true)
        }
        Ok(Err(error)) => (Check::failed(name, format!("none: {}", causes(&error)), hint), false),
        Err(_) => (
            Check::failed(name, "timeout: the metadata service of the instance does not answer", hint),
            false,
        ),
    }
}

/// Whether a call was allowed.
enum Answer {
    /// Allowed: the key does not exist, as expected.
    Allowed,
    /// Denied, missing table, no answer, and so on.
    Not { code: Option<String>, reason: String },
}

/// Classifies an answer. `expected` are the error codes of a call that was allowed.
fn sort<T, E, R>(
    answer: Result<Result<T, SdkError<E, R>>, tokio::time::error::Elapsed>,
    expected: &[&str],
) -> Answer
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
    R: std::fmt::Debug + 'static,
{
    let error = match answer {
        Ok(Ok(_)) => return Answer::Allowed,
        Err(_) => return Answer::Not { code: None, reason: "timeout: no answer".to_owned() },
        Ok(Err(error)) => error,
    };
    let service = error.as_service_error();
    match service.and_then(ProvideErrorMetadata::code) {
        Some(code) if expected.contains(&code) => Answer::Allowed,
        Some(code) => {
            let message = service.and_then(ProvideErrorMetadata::message).unwrap_or_default();
            Answer::Not { code: Some(code.to_owned()), reason: format!("{code}: {message}") }
        }
        None => Answer::Not { code: None, reason: causes(&error) },
    }
}

/// The hint for an error code.
fn hint(code: Option<&str>, action: &str) -> String {
    let Some(code) = code else {
        return "check the network: a route to the internet, or a VPC endpoint of the service whose security group allows this instance"
            .to_owned();
    };
    match ErrorClass::of(Some(code), None) {
        ErrorClass::Denied => {
            format!("allow {action} for the instance's role, as the deployment's policy of the agent does")
        }
        ErrorClass::Credentials => "renew the credentials, and check the clock".to_owned(),
        _ if code == "ResourceNotFoundException" => {
            "check region, prefix and names in the settings, or deploy".to_owned()
        }
        _ => "see the message".to_owned(),
    }
}

fn judge(name: String, answer: Answer, fine: &str, action: &str) -> Check {
    match answer {
        Answer::Allowed => Check::ok(name, fine),
        Answer::Not { code, reason } => Check::failed(name, reason, hint(code.as_deref(), action)),
    }
}

async fn read_row(config: &AgentConfig, clients: &Clients, seen: &Seen) -> Check {
    let table = &config.tables.job_audit;
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let call = clients
        .dynamodb()
        .get_item()
        .table_name(table)
        .key("workflow_execution_id", text(NOBODY))
        .key("job_id", text(NOBODY))
        .customize()
        .interceptor(seen.clone())
        .send();
    judge(
        format!("table {table}"),
        sort(timeout(PATIENCE, call).await, &[]),
        "can be read",
        "dynamodb:GetItem",
    )
}

/// The condition is false for every item, so nothing is written.
async fn update_row(config: &AgentConfig, clients: &Clients) -> Check {
    let table = &config.tables.job_audit;
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let call = clients
        .dynamodb()
        .update_item()
        .table_name(table)
        .key("workflow_execution_id", text(NOBODY))
        .key("job_id", text(NOBODY))
        .update_expression("SET error_message = :never")
        .condition_expression("workflow_execution_id = :never")
        .expression_attribute_values(":never", text("never"))
        .send();
    let answer = sort(timeout(PATIENCE, call).await, &["ConditionalCheckFailedException"]);
    judge(format!("table {table}"), answer, "can be written", "dynamodb:UpdateItem")
}

async fn heartbeat(clients: &Clients) -> Check {
    let name = "task tokens";
    let tokens = Tokens::new(clients.sfn().clone());
    match tokens.heartbeat(&TaskToken::new(NOBODY), PATIENCE).await {
        Ok(TokenStatus::Refused) => Check::ok(name, "Step Functions answers, and refuses an invalid token"),
        Ok(TokenStatus::Accepted) => {
            Check::warning(name, "Step Functions accepts an invalid token", "check endpoint_url")
        }
        // A policy may be limited to a state machine, which the token names. This token names none.
        Err(error) if error.to_string().contains("AccessDenied") => Check::warning(
            name,
            error.to_string(),
            "if jobs end as Lost, allow states:SendTaskHeartbeat, SendTaskSuccess and SendTaskFailure for the instance's role",
        ),
        Err(error) => Check::failed(name, error.to_string(), hint(None, "")),
    }
}

/// Nothing is written to a stream that does not exist. Only the message shows whether the group is missing. Creating the
/// stream, as a job does, cannot be tested without doing it.
async fn put_log(config: &AgentConfig, clients: &Clients) -> Check {
    let group = &config.log_group;
    if group.is_empty() {
        return Check::ok("log group", "not set: output stays on this instance");
    }
    let name = format!("log group {group}");
    let event = InputLogEvent::builder().timestamp(wall_clock().as_millis()).message(NOBODY).build();
    let Ok(event) = event else { return Check::warning(name, "not checked", "report this as a bug") };
    let call = clients
        .logs()
        .put_log_events()
        .log_group_name(group)
        .log_stream_name(NOBODY)
        .log_events(event)
        .send();
    let action = "logs:PutLogEvents and logs:CreateLogStream";
    match sort(timeout(PATIENCE, call).await, &[]) {
        Answer::Not { code: Some(code), reason }
            if code == "ResourceNotFoundException" && reason.contains("stream") =>
        {
            Check::ok(name, LINES)
        }
        Answer::Not { code: Some(code), .. } if code == "ResourceNotFoundException" => Check::warning(
            name,
            "does not exist; a job creates it if logs:CreateLogGroup is allowed, which was not tested. Otherwise jobs run, \
             but their output stays on this instance",
            "deploy, or fix log_group in the settings",
        ),
        answer => judge(name, answer, LINES, action),
    }
}

/// Read as a job reads it. Only the address of the database is shown.
async fn secret(config: &AgentConfig, clients: &Clients) -> Vec<Check> {
    let Some(id) = &config.secret else {
        return vec![Check::ok("secret", "no default: jobs name their own secret, or need none")];
    };
    let name = format!("secret {id}");
    let no_second_try = Backoff::new(Duration::from_millis(1), Duration::from_millis(1), Duration::ZERO);
    let read = timeout(PATIENCE, secrets::read(clients.secrets(), id, no_second_try)).await;
    let database = match read {
        Ok(Ok(database)) => database,
        Ok(Err(error)) => {
            let hint = match &error {
                secrets::SecretError::Service { .. } => {
                    "check its name and region, and allow secretsmanager:GetSecretValue (and kms:Decrypt with its key) for the instance's role"
                }
                secrets::SecretError::Invalid { .. } => {
                    "store it as JSON with host, port, username, password and dbname, as Redshift's rotation does"
                }
            };
            return vec![Check::failed(name, causes(&error), hint)];
        }
        Err(_) => return vec![Check::failed(name, "timeout: no answer", hint(None, ""))],
    };
    let missing: Vec<&str> =
        [("host", &database.host), ("dbname", &database.database), ("password", &database.password)]
            .into_iter()
            .filter(|(_, value)| value.is_none())
            .map(|(field, _)| field)
            .collect();
    let mut checks = vec![if missing.is_empty() {
        Check::ok(name, "can be read, with all fields that scripts need")
    } else {
        let found = format!("can be read, but lacks {}", missing.join(", "));
        Check::warning(name, found, "add the missing fields, unless the scripts set them")
    }];
    checks.extend(database_of(&database).await);
    checks
}

/// Whether the database accepts connections.
async fn database_of(secret: &DatabaseSecret) -> Option<Check> {
    let host = secret.host.as_deref()?;
    let port = match secret.port.as_deref() {
        None => REDSHIFT_PORT,
        Some(text) => match text.parse() {
            Ok(port) => port,
            Err(_) => {
                return Some(Check::failed(
                    "database",
                    format!("the secret's port {text:?} is not a port number"),
                    "store a number",
                ));
            }
        },
    };
    let name = format!("database {host}:{port}");
    let why = match timeout(Duration::from_secs(5), TcpStream::connect((host, port))).await {
        Ok(Ok(_)) => return Some(Check::ok(name, "answers")),
        Ok(Err(error)) => error.to_string(),
        Err(_) => "timeout: no connection".to_owned(),
    };
    let hint =
        "check that the cluster is running and not paused, and that its security group allows this instance";
    Some(Check::failed(name, why, hint))
}
