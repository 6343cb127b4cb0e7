//! Paging: `maxResults` and `nextToken`.

use crate::http::AwsError;

/// Entries of a page: the default (also for 0), and the maximum (Step Functions API reference, `ListExecutions`).
const DEFAULT: usize = 100;
const MOST: usize = 1_000;

/// A requested page.
#[derive(Debug, Clone, Copy)]
pub(super) struct Page {
    /// Number of entries.
    pub(super) size: usize,
    /// The token of the previous page. `None` for the first page.
    pub(super) from: Option<usize>,
}

impl Page {
    pub(super) fn read(max_results: Option<usize>, token: Option<&str>) -> Result<Self, AwsError> {
        let size = match max_results {
            None | Some(0) => DEFAULT,
            Some(n) if n <= MOST => n,
            Some(n) => {
                let message = format!("maxResults {n} is more than {MOST}");
                return Err(AwsError::client("ValidationException", message));
            }
        };
        let from = match token {
            None => None,
            Some(text) => Some(text.parse().map_err(|_| {
                AwsError::client("InvalidToken", "Invalid Token: 'Invalid pagination token'")
            })?),
        };
        Ok(Self { size, from })
    }
}
