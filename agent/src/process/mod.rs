//! One try of one script: its program, its environment, and its end.
//!
//! - [`script`]: from the job's path to a program and its arguments.
//! - [`environment`]: the script's environment, and the form of a database secret.
//! - [`exit`]: exit code, signal and "never started" as separate values.
//! - `memory`: whether the kernel killed processes because memory ran out.
//! - [`run`]: starts through the guard, collects the output, stops on request, and waits until all processes have ended.

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
