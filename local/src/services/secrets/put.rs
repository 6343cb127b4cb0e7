//! `CreateSecret` and `PutSecretValue`.

use rusqlite::{Connection, OptionalExtension};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::http::{AwsError, Constraints, answer, parse};
use crate::place;
use crate::services::secrets::Secrets;
use crate::services::secrets::store::{self, CURRENT, PREVIOUS, SecretValue};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Create {
    name: String,
    client_request_token: Option<String>,
    description: Option<String>,
    secret_string: Option<String>,
    secret_binary: Option<String>,
    #[serde(default)]
    tags: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Put {
    secret_id: String,
    client_request_token: Option<String>,
    secret_string: Option<String>,
    secret_binary: Option<String>,
    version_stages: Option<Vec<String>>,
}

#[derive(Serialize)]
struct Written {
    #[serde(rename = "ARN")]
    arn: String,
    #[serde(rename = "Name")]
    name: String,
    #[serde(rename = "VersionId", skip_serializing_if = "Option::is_none")]
    version_id: Option<String>,
    #[serde(rename = "VersionStages", skip_serializing_if = "Option::is_none")]
    version_stages: Option<Vec<String>>,
}

impl Secrets {
    pub(super) async fn create_secret(&self, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        let request: Create = parse("CreateSecret", body)?;
        check_name(&request.name)?;
        check_description(request.description.as_deref())?;
        check_tags(&request.tags)?;
        let value = SecretValue::read(request.secret_string, request.secret_binary.as_deref())?;
        let token = request_token(request.client_request_token)?;
        let tags = Value::Array(request.tags).to_string();
        let (name, description) = (request.name, request.description);
        let written = self
            .worker
            .run(move |db| {
                let transaction = db.transaction()?;
                let arn = insert(&transaction, &name, description, &tags, value.as_ref(), &token)?;
                if let Some(value) = &value {
                    put_version(&transaction, &name, &token, value, &[CURRENT.to_owned()])?;
                }
                transaction.commit()?;
                Ok::<_, AwsError>(Written {
                    arn,
                    name,
                    version_id: value.map(|_| token),
                    version_stages: None,
                })
            })
            .await??;
        answer(&written)
    }

    pub(super) async fn put_secret_value(&self, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        let request: Put = parse("PutSecretValue", body)?;
        let value =
            SecretValue::read(request.secret_string, request.secret_binary.as_deref())?.ok_or_else(|| {
                let message = "You must provide either SecretString or SecretBinary.";
                AwsError::client("InvalidRequestException", message)
            })?;
        let token = request_token(request.client_request_token)?;
        let stages = request.version_stages.unwrap_or_else(|| vec![CURRENT.to_owned()]);
        let id = request.secret_id;
        let written = self
            .worker
            .run(move |db| {
                let transaction = db.transaction()?;
                let found = store::find(&transaction, &id)?;
                put_version(&transaction, &found.name, &token, &value, &stages)?;
                transaction.execute(
                    "UPDATE secret SET changed = ?2 WHERE name = ?1",
                    (&found.name, place::now_ms()),
                )?;
                let labels = store::stages_of(&transaction, &found.name, &token)?;
                transaction.commit()?;
                Ok::<_, AwsError>(Written {
                    arn: found.arn,
                    name: found.name,
                    version_id: Some(token),
                    version_stages: Some(labels),
                })
            })
            .await??;
        answer(&written)
    }
}

/// Inserts the secret's row. A repeated request (same token and value) returns the same secret.
fn insert(
    db: &Connection,
    name: &str,
    description: Option<String>,
    tags: &str,
    value: Option<&SecretValue>,
    token: &str,
) -> Result<String, AwsError> {
    store::remove_ended(db)?;
    let there: Option<(String, Option<i64>)> = db
        .query_row("SELECT arn, deleted FROM secret WHERE name = ?1", [name], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    if let Some((arn, deleted)) = there {
        if deleted.is_some() {
            let message = "You can't create this secret because a secret with this name is already scheduled for \
                deletion.";
            return Err(AwsError::client("InvalidRequestException", message));
        }
        if value.is_some() && version(db, name, token)?.as_ref() == value {
            return Ok(arn);
        }
        let message = format!("The operation failed because the secret {name} already exists.");
        return Err(AwsError::client("ResourceExistsException", message));
    }
    let random: String = std::iter::repeat_with(fastrand::alphanumeric).take(6).collect();
    let arn = place::arn("secretsmanager", format_args!("secret:{name}-{random}"));
    let now = place::now_ms();
    db.execute(
        "INSERT INTO secret (name, arn, description, tags, created, changed) VALUES (?1, ?2, ?3, ?4, ?5, ?5)",
        (name, &arn, description, tags, now),
    )?;
    Ok(arn)
}

/// Adds a version, and moves the labels to it. A repeated version changes nothing. Another value under its id is
/// refused.
pub(super) fn put_version(
    db: &Connection,
    name: &str,
    id: &str,
    value: &SecretValue,
    stages: &[String],
) -> Result<(), AwsError> {
    match version(db, name, id)? {
        Some(there) if there == *value => return Ok(()),
        Some(_) => {
            let message =
                format!("You can't use ClientRequestToken {id} because that value is already in use.");
            return Err(AwsError::client("ResourceExistsException", message));
        }
        None => {}
    }
    db.execute(
        "INSERT INTO version (name, version_id, text, binary, created) VALUES (?1, ?2, ?3, ?4, ?5)",
        (name, id, value.text(), value.binary(), place::now_ms()),
    )?;
    for stage in stages {
        if stage == CURRENT
            && let Some(before) = store::version_at(db, name, CURRENT)?
        {
            store::label(db, name, PREVIOUS, &before)?;
        }
        store::label(db, name, stage, id)?;
    }
    // Versions without a label are retained for a while, as in the service.
    db.execute(
        "DELETE FROM version WHERE name = ?1 AND version_id IN (
             SELECT version_id FROM version v WHERE v.name = ?1
                 AND NOT EXISTS (SELECT 1 FROM stage s WHERE s.name = ?1 AND s.version_id = v.version_id)
             ORDER BY created DESC LIMIT -1 OFFSET ?2)",
        (name, UNLABELLED),
    )?;
    Ok(())
}

/// Maximum number of versions without a label.
const UNLABELLED: i64 = 100;

pub(super) fn version(db: &Connection, name: &str, id: &str) -> rusqlite::Result<Option<SecretValue>> {
    db.query_row("SELECT text, binary FROM version WHERE name = ?1 AND version_id = ?2", (name, id), |row| {
        SecretValue::from_row(row, 0, 1)
    })
    .optional()
}

/// The token becomes the version's id. Clients generate one for each request.
pub(super) fn request_token(token: Option<String>) -> Result<String, AwsError> {
    let token = token.unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
    if (32..=64).contains(&token.len()) {
        Ok(token)
    } else {
        Err(AwsError::client(
            "InvalidParameterException",
            "ClientRequestToken must be 32-64 characters long.",
        ))
    }
}

fn check_name(name: &str) -> Result<(), AwsError> {
    // Secrets Manager API reference, `CreateSecret`.
    let mut constraints = Constraints::default();
    constraints.length("name", Some(name), 1..=512);
    constraints.check("ValidationException")?;
    if name.bytes().all(|b| b.is_ascii_alphanumeric() || b"/_+=.@-!".contains(&b)) {
        return Ok(());
    }
    let message = "Invalid name. Must be a valid name containing alphanumeric characters, or any of the \
        following: -/_+=.@!";
    Err(AwsError::client("ValidationException", message))
}

pub(super) fn check_description(description: Option<&str>) -> Result<(), AwsError> {
    let mut constraints = Constraints::default();
    constraints.length("description", description, 0..=2_048);
    constraints.check("ValidationException")
}

pub(super) fn check_tags(tags: &[Value]) -> Result<(), AwsError> {
    let mut constraints = Constraints::default();
    for tag in tags {
        let part = |name: &str| tag.get(name).and_then(Value::as_str);
        constraints.length("tags.member.key", Some(part("Key").unwrap_or_default()), 1..=128);
        constraints.length("tags.member.value", part("Value"), 0..=256);
    }
    constraints.check("ValidationException")
}
