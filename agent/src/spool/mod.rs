//! What the agent keeps on disk, below `spool_dir`.
//!
//! - [`result`]: `results/`, one file for each result until it has been delivered.
//! - [`slot`]: `slots/`, one lock for each script that may run here.

pub mod result;
pub mod slot;

pub use result::{Entry, Held, Results, SpoolError};
pub use slot::{Occupant, Slot, Slots};
