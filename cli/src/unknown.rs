//! Workflow ids that the config table does not have.

use std::time::Duration;

use rsqlflow_core::{WorkflowId, did_you_mean};
use tokio::time::timeout;

use crate::place::Place;
use crate::printer::one_line;

/// Longest wait for a hint: a table may have thousands of workflows, and is read whole for their ids.
const PATIENCE: Duration = Duration::from_secs(2);

/// What to do about such an id: the one that was most likely meant, where there is one like it.
pub(crate) async fn hint(place: &Place, id: &WorkflowId) -> String {
    let all = "`rsqlflow list` lists the workflows, `rsqlflow put FILE` adds one";
    // Where the ids cannot be listed, the mistake is told all the same.
    let listed = match timeout(PATIENCE, place.store.config().list()).await {
        Ok(Ok(listed)) => listed,
        _ => Vec::new(),
    };
    match did_you_mean(id.as_str(), listed.iter().map(|(id, _)| id.as_str())) {
        Some(meant) => format!("did you mean {:?}? {all}", one_line(meant)),
        None => all.to_owned(),
    }
}
