//! The servers that stand for clusters and workgroups, and who logs in there.

use std::collections::BTreeMap;
use std::sync::Arc;

use rsql::Target;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::Semaphore;

use crate::Warehouse;
use crate::http::{AwsError, Constraints};
use crate::services::redshift_data::invalid;
use crate::services::secrets::Secrets;

/// Statements of one warehouse that run at once; the others wait. Fewer than PostgreSQL takes connections.
const AT_ONCE: usize = 30;

/// Where a request is for, as it says it.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Place {
    pub(super) cluster: Option<String>,
    pub(super) workgroup: Option<String>,
    pub(super) database: Option<String>,
    pub(super) db_user: Option<String>,
    pub(super) secret_arn: Option<String>,
}

impl Place {
    /// What the service's model asks of the members.
    pub(super) fn check(&self, constraints: &mut Constraints) {
        let cluster = self.cluster.as_deref();
        constraints.length("clusterIdentifier", cluster, 1..=63);
        constraints.pattern("clusterIdentifier", cluster, "[a-z][a-z0-9]*(-[a-z0-9]+)*", is_cluster);
        let workgroup = self.workgroup.as_deref();
        constraints.length("workgroupName", workgroup, 3..=128);
        constraints.pattern("workgroupName", workgroup, "([a-z0-9-]{3,63}|arn:…:workgroup/…)", |name| {
            name.starts_with("arn:") || is_workgroup(name)
        });
    }
}

fn is_cluster(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.split('-').all(|part| {
            !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        })
}

fn is_workgroup(name: &str) -> bool {
    name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// All servers by name.
#[derive(Debug)]
pub(super) struct Warehouses(BTreeMap<String, Server>);

#[derive(Debug)]
struct Server {
    target: Target,
    places: Arc<Semaphore>,
}

/// A server, and who logs in.
#[derive(Debug, Clone)]
pub(super) struct Login {
    /// The warehouse's name.
    pub(super) warehouse: String,
    pub(super) target: Target,
    /// As whom to act after the login, if that is somebody else.
    pub(super) act_as: Option<String>,
    /// A permit of it is a place to run.
    pub(super) places: Arc<Semaphore>,
}

impl Warehouses {
    pub(super) fn new(warehouses: Vec<Warehouse>) -> Self {
        let server = |warehouse: Warehouse| {
            let places = Arc::new(Semaphore::new(AT_ONCE));
            (warehouse.name, Server { target: warehouse.target, places })
        };
        Self(warehouses.into_iter().map(server).collect())
    }

    /// The server of a warehouse.
    pub(super) fn target(&self, name: &str) -> Option<&Target> {
        self.0.get(name).map(|server| &server.target)
    }

    /// The server that a request is for, and who logs in: the user of the secret, else the URL's. A database user that
    /// is not the URL's is who that one acts as.
    ///
    /// # Errors
    /// `ValidationException`.
    pub(super) async fn login(&self, place: &Place, secrets: &Secrets) -> Result<Login, AwsError> {
        let (name, unknown) = match (&place.cluster, &place.workgroup) {
            (Some(_), Some(_)) => {
                return Err(invalid("ClusterIdentifier and WorkgroupName cannot both be specified."));
            }
            (None, None) => {
                return Err(invalid("Either ClusterIdentifier or WorkgroupName must be specified."));
            }
            (Some(name), None) => (name.as_str(), "Cluster doesn't exist in this region."),
            // Of an ARN, its last part.
            (None, Some(name)) => (
                name.rsplit('/').next().unwrap_or_default(),
                "Redshift endpoint doesn't exist in this region.",
            ),
        };
        let server = self.0.get(name).ok_or_else(|| invalid(unknown))?;
        let mut target = server.target.clone();
        if let Some(database) = &place.database {
            database.clone_into(&mut target.database);
        }
        let mut act_as = None;
        if let Some(secret) = &place.secret_arn {
            let (user, password) = credentials(secrets, secret).await?;
            target.user = user;
            target.password = Some(password);
        } else if let Some(user) = place.db_user.as_ref().filter(|user| **user != target.user) {
            act_as = Some(user.clone());
        }
        Ok(Login { warehouse: name.to_owned(), target, act_as, places: Arc::clone(&server.places) })
    }
}

/// User and password of a secret.
async fn credentials(secrets: &Secrets, id: &str) -> Result<(String, String), AwsError> {
    let text = secrets.current_text(id).await.map_err(|error| match error.status {
        400 => invalid(error.message),
        _ => error,
    })?;
    let value: Value = text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    let field = |names: &[&str]| {
        let found = names.iter().find_map(|name| value.get(name)?.as_str());
        found.map(str::to_owned)
    };
    let user = field(&["username", "user"]);
    match (user, field(&["password"])) {
        (Some(user), Some(password)) => Ok((user, password)),
        _ => Err(invalid(format!("The secret {id} must be a JSON object with username and password."))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_model() {
        for (name, good) in
            [("night", true), ("a-b2", true), ("a--b", false), ("2a", false), ("a-", false), ("", false)]
        {
            assert_eq!(is_cluster(name), good, "{name}");
        }
        assert!(is_workgroup("2-a") && !is_workgroup("A"));
    }
}
