//! `CancelCommand`.

use serde::Deserialize;
use serde_json::json;

use crate::http::{AwsError, Constraints, answer, parse};
use crate::services::ssm::{Ssm, check, rows, send};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Cancel {
    command_id: String,
    #[serde(default)]
    instance_ids: Vec<String>,
}

impl Ssm {
    /// Cancels pending invocations, and stops running ones: the process group gets SIGTERM and, after five seconds, SIGKILL.
    /// Invocations that have ended do not change.
    pub(super) async fn cancel_command(&self, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        let request: Cancel = parse("CancelCommand", body)?;
        let mut constraints = Constraints::default();
        constraints.length("commandId", Some(&request.command_id), 36..=36);
        constraints.items("instanceIds", Some(&request.instance_ids), 0..=50);
        for id in &request.instance_ids {
            check::instance_id(&mut constraints, "instanceIds", Some(id));
        }
        constraints.check("ValidationException")?;
        send::refuse_duplicates(&request.instance_ids)?;
        let stopped = self
            .worker
            .run(move |db| {
                let Some(command) = rows::command(db, &request.command_id)? else {
                    let message = format!("The command {} does not exist.", request.command_id);
                    return Err(AwsError::client("InvalidCommandId", message));
                };
                let invocations = rows::invocations(db, command.id)?;
                let has = |id: &String| invocations.iter().any(|row| row.instance_id == *id);
                if let Some(id) = request.instance_ids.iter().find(|id| !has(id)) {
                    let message = format!("The command was not sent to {id}.");
                    return Err(AwsError::client("InvalidInstanceId", message));
                }
                Ok(rows::cancel(db, command.id, &request.instance_ids)?)
            })
            .await??;
        self.deliverer.stop(&stopped);
        answer(&json!({}))
    }
}
