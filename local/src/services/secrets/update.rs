//! `UpdateSecret`, `UpdateSecretVersionStage`, `TagResource` and `UntagResource`.

use rusqlite::Connection;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::http::{AwsError, answer, parse};
use crate::place;
use crate::services::secrets::store::{self, CURRENT, Found, PREVIOUS, SecretValue};
use crate::services::secrets::{Secrets, put};

/// Tags of one secret.
const MOST_TAGS: usize = 50;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Update {
    secret_id: String,
    client_request_token: Option<String>,
    description: Option<String>,
    secret_string: Option<String>,
    secret_binary: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Stage {
    secret_id: String,
    version_stage: String,
    remove_from_version_id: Option<String>,
    move_to_version_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Tag {
    secret_id: String,
    tags: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Untag {
    secret_id: String,
    tag_keys: Vec<String>,
}

impl Secrets {
    pub(super) async fn update_secret(&self, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        let request: Update = parse("UpdateSecret", body)?;
        let value = SecretValue::read(request.secret_string, request.secret_binary.as_deref())?;
        let token = put::request_token(request.client_request_token)?;
        let (id, description) = (request.secret_id, request.description);
        put::check_description(description.as_deref())?;
        let (found, version) = self
            .worker
            .run(move |db| {
                let transaction = db.transaction()?;
                let found = store::find(&transaction, &id)?;
                if let Some(value) = &value {
                    put::put_version(&transaction, &found.name, &token, value, &[CURRENT.to_owned()])?;
                }
                transaction.execute(
                    "UPDATE secret SET description = COALESCE(?2, description), changed = ?3 WHERE name = ?1",
                    (&found.name, description, place::now_ms()),
                )?;
                transaction.commit()?;
                Ok::<_, AwsError>((found, value.map(|_| token)))
            })
            .await??;
        let mut updated = json!({"ARN": found.arn, "Name": found.name});
        if let Some(version) = version {
            updated["VersionId"] = version.into();
        }
        answer(&updated)
    }

    pub(super) async fn update_secret_version_stage(&self, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        let request: Stage = parse("UpdateSecretVersionStage", body)?;
        let found = self
            .worker
            .run(move |db| {
                let transaction = db.transaction()?;
                let found = store::find(&transaction, &request.secret_id)?;
                move_stage(&transaction, &found.name, &request)?;
                transaction.commit()?;
                Ok::<_, AwsError>(found)
            })
            .await??;
        answer(&json!({"ARN": found.arn, "Name": found.name}))
    }

    pub(super) async fn tag_resource(&self, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        let request: Tag = parse("TagResource", body)?;
        let (id, new) = (request.secret_id, request.tags);
        put::check_tags(&new)?;
        let key = |tag: &Value| tag.get("Key").cloned();
        self.change_tags(id, move |tags| {
            tags.retain(|tag| !new.iter().any(|other| key(other) == key(tag)));
            tags.extend(new);
        })
        .await
    }

    pub(super) async fn untag_resource(&self, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        let request: Untag = parse("UntagResource", body)?;
        let keys = request.tag_keys;
        self.change_tags(request.secret_id, move |tags| {
            tags.retain(|tag| !keys.iter().any(|key| tag.get("Key").and_then(Value::as_str) == Some(key)));
        })
        .await
    }

    async fn change_tags(
        &self,
        id: String,
        change: impl FnOnce(&mut Vec<Value>) + Send + 'static,
    ) -> Result<Vec<u8>, AwsError> {
        self.worker
            .run(move |db| {
                let Found { name, .. } = store::find(db, &id)?;
                let tags: String =
                    db.query_row("SELECT tags FROM secret WHERE name = ?1", [&name], |row| row.get(0))?;
                let mut tags: Vec<Value> = serde_json::from_str(&tags).map_err(AwsError::internal)?;
                change(&mut tags);
                if tags.len() > MOST_TAGS {
                    let message = format!("A secret has at most {MOST_TAGS} tags.");
                    return Err(AwsError::client("InvalidParameterException", message));
                }
                let tags = Value::Array(tags).to_string();
                db.execute("UPDATE secret SET tags = ?2 WHERE name = ?1", (&name, tags))?;
                Ok(())
            })
            .await??;
        answer(&json!({}))
    }
}

fn move_stage(db: &Connection, name: &str, request: &Stage) -> Result<(), AwsError> {
    let invalid = |message: String| Err(AwsError::client("InvalidParameterException", message));
    let stage = &request.version_stage;
    let holder = store::version_at(db, name, stage)?;
    if let Some(holder) = &holder
        && request.remove_from_version_id.as_ref() != Some(holder)
        && request.move_to_version_id.as_ref() != Some(holder)
    {
        return invalid(format!(
            "The parameter RemoveFromVersionId can't be empty. Staging label {stage} is currently attached to \
             version {holder}, so you must explicitly reference that version in RemoveFromVersionId."
        ));
    }
    if let Some(from) = &request.remove_from_version_id
        && holder.as_ref() != Some(from)
    {
        return invalid(format!("The staging label {stage} is not attached to version {from}."));
    }
    match &request.move_to_version_id {
        Some(version) => {
            if put::version(db, name, version)?.is_none() {
                let message = format!("Secrets Manager can't find the version {version}.");
                return Err(AwsError::client("ResourceNotFoundException", message));
            }
            if stage == CURRENT
                && let Some(before) = holder.filter(|before| before != version)
            {
                store::label(db, name, PREVIOUS, &before)?;
            }
            store::label(db, name, stage, version)?;
        }
        None if stage == CURRENT => {
            return invalid("You can't remove AWSCURRENT without giving it to another version.".to_owned());
        }
        None => {
            db.execute("DELETE FROM stage WHERE name = ?1 AND stage = ?2", (name, stage))?;
        }
    }
    Ok(())
}
