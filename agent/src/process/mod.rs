//! One try of one script: what to start, in which environment, and how it ended.
//!
//! - [`script`]: from the job's path to a program and its arguments.
//! - [`environment`]: the script's whole environment, and the shape of a database secret.
//! - [`exit`]: exit code, signal and "never started" as separate values.
//! - `memory`: whether the kernel has killed processes because memory ran out.
//! - [`run`]: start through the guard, collect the output, stop on demand, see to it that all is gone.

pub mod environment;
pub mod exit;
mod memory;
pub mod run;
pub mod script;

pub use environment::{Base, DatabaseSecret, InvalidSecret};
pub use exit::{Exit, NeverStarted, StopReason, TryEnd};
pub use memory::Memory;
pub use run::{Control, Supervisor};
pub use script::{Script, ScriptError};
