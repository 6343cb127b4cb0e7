//! `CancelStatement`.

use serde::Deserialize;
use serde_json::json;

use crate::http::{AwsError, answer, parse};
use crate::services::redshift_data::describe::Id;
use crate::services::redshift_data::{RedshiftData, invalid};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Cancel {
    id: String,
}

impl RedshiftData {
    /// Asks the server for the end of a statement. Its status tells whether that came before the statement's own end.
    pub(super) async fn cancel_statement(&self, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        let request: Cancel = parse("CancelStatement", body)?;
        let id = Id::read(&request.id)?;
        let (statement, _) = self.shared.find(&id).await?;
        match self.shared.running(&id.statement) {
            Some(running) if !statement.status.has_ended() => {
                self.shared.request_cancel(running);
                answer(&json!({ "Status": true }))
            }
            _ => {
                let status = statement.status.as_str();
                let id = request.id;
                Err(invalid(format!(
                    "Could not cancel a query that is already in {status} state with ID: {id}"
                )))
            }
        }
    }
}
