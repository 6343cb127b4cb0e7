//! One job from the command to the answer.
//!
//! - [`context`]: shared data, and the job of the command.
//! - [`queue`]: waiting for a slot while the instance is full.
//! - [`claim`]: the heartbeat before the claim, and the claim.
//! - [`refuse`]: jobs whose row this agent does not support.
//! - [`keeper`]: renewals and new tokens. Runs beside the script and controls it with [`crate::process::Control`].
//! - `cancel_watch`: checks for a cancel between renewals.
//! - [`tries`]: the tries of the script.
//! - `spooling`: writes the result to the spool while its row is closed.
//! - `output`: the file of the output, and its delivery to CloudWatch Logs.
//! - [`deliver`]: closes the row and answers the token; also for results of other agents.
//! - `delivery`: everything after the script, for the job of this process.
//! - [`job`]: the sequence of all steps.

mod cancel_watch;
pub mod claim;
pub mod context;
pub mod deliver;
mod delivery;
pub mod job;
pub mod keeper;
mod output;
pub mod queue;
mod refuse;
mod spooling;
pub mod tries;

use cancel_watch::CancelWatch;
pub use context::{Assignment, Context};
pub use job::{Finished, NotRun, run};
