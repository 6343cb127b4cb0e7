//! Starts a run of a workflow, once for each execution id.
//!
//! The order of writes makes it safe to die anywhere and be called again with the same id:
//!
//! 1. the workflow's lock (under `forbid`), taken by the id: taking it again is no change;
//! 2. the plan snapshot, only if there is none: what a first call planned stays, however the item was edited;
//! 3. the run's row, only if there is none. **From here on the run exists**: every later call with its id finds
//!    the row, reads neither item nor lock, and goes on with 4;
//! 4. StartExecution with the same name and the same input, always. The service answers the same while that
//!    execution runs and `ExecutionAlreadyExists` after its end; both are success. A row that is closed is not
//!    started: the service forgets names after 90 days.
//!
//! A restart is a run like any other: only its plan is made from that of the run that ended, by
//! [`rsqlflow_core::restart`].
//!
//! An event of EventBridge is turned into such a call by [`rsqlflow_core::event_start`], with an id that is the same at
//! every delivery of the event.
//!
//! A call that dies between 1 and 4 and is never repeated leaves a lock; a later trigger takes it over when its
//! holder has no execution and the lock is older than any function can live. It closes the holder's row first,
//! and the master's first state refuses a run whose row is closed, should the holder's start come after all.

mod handler;
mod lock;
mod request;
mod restart;
mod start;

pub use handler::handle;
pub(crate) use request::request;
