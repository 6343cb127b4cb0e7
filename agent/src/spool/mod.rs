//! What the agent keeps on disk, below `spool_dir`.
//!
//! - [`logs`]: `logs/`, one record for each log until all of it has been sent.
//! - [`result`]: `results/`, one file for each result until it has been delivered.
//! - [`slot`]: `slots/`, one lock for each script that may run here.

pub mod logs;
pub mod result;
pub mod slot;

pub use logs::{LogRecord, UnsentLog, UnsentLogs};
pub use result::{Entry, Held, Results, SpoolError};
pub use slot::{Occupant, Slot, Slots};
