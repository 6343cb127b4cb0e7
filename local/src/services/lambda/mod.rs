//! Lambda: functions of this process, invoked by path or by Step Functions.
//!
//! `invoke` runs a function; `rest` and `describe` are the API; `queue` keeps asynchronous events on disk until
//! their function has succeeded or its tries are used up.

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
    /// `LastModified` of the functions: they are as new as this process.
    started: i64,
}

impl Lambda {
    /// With these functions; opens or creates the queue's database in `dir`.
    pub(crate) fn open(
        dir: &Path,
        functions: impl IntoIterator<Item = Function>,
    ) -> Result<Self, LocalError> {
        let by_name = functions.into_iter().map(|function| (function.name.clone(), function));
        let (functions, queue) = (by_name.collect(), Queue::open(dir)?);
        Ok(Self { shared: Arc::new(Shared { functions, queue, started: place::now_ms() }) })
    }

    /// Starts no more queued events.
    pub(crate) fn stop(&self) {
        self.shared.queue.stop();
    }

    /// Starts no more queued events, and closes the queue's file. What is queued stays there.
    pub(crate) async fn close(&self) {
        self.shared.queue.close().await;
    }
}
