//! A result on its way into the spool, while its row is being closed.

use std::thread;

use tokio::sync::oneshot;

use crate::spool::result::Room;
use crate::spool::{Entry, Held, Results};

/// Two syncs of a disk take as long as closing the row, and neither needs the other: a result is safe as soon as one of
/// them is done. So both begin at once; this one in a thread, for a disk cannot be awaited.
pub(super) struct Spooling {
    done: oneshot::Receiver<Option<Held>>,
}

impl Spooling {
    /// Begins.
    pub(super) fn begin(results: &Results, entry: &Entry, room: Option<Room>) -> Self {
        let (tell, done) = oneshot::channel();
        let work = {
            let (results, entry, span) = (results.clone(), entry.clone(), tracing::Span::current());
            move || {
                let held = span.in_scope(|| keep(&results, entry, room));
                // Nobody asks any more where this process ends.
                let _ = tell.send(held);
            }
        };
        if thread::Builder::new().name("spool".to_owned()).spawn(work).is_ok() {
            return Self { done };
        }
        // No thread is to be had, and with it went the room; the result is to be kept all the same.
        let (tell, done) = oneshot::channel();
        let _ = tell.send(keep(results, entry.clone(), None));
        Self { done }
    }

    /// The result in the spool; nothing where it could not be kept.
    pub(super) async fn done(self) -> Option<Held> {
        self.done.await.ok().flatten()
    }
}

/// Keeps it, or says at once that it is not kept: to deliver it may take hours.
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
