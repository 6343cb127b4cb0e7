//! Checks of members that several operations share.

use serde::Deserialize;

use crate::http::{AwsError, Constraints};

/// Refuses ids that are not valid for commands and instances.
pub(super) fn command_and_instance(command: Option<&str>, instance: Option<&str>) -> Result<(), AwsError> {
    let mut constraints = Constraints::default();
    constraints.length("commandId", command, 36..=36);
    instance_id(&mut constraints, "instanceId", instance);
    constraints.check("ValidationException")
}

/// `InstanceId`. Ids end in 8 or 17 characters.
pub(super) fn instance_id(constraints: &mut Constraints, member: &str, id: Option<&str>) {
    constraints.pattern(member, id, "(^i-(\\w{8}|\\w{17})$)|(^mi-\\w{17}$)", |id| {
        let word = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        match (id.strip_prefix("i-"), id.strip_prefix("mi-")) {
            (Some(rest), _) => word(rest) && matches!(rest.len(), 8 | 17),
            (None, Some(rest)) => word(rest) && rest.len() == 17,
            (None, None) => false,
        }
    });
}

/// A page: `MaxResults`, and the row after which it starts.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Page {
    pub(super) max_results: Option<usize>,
    pub(super) next_token: Option<String>,
}

impl Page {
    /// Items of the page. Without `MaxResults`, the maximum.
    pub(super) fn limit(&self, least: usize, most: usize) -> Result<usize, AwsError> {
        let mut constraints = Constraints::default();
        constraints.range("maxResults", self.max_results, least..=most);
        constraints.check("ValidationException")?;
        Ok(self.max_results.unwrap_or(most))
    }

    /// Reads the token of the previous page.
    pub(super) fn after<T: std::str::FromStr>(&self) -> Result<Option<T>, AwsError> {
        // Clients of the service may send an empty token for the first page.
        let Some(token) = self.next_token.as_deref().filter(|token| !token.is_empty()) else {
            return Ok(None);
        };
        token.parse().map(Some).map_err(|_| invalid_token())
    }
}

pub(super) fn invalid_token() -> AwsError {
    AwsError::client("InvalidNextToken", "The specified token is not valid.")
}
