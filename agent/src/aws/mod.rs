//! The services that the agent calls, each client made when it is first needed.
//!
//! - [`clients`]: how they are configured.
//! - [`tokens`]: answering and heartbeating a task token.
//! - [`secrets`]: reading a database secret.
//! - [`backoff`]: how long each call may be repeated.

pub mod backoff;
pub mod clients;
pub mod secrets;
pub mod tokens;

pub use backoff::Backoff;
pub use clients::Clients;
pub use tokens::{Heard, TokenError, Tokens};
