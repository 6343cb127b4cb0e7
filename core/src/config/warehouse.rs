//! A warehouse: where a deployment's SQL runs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::reader::Cursor;
use super::rules;
use crate::problem::ProblemKind;

/// A database of a Redshift cluster or workgroup, and as whom it is used. Workflows name it; the deployment says what
/// it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Warehouse {
    /// Identifier of a provisioned cluster; either this or `workgroup`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
    /// Name of a Redshift Serverless workgroup.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workgroup: Option<String>,
    /// The database.
    pub database: String,
    /// Secrets Manager id of the credentials. Without one, temporary credentials of `db_user` or of the functions' role
    /// are used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// Database user of a cluster, with temporary credentials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub db_user: Option<String>,
}

impl Warehouse {
    /// Reads warehouses by name: `{"night": {"workgroup": "etl", "database": "dev"}}`.
    pub(crate) fn read_all(cursor: &Cursor<'_>) -> Option<BTreeMap<String, Self>> {
        let read: Vec<_> = cursor
            .entries()?
            .into_iter()
            .map(|(name, value)| {
                if let Err(broken) = rules::warehouse(name) {
                    value.broken(name, &broken);
                }
                Some((name.to_owned(), Self::read(&value)?))
            })
            .collect();
        read.into_iter().collect()
    }

    fn read(cursor: &Cursor<'_>) -> Option<Self> {
        let example = r#"write {"workgroup": "etl", "database": "dev", "secret": "…"}"#;
        let mut object = cursor.object(Some(example))?;
        let cluster = object.optional("cluster", |c| c.checked_text(rules::redshift_name));
        let workgroup = object.optional("workgroup", |c| c.checked_text(rules::redshift_name));
        let database = object.required("database", "name the database", |c| c.checked_text(rules::database));
        let secret = object.optional("secret", |c| c.checked_text(rules::secret));
        let db_user = object.optional("db_user", |c| c.checked_text(rules::database));
        let (has_cluster, has_workgroup) = (object.has("cluster"), object.has("workgroup"));
        let has_both_credentials = object.has("secret") && object.has("db_user");
        object.finish();
        if has_cluster == has_workgroup {
            let has =
                if has_cluster { "both cluster and workgroup" } else { "neither cluster nor workgroup" };
            cursor.report_hint(ProblemKind::Conflict, format!("has {has}"), example);
        }
        if has_both_credentials {
            cursor.report_hint(ProblemKind::Conflict, "has both secret and db_user", "leave one of them out");
        }
        if has_workgroup && db_user.is_some() {
            cursor.report_hint(
                ProblemKind::Conflict,
                "has a db_user, which a workgroup does not take",
                "name a secret, or leave it out: the functions' role is then the user",
            );
        }
        Some(Self { cluster, workgroup, database: database?, secret, db_user })
    }
}
