//! The output of a script: read once, stored locally, sent to CloudWatch Logs, searched for errors.
//!
//! - `forms`: the forms of a password.
//! - [`redact`]: removes the password from the stream before anything else sees it.
//! - [`clean`]: removes local files that are old enough.
//! - [`capture`]: the local file, and how much of it has been written.
//! - [`events`]: splits the file into log events within the service's limits, as a pure function.
//! - [`shipper`]: follows the file and sends it. It reads from disk, so its memory does not depend on the delay of the
//!   service, and the script never waits for it.
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
