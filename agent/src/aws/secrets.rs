//! Reading a database secret.

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::{DisplayErrorContext, ProvideErrorMetadata};

use super::Backoff;
use crate::process::{DatabaseSecret, InvalidSecret};

/// Why there are no credentials. The text has nothing of the secret in it.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The service could not be reached, or refuses.
    #[error("secret {id:?} cannot be read: {reason}")]
    Service {
        /// Which secret.
        id: String,
        /// What the service says.
        reason: String,
    },
    /// It is not a database's.
    #[error("secret {id:?} is of no use")]
    Invalid {
        /// Which secret.
        id: String,
        /// What is wrong with it.
        #[source]
        source: InvalidSecret,
    },
}

/// Reads a secret, repeating what may succeed later as long as the policy allows.
///
/// # Errors
/// [`SecretError`].
pub async fn read(client: &Client, id: &str, mut backoff: Backoff) -> Result<DatabaseSecret, SecretError> {
    loop {
        let (reason, transient) = match client.get_secret_value().secret_id(id).send().await {
            Ok(value) => {
                let text = value.secret_string().unwrap_or_default();
                return DatabaseSecret::parse(text)
                    .map_err(|source| SecretError::Invalid { id: id.to_owned(), source });
            }
            Err(error) => match error.as_service_error().and_then(|e| Some((e.code()?, e.message()))) {
                Some((code, message)) => (
                    format!("{code}: {}", message.unwrap_or_default()),
                    matches!(code, "InternalServiceError" | "ThrottlingException"),
                ),
                None => (DisplayErrorContext(&error).to_string(), true),
            },
        };
        if !transient || !backoff.pause().await {
            return Err(SecretError::Service { id: id.to_owned(), reason });
        }
    }
}
