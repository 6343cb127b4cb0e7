//! One job from the command to the answer.
//!
//! - [`context`]: what all parts need, and which job it is.
//! - [`queue`]: waiting for a slot while the instance is full.
//! - [`claim`]: the heartbeat before the claim, and the claim.
//! - [`refuse`]: what becomes of a job whose row this agent does not understand.
//! - [`keeper`]: renewals, new tokens, orders; runs beside the work and talks to it by [`crate::process::Control`].
//! - `lookout`: looks for a cancel between the renewals.
//! - [`tries`]: the script, its reruns, and what became of it.
//! - `spooling`: the result into the spool, while its row is closed.
//! - `output`: the file of the output, and its way to CloudWatch Logs.
//! - [`deliver`]: close and answer; also for what other agents left.
//! - `delivery`: all that comes after the script, for this process's own job.
//! - [`job`]: all of it in order.

pub mod claim;
pub mod context;
pub mod deliver;
mod delivery;
pub mod job;
pub mod keeper;
mod lookout;
mod output;
pub mod queue;
mod refuse;
mod spooling;
pub mod tries;

pub use context::{Assignment, Context};
pub use job::{Finished, NotRun, run};
use lookout::Lookout;
