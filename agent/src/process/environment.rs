//! The environment of a script: a minimal base, the database, the job's variables, the run's ids.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use rsqlflow_core::{ExecutionId, JobId, WorkflowId, env};
use serde_json::Value;

/// A database secret in Secrets Manager, in the form of Redshift's rotation (Secrets Manager user guide, "JSON structure of
/// AWS Secrets Manager secrets").
#[derive(Clone, PartialEq, Eq, Default)]
pub struct DatabaseSecret {
    /// `host`.
    pub host: Option<String>,
    /// `username`.
    pub user: Option<String>,
    /// `dbname`, or `database`.
    pub database: Option<String>,
    /// `port`, a number or a string.
    pub port: Option<String>,
    /// `password`.
    pub password: Option<String>,
}

/// A secret that is not a database secret. The message contains nothing of its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSecret {
    /// Not a JSON object.
    #[error("it is not a JSON object with host, username, dbname, port and password")]
    NotAnObject,
    /// A field is neither a string nor a number, or contains NUL.
    #[error("its field {0:?} must be a string")]
    NotText(&'static str),
    /// No user name.
    #[error("it has no field \"username\"")]
    NoUser,
}

impl fmt::Debug for DatabaseSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DatabaseSecret(…)")
    }
}

impl DatabaseSecret {
    /// Parses a secret. Missing fields stay unset, because scripts may set them.
    ///
    /// # Errors
    /// [`InvalidSecret`] if it is not a database secret.
    pub fn parse(text: &str) -> Result<Self, InvalidSecret> {
        let Ok(Value::Object(fields)) = serde_json::from_str(text) else {
            return Err(InvalidSecret::NotAnObject);
        };
        let field = |names: &[&'static str]| {
            for name in names {
                match fields.get(*name) {
                    None | Some(Value::Null) => {}
                    Some(Value::String(text)) if !text.contains('\0') => return Ok(Some(text.clone())),
                    Some(Value::Number(number)) => return Ok(Some(number.to_string())),
                    Some(_) => return Err(InvalidSecret::NotText(name)),
                }
            }
            Ok(None)
        };
        let secret = Self {
            host: field(&["host"])?,
            user: field(&["username", "user"])?,
            database: field(&["dbname", "database", "dbName"])?,
            port: field(&["port"])?,
            password: field(&["password"])?,
        };
        if secret.user.is_none() {
            return Err(InvalidSecret::NoUser);
        }
        Ok(secret)
    }
}

/// The base environment of every script.
#[derive(Clone, Debug)]
pub struct Base {
    /// `PATH`.
    pub path: String,
    /// `HOME` of the user that the script runs as.
    pub home: PathBuf,
    /// Variables inherited from the agent.
    pub passed: BTreeMap<OsString, OsString>,
}

/// The job.
#[derive(Clone, Copy, Debug)]
pub struct Ids<'a> {
    /// [`env::WORKFLOW_ID`].
    pub workflow: &'a WorkflowId,
    /// [`env::WORKFLOW_EXECUTION_ID`].
    pub execution: &'a ExecutionId,
    /// [`env::JOB_ID`].
    pub job: JobId,
    /// [`env::JOB_NAME`].
    pub job_name: &'a str,
    /// [`env::ATTEMPT`].
    pub attempt: u32,
    /// [`env::TRY`], from 1.
    pub try_number: u32,
    /// [`env::SECRET_ID`]: the source of the credentials, if there are any.
    pub secret_id: Option<&'a str>,
}

/// Builds the environment. Later parts override earlier ones: base, database, the job's variables, ids. A job may use
/// another database, but cannot change its ids.
#[must_use]
pub fn build(
    base: &Base,
    secret: Option<&DatabaseSecret>,
    own: impl IntoIterator<Item = (String, String)>,
    ids: Ids<'_>,
) -> BTreeMap<OsString, OsString> {
    let mut built = BTreeMap::new();
    let mut set = |name: &str, value: OsString| {
        built.insert(OsString::from(name), value);
    };
    set("LANG", "C.UTF-8".into());
    set("SHELL", "/bin/bash".into());
    set("PATH", base.path.clone().into());
    set("HOME", base.home.clone().into());
    built.extend(base.passed.clone());
    if let Some(secret) = secret {
        // The names that AWS's RSQL samples use; RSPASSWORD is read by RSQL itself (RSQL manual, "Getting
        // started", since 1.0.4).
        for (name, value) in [
            ("HOST", &secret.host),
            ("USER", &secret.user),
            ("DB", &secret.database),
            ("PORT", &secret.port),
            // The default port of the agent's rsql. Many scripts assume the default port of a cluster.
            ("RSQL_PORT", &secret.port),
            ("RSPASSWORD", &secret.password),
        ] {
            if let Some(value) = value {
                built.insert(name.into(), value.into());
            }
        }
    }
    built.extend(own.into_iter().map(|(name, value)| (name.into(), value.into())));
    for (name, value) in [
        (env::WORKFLOW_ID, ids.workflow.to_string()),
        (env::WORKFLOW_EXECUTION_ID, ids.execution.to_string()),
        (env::JOB_ID, ids.job.to_string()),
        (env::JOB_NAME, ids.job_name.to_owned()),
        (env::ATTEMPT, ids.attempt.to_string()),
        (env::TRY, ids.try_number.to_string()),
        (env::SECRET_ID, ids.secret_id.unwrap_or_default().to_owned()),
    ] {
        built.insert(name.into(), value.into());
    }
    built
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn redshifts_own_shape_is_read() {
        let text = r#"{"username":"admin","password":"p\"w","engine":"redshift","host":"h","port":5439,
            "dbClusterIdentifier":"c","dbname":"dev"}"#;
        let secret = DatabaseSecret::parse(text).unwrap();
        assert_eq!(secret.port.as_deref(), Some("5439"));
        assert_eq!(secret.password.as_deref(), Some("p\"w"));
        assert_eq!(secret.database.as_deref(), Some("dev"));
        assert_eq!(format!("{secret:?}"), "DatabaseSecret(…)");
        let other = DatabaseSecret::parse(r#"{"username":"u","port":"1","database":"d"}"#).unwrap();
        assert_eq!(
            (other.port.as_deref(), other.database.as_deref(), other.host),
            (Some("1"), Some("d"), None)
        );
    }

    #[test]
    fn what_is_no_database_is_refused_without_showing_it() {
        for (text, want) in [
            ("hunter2", InvalidSecret::NotAnObject),
            ("[\"hunter2\"]", InvalidSecret::NotAnObject),
            (r#"{"password":"hunter2"}"#, InvalidSecret::NoUser),
            (r#"{"username":"u","password":["hunter2"]}"#, InvalidSecret::NotText("password")),
            (r#"{"username":"u","password":"hunter2\u0000"}"#, InvalidSecret::NotText("password")),
        ] {
            let error = DatabaseSecret::parse(text).unwrap_err();
            assert_eq!(error, want);
            assert!(!format!("{error} {error:?}").contains("hunter2"));
        }
    }

    #[test]
    fn later_parts_win_and_ids_cannot_be_forged() {
        let base = Base {
            path: "/bin".to_owned(),
            home: PathBuf::from("/home/x"),
            passed: BTreeMap::from([("AWS_REGION".into(), "eu-west-1".into())]),
        };
        let secret = DatabaseSecret { user: Some("admin".to_owned()), ..DatabaseSecret::default() };
        let own = [("USER", "me"), ("RSQLFLOW_ATTEMPT", "9"), ("LANG", "de_DE"), ("RSQLFLOW_SECRET_ID", "x")];
        let (workflow, execution) = (WorkflowId::new("w").unwrap(), ExecutionId::new("e").unwrap());
        let ids = Ids {
            workflow: &workflow,
            execution: &execution,
            job: JobId::new(1, 2),
            job_name: "j",
            attempt: 3,
            try_number: 1,
            secret_id: Some("rs/admin"),
        };
        let env = build(&base, Some(&secret), own.map(|(n, v)| (n.to_owned(), v.to_owned())), ids);
        let get =
            |name: &str| env.get(&OsString::from(name)).map(|value| value.to_string_lossy().into_owned());
        assert_eq!(get("USER").as_deref(), Some("me"));
        assert_eq!(get("RSQLFLOW_ATTEMPT").as_deref(), Some("3"));
        assert_eq!(get("RSQLFLOW_JOB_ID").as_deref(), Some("0001#00002"));
        assert_eq!(get("LANG").as_deref(), Some("de_DE"));
        assert_eq!(get("AWS_REGION").as_deref(), Some("eu-west-1"));
        assert_eq!(get("RSQLFLOW_SECRET_ID").as_deref(), Some("rs/admin"));
        assert_eq!(get("RSPASSWORD"), None);
    }

    proptest! {
        #[test]
        fn no_secret_makes_it_panic(text in ".*") {
            let _ = DatabaseSecret::parse(&text);
        }
    }
}
