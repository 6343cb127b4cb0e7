//! Messages between the state machines, the functions and the command line.
//!
//! A reader ignores what it does not know, for old machines meet new functions.
//!
//! - [`trigger`]: starting and restarting a run.
//! - [`master`]: the master machine and its iterator.
//! - [`child`]: a chunk of a stage, and the machine that runs it.
//! - [`invoke`]: one try of one job.
//! - [`audit`]: the end of a run.
//! - [`clock`]: statements that are due, and runs whose end was not reported.

mod audit;
mod child;
mod clock;
mod invoke;
mod master;
mod trigger;

pub use audit::{
    AuditAnswer, AuditRequest, ExecutionDetail, ExecutionEnded, ExecutionStatus, RUN_ENDED_DETAIL_TYPE,
    RUN_ENDED_STATUSES,
};
pub use child::{ChildInput, ChunkRequest, Empty, Items, ParallelInput, child_name};
pub use clock::{ClockAnswer, ClockPart, ClockRequest, StatementEnded, SweepAnswer, Swept, UnreadableRow};
pub use invoke::{InvokeAnswer, InvokeRequest, LAUNCHED};
pub use master::{MasterAnswer, MasterInput, MasterRequest, Next, Trouble};
pub use trigger::{Refusal, RestartRequest, TriggerAnswer, TriggerRefused, TriggerRequest, TriggerStatus};

#[cfg(test)]
mod tests {
    use serde_json::Value;

    /// Cargo gives the endpoint, which is built with the interpreter, other features of `serde_json` than a function
    /// that is built alone, unless every part names them. This test is one of a part that is built alone.
    #[test]
    fn members_keep_their_order_in_every_build() {
        let text = r#"{"b":1,"a":{"d":2,"c":3}}"#;
        assert_eq!(serde_json::from_str::<Value>(text).unwrap().to_string(), text);
    }
}
