//! Starts a run of a workflow, once for each execution id.
//!
//! The order of writes makes it safe to be killed at any point, and to be called again with the same id:
//!
//! 1. the workflow's lock (under `forbid`), taken for the id: taking it again is no change;
//! 2. the plan snapshot, only if there is none: a plan does not change when the item is edited;
//! 3. the run's row, only if there is none. **From here on the run exists**: every later call with its id finds the row,
//!    reads neither item nor lock, and continues with 4;
//! 4. StartExecution with the same name and the same input, always. While the execution runs, the service returns the same
//!    answer, and after its end `ExecutionAlreadyExists`; both are success. A closed row is not started, because the service
//!    forgets names after 90 days.
//!
//! A restart is a run like any other. Only its plan is derived from that of the run that ended, by
//! [`rsqlflow_core::restart`].
//!
//! [`rsqlflow_core::event_start`] turns an event of EventBridge into such a call, with an id that is the same for every
//! delivery of the event.
//!
//! A call that is killed between 1 and 4 and is never repeated leaves a lock. A later trigger takes it over if its holder has
//! no execution and the lock is older than the lifetime of a function. It closes the holder's row first, and the master's
//! first state refuses a run whose row is closed, in case the holder's start arrives late.

mod handler;
mod lock;
mod request;
mod restart;
mod start;

pub use handler::handle;
pub(crate) use request::request;
