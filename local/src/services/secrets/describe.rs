//! `DescribeSecret`.

use std::collections::BTreeMap;

use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::http::{AwsError, answer, parse};
use crate::place;
use crate::services::secrets::{Secrets, store};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Describe {
    secret_id: String,
}

/// A secret without its values.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Described {
    #[serde(rename = "ARN")]
    arn: String,
    pub(super) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<String>,
    created_date: f64,
    last_changed_date: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted_date: Option<f64>,
    pub(super) tags: Value,
    version_ids_to_stages: BTreeMap<String, Vec<String>>,
}

impl Described {
    /// An entry of `ListSecrets`, which has another name for the versions.
    pub(super) fn listed(&self) -> serde_json::Result<Value> {
        let mut value = serde_json::to_value(self)?;
        if let Some(members) = value.as_object_mut()
            && let Some(versions) = members.remove("VersionIdsToStages")
        {
            members.insert("SecretVersionsToStages".to_owned(), versions);
        }
        Ok(value)
    }
}

/// Reads a secret by its name.
pub(super) fn read(db: &Connection, name: &str) -> Result<Described, AwsError> {
    let mut versions: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut labels = db.prepare_cached("SELECT version_id, stage FROM stage WHERE name = ?1")?;
    for row in labels.query_map([name], |row| Ok((row.get(0)?, row.get(1)?)))? {
        let (version, stage): (String, String) = row?;
        versions.entry(version).or_default().push(stage);
    }
    let (described, tags) = db
        .prepare_cached(
            "SELECT arn, description, created, changed, deleted, tags FROM secret WHERE name = ?1",
        )?
        .query_row([name], |row| {
            let described = Described {
                arn: row.get(0)?,
                name: name.to_owned(),
                description: row.get(1)?,
                created_date: place::seconds(row.get(2)?),
                last_changed_date: place::seconds(row.get(3)?),
                deleted_date: row.get::<_, Option<i64>>(4)?.map(place::seconds),
                tags: Value::Null,
                version_ids_to_stages: versions,
            };
            Ok((described, row.get::<_, String>(5)?))
        })?;
    Ok(Described { tags: serde_json::from_str(&tags).map_err(AwsError::internal)?, ..described })
}

impl Secrets {
    pub(super) async fn describe_secret(&self, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        let request: Describe = parse("DescribeSecret", body)?;
        let described = self
            .worker
            .run(move |db| {
                let found = store::find_any(db, &request.secret_id)?;
                read(db, &found.name)
            })
            .await??;
        answer(&described)
    }
}
