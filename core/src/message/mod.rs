//! What the state machines, the functions and the command line say to each other.
//!
//! A reader ignores what it does not know, for old machines meet new functions.
//!
//! - [`trigger`]: starting and restarting a run.
//! - [`master`]: the master machine and its iterator.
//! - [`child`]: a chunk of a stage, and the machine that runs it.
//! - [`invoke`]: one try of one job.
//! - [`audit`]: the end of a run.
//! - [`sweep`]: runs whose end nobody told.

mod audit;
mod child;
mod invoke;
mod master;
mod sweep;
mod trigger;

pub use audit::{
    AuditAnswer, AuditRequest, ExecutionDetail, ExecutionEnded, ExecutionStatus, RUN_ENDED_DETAIL_TYPE,
    RUN_ENDED_STATUSES,
};
pub use child::{ChildInput, ChunkRequest, Empty, Items, ParallelInput, child_name};
pub use invoke::{InvokeAnswer, InvokeRequest, LAUNCHED};
pub use master::{MasterAnswer, MasterInput, MasterRequest, Next, Trouble};
pub use sweep::{SweepAnswer, SweepRequest, Swept};
pub use trigger::{RestartRequest, TriggerAnswer, TriggerRequest, TriggerStatus};
