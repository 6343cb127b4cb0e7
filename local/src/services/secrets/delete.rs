//! `DeleteSecret`.

use rusqlite::Connection;
use serde::Deserialize;
use serde_json::json;

use crate::http::{AwsError, answer, parse};
use crate::place;
use crate::services::secrets::{Secrets, store};

/// Days until a deleted secret is removed (`DeleteSecret` API reference).
const WINDOW: std::ops::RangeInclusive<i64> = 7..=30;

const DAY: i64 = 24 * 3_600_000;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Delete {
    secret_id: String,
    recovery_window_in_days: Option<i64>,
    #[serde(default)]
    force_delete_without_recovery: bool,
}

impl Secrets {
    pub(super) async fn delete_secret(&self, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        let request: Delete = parse("DeleteSecret", body)?;
        let invalid = |message: &str| Err(AwsError::client("InvalidParameterException", message));
        let force = request.force_delete_without_recovery;
        if force && request.recovery_window_in_days.is_some() {
            return invalid(
                "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.",
            );
        }
        let days = request.recovery_window_in_days.unwrap_or(*WINDOW.end());
        if !WINDOW.contains(&days) {
            return invalid("The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).");
        }
        let id = request.secret_id;
        let now = place::now_ms();
        let end = if force { now } else { now + days * DAY };
        let (name, arn) = self.worker.run(move |db| delete(db, &id, force, now, end)).await??;
        answer(&json!({"ARN": arn, "Name": name, "DeletionDate": place::seconds(end)}))
    }
}

fn delete(
    db: &mut Connection,
    id: &str,
    force: bool,
    now: i64,
    end: i64,
) -> Result<(String, String), AwsError> {
    let found = match store::find_any(db, id) {
        Ok(found) => found,
        // As in the service, a forced deletion of a secret that does not exist succeeds.
        Err(error) if force && error.code == "ResourceNotFoundException" => {
            return Ok((id.to_owned(), place::arn("secretsmanager", format_args!("secret:{id}"))));
        }
        Err(error) => return Err(error),
    };
    if found.deleted.is_some() && !force {
        let message =
            "You can't perform this operation on the secret because it was already scheduled for deletion.";
        return Err(AwsError::client("InvalidRequestException", message));
    }
    let transaction = db.transaction()?;
    transaction
        .execute("UPDATE secret SET deleted = ?2, ends = ?3 WHERE name = ?1", (&found.name, now, end))?;
    store::remove_ended(&transaction)?;
    transaction.commit()?;
    Ok((found.name, found.arn))
}
