//! A script's output on its way: read once, kept locally, sent to CloudWatch Logs, searched for errors.
//!
//! - `forms`: the ways in which a password is written.
//! - [`redact`]: the password leaves the stream before anything else sees it.
//! - [`clean`]: removes local files that are old enough.
//! - [`capture`]: the local file, and how far it has been written.
//! - [`events`]: from bytes of the file to log events within the service's limits, as a pure function.
//! - [`shipper`]: follows the file and sends. It reads what is on disk, so its memory does not depend on how
//!   far the service has fallen behind, and the script never waits for it.
//! - [`cloudwatch`]: the three calls.

pub mod capture;
pub mod clean;
pub mod cloudwatch;
pub mod events;
mod forms;
pub mod redact;
pub mod shipper;

pub use capture::{Capture, Progress};
pub use redact::Redactor;
pub use shipper::{Shipped, Shipper};
