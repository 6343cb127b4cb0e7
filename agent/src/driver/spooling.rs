//! Writes a result to the spool while its row is being closed.

use std::thread;

use tokio::sync::oneshot;

use crate::spool::result::Room;
use crate::spool::{Entry, Held, Results};

/// Two syncs of a disk take as long as closing the row, and a result is safe when one of them is complete. So both start
/// at the same time, this one in a thread.
pub(super) struct Spooling {
    done: oneshot::Receiver<Option<Held>>,
}

impl Spooling {
    /// Starts.
    pub(super) fn begin(results: &Results, entry: &Entry, room: Option<Room>) -> Self {
        let (tell, done) = oneshot::channel();
        let work = {
            let (results, entry, span) = (results.clone(), entry.clone(), tracing::Span::current());
            move || {
                let held = span.in_scope(|| keep(&results, entry, room));
                // The receiver may have ended with the process.
                let _ = tell.send(held);
            }
        };
        if thread::Builder::new().name("spool".to_owned()).spawn(work).is_ok() {
            return Self { done };
        }
        // The thread could not be started, and the reserved space was dropped. The result is written without it.
        let (tell, done) = oneshot::channel();
        let _ = tell.send(keep(results, entry.clone(), None));
        Self { done }
    }

    /// The result in the spool. `None` if it could not be written.
    pub(super) async fn done(self) -> Option<Held> {
        self.done.await.ok().flatten()
    }
}

/// Writes it, or reports at once that it is not written: its delivery may take hours.
fn keep(results: &Results, entry: Entry, room: Option<Room>) -> Option<Held> {
    let error = match results.keep(entry, room) {
        Ok(held) => return Some(held),
        Err(error) => error,
    };
    let error: &dyn std::error::Error = &error;
    tracing::error!(
        error,
        "the result is not in the spool; it is lost if this process ends before it is delivered"
    );
    None
}
