//! A result on its way into the spool, while its row is being closed.

use std::thread;

use tokio::sync::oneshot;

use crate::spool::result::Room;
use crate::spool::{Entry, Held, Results, SpoolError};

/// Two syncs of a disk take as long as closing the row, and neither needs the other: a result is safe as soon as one of
/// them is done. So both begin at once; this one in a thread, for a disk cannot be awaited.
pub(super) struct Spooling {
    done: oneshot::Receiver<Result<Held, SpoolError>>,
}

impl Spooling {
    /// Begins.
    pub(super) fn begin(results: &Results, entry: &Entry, room: Option<Room>) -> Self {
        let (tell, done) = oneshot::channel();
        let work = {
            let (results, entry) = (results.clone(), entry.clone());
            move || {
                // Nobody asks any more where this process ends.
                let _ = tell.send(results.keep(entry, room));
            }
        };
        if thread::Builder::new().name("spool".to_owned()).spawn(work).is_err() {
            // No thread is to be had, and with it went the room; the result is to be kept all the same.
            let (tell, done) = oneshot::channel();
            let _ = tell.send(results.keep(entry.clone(), None));
            return Self { done };
        }
        Self { done }
    }

    /// The result in the spool; nothing where it could not be kept, which is logged.
    pub(super) async fn done(self) -> Option<Held> {
        let error: Box<dyn std::error::Error + Send + Sync> = match self.done.await {
            Ok(Ok(held)) => return Some(held),
            Ok(Err(error)) => error.into(),
            Err(ended) => ended.into(),
        };
        let error: &dyn std::error::Error = error.as_ref();
        tracing::error!(error, "the result is not in the spool; it is lost if this process ends now");
        None
    }
}
