//! `GetSecretValue`.

use rusqlite::OptionalExtension;
use serde::{Deserialize, Serialize};

use crate::http::{AwsError, answer, parse};
use crate::place;
use crate::services::secrets::Secrets;
use crate::services::secrets::store::{self, CURRENT, SecretValue};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Get {
    secret_id: String,
    version_id: Option<String>,
    version_stage: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Got {
    #[serde(rename = "ARN")]
    arn: String,
    name: String,
    version_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_string: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_binary: Option<String>,
    version_stages: Vec<String>,
    created_date: f64,
}

impl Secrets {
    pub(super) async fn get_secret_value(&self, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        answer(&self.get(parse("GetSecretValue", body)?).await?)
    }

    /// The text of a secret's current version; `None` if it is binary.
    ///
    /// # Errors
    /// As of `GetSecretValue`.
    pub(crate) async fn current_text(&self, id: &str) -> Result<Option<String>, AwsError> {
        let request = Get { secret_id: id.to_owned(), version_id: None, version_stage: None };
        Ok(self.get(request).await?.secret_string)
    }

    async fn get(&self, request: Get) -> Result<Got, AwsError> {
        self.worker
            .run(move |db| {
                let found = store::find(db, &request.secret_id)?;
                let stage = request.version_stage.as_deref();
                let version = match request.version_id {
                    Some(id) => Some(id),
                    None => store::version_at(db, &found.name, stage.unwrap_or(CURRENT))?,
                };
                let missing = || {
                    let wanted = version.as_deref().or(stage).unwrap_or(CURRENT);
                    let message =
                        format!("Secrets Manager can't find the specified secret value for {wanted}.");
                    AwsError::client("ResourceNotFoundException", message)
                };
                let version = version.as_deref().ok_or_else(missing)?;
                let row = db
                    .prepare_cached(
                        "SELECT text, binary, created FROM version WHERE name = ?1 AND version_id = ?2",
                    )?
                    .query_row((&found.name, version), |row| {
                        Ok((SecretValue::from_row(row, 0, 1)?, row.get::<_, i64>(2)?))
                    })
                    .optional()?;
                let (value, created) = row.ok_or_else(missing)?;
                let stages = store::stages_of(db, &found.name, version)?;
                if stage.is_some_and(|wanted| !stages.iter().any(|s| s == wanted)) {
                    let message =
                        "You provided a VersionStage that is not associated to the provided VersionId.";
                    return Err(AwsError::client("InvalidRequestException", message));
                }
                Ok(Got {
                    arn: found.arn,
                    name: found.name,
                    version_id: version.to_owned(),
                    secret_binary: value.base64(),
                    secret_string: value.text().map(str::to_owned),
                    version_stages: stages,
                    created_date: place::seconds(created),
                })
            })
            .await?
    }
}
