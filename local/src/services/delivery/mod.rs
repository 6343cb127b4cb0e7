//! What EventBridge, Scheduler and SNS have in common: deliveries that survive, and targets that take them.
//!
//! `queue` keeps deliveries in a service's own database until they are done, so that accepting an event and
//! queueing its deliveries is one transaction. `target` calls what an ARN names. `retry` says when to try again.

mod queue;
mod retry;
mod target;

pub(crate) use queue::{Delivery, Outcome, Queue, TABLE, add};
pub(crate) use retry::RetryPolicy;
pub(crate) use target::{Kind, call};
