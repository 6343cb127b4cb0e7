//! `DescribeSecret`.

use std::collections::BTreeMap;

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

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Described {
    #[serde(rename = "ARN")]
    arn: String,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    created_date: f64,
    last_changed_date: f64,
    tags: Value,
    version_ids_to_stages: BTreeMap<String, Vec<String>>,
}

impl Secrets {
    pub(super) async fn describe_secret(&self, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        let request: Describe = parse("DescribeSecret", body)?;
        let described = self
            .worker
            .run(move |db| {
                let found = store::find(db, &request.secret_id)?;
                let mut versions: BTreeMap<String, Vec<String>> = BTreeMap::new();
                let mut labels = db.prepare_cached("SELECT version_id, stage FROM stage WHERE name = ?1")?;
                for row in labels.query_map([&found.name], |row| Ok((row.get(0)?, row.get(1)?)))? {
                    let (version, stage): (String, String) = row?;
                    versions.entry(version).or_default().push(stage);
                }
                let row: (Option<String>, String, i64, i64) = db
                    .prepare_cached("SELECT description, tags, created, changed FROM secret WHERE name = ?1")?
                    .query_row([&found.name], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?)))?;
                Ok::<_, AwsError>(Described {
                    arn: found.arn,
                    name: found.name,
                    description: row.0,
                    tags: serde_json::from_str(&row.1).map_err(AwsError::internal)?,
                    created_date: place::seconds(row.2),
                    last_changed_date: place::seconds(row.3),
                    version_ids_to_stages: versions,
                })
            })
            .await??;
        answer(&described)
    }
}
