//! `ExecuteStatement` and `BatchExecuteStatement`.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::http::{AwsError, answer};
use crate::place;
use crate::services::redshift_data::request::{Request, Submission};
use crate::services::redshift_data::run::{self, Running};
use crate::services::redshift_data::store::{self, Statement};
use crate::services::redshift_data::{RedshiftData, wait};

impl RedshiftData {
    pub(super) async fn execute_statement(&self, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        self.submit(Request::execute(body)?).await
    }

    pub(super) async fn batch_execute_statement(&self, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        self.submit(Request::batch(body)?).await
    }

    /// Accepts a statement and starts it; or finds the one that was accepted with the same token.
    async fn submit(&self, request: Request) -> Result<Vec<u8>, AwsError> {
        if self.shared.closing.is_cancelled() {
            return Err(AwsError::internal("the endpoint is shutting down"));
        }
        let login = self.shared.warehouses.login(&request.place, &self.shared.secrets).await?;
        let digest = request.digest()?;
        let wait = request.wait;
        let submission = Submission {
            sqls: request.sqls,
            batch: request.batch,
            name: request.name,
            parameters: request.parameters,
            warehouse: login.warehouse.clone(),
            cluster: request.place.cluster,
            workgroup: request.place.workgroup,
            database: login.target.database.clone(),
            db_user: request.place.db_user,
            secret_arn: request.place.secret_arn,
            csv: request.csv,
            event: request.event && self.shared.on_end.is_some(),
            token: request.token,
            digest,
        };
        let id = uuid::Uuid::new_v4().to_string();
        let running = Arc::new(Running::default());
        // Before the row is there: who finds the row finds what runs.
        self.shared
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(id.clone(), Arc::clone(&running));
        let new_id = id.clone();
        let accepted =
            self.shared.worker.run(move |db| store::accept(db, &new_id, &submission, place::now_ms())).await;
        let accepted = accepted.map_err(AwsError::from).and_then(std::convert::identity);
        if !matches!(accepted, Ok((_, true))) {
            self.shared.running.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
        }
        let (mut statement, new) = accepted?;
        if new {
            let shared = Arc::clone(&self.shared);
            self.shared.tasks.spawn(run::run(shared, statement.clone(), login, running));
        }
        if let Some(seconds) = wait {
            let id = statement.id.clone();
            wait::until_ended(&self.shared, &id, Duration::from_secs(seconds)).await;
            if let Some(now) =
                self.shared.worker.run(move |db| store::find(db, &id, place::now_ms())).await??
            {
                statement = now;
            }
        }
        answer(&accepted_answer(&statement))
    }
}

fn accepted_answer(statement: &Statement) -> Value {
    let mut members = Map::new();
    members.insert("Id".to_owned(), json!(statement.id));
    members.insert("CreatedAt".to_owned(), json!(place::seconds(statement.created)));
    members.insert("Database".to_owned(), json!(statement.database));
    members.insert("Status".to_owned(), json!(statement.status));
    let mut optional = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            members.insert(name.to_owned(), value);
        }
    };
    optional("ClusterIdentifier", statement.cluster.as_ref().map(|text| json!(text)));
    optional("WorkgroupName", statement.workgroup.as_ref().map(|text| json!(text)));
    optional("DbUser", statement.db_user.as_ref().map(|text| json!(text)));
    optional("SecretArn", statement.secret_arn.as_ref().map(|text| json!(text)));
    optional("RedshiftPid", statement.pid.map(|pid| json!(pid)));
    let has_result = statement.parts.iter().any(|part| part.columns.is_some());
    optional("HasResultSet", statement.status.has_ended().then(|| json!(has_result)));
    Value::Object(members)
}
