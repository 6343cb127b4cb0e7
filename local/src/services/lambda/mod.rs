//! Lambda: functions in this process, invoked over HTTP or by Step Functions.
//!
//! `invoke` runs a function; `rest` and `describe` are the API; `queue` stores asynchronous events until their function
//! succeeded or failed for the last time.

mod describe;
mod function;
mod invoke;
mod operation;
mod payload;
mod queue;
mod rest;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::LocalError;
use crate::place;

pub(crate) use function::Function;
pub use function::FunctionError;
pub(crate) use invoke::Invoked;
pub(crate) use operation::is_path;
pub(crate) use queue::Left;

use queue::Queue;

/// The embedded Lambda. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Lambda {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    functions: BTreeMap<String, Function>,
    queue: Queue,
    /// `LastModified` of the functions: the start of this process.
    started: i64,
}

impl Lambda {
    /// Creates the service with these functions. Opens or creates the queue's database in `dir`.
    pub(crate) fn open(
        dir: &Path,
        functions: impl IntoIterator<Item = Function>,
    ) -> Result<Self, LocalError> {
        let by_name = functions.into_iter().map(|function| (function.name.clone(), function));
        let (functions, queue) = (by_name.collect(), Queue::open(dir)?);
        Ok(Self { shared: Arc::new(Shared { functions, queue, started: place::now_ms() }) })
    }

    /// Stops starting queued events.
    pub(crate) fn stop(&self) {
        self.shared.queue.stop();
    }

    /// Stops starting queued events, and closes the queue's database. Queued events remain in it.
    pub(crate) async fn close(&self) {
        self.shared.queue.close().await;
    }
}
