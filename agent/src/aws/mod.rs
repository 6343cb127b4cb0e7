//! The services that the agent calls. Each client is created when it is first needed.
//!
//! - [`clients`]: configuration of the clients.
//! - [`tokens`]: heartbeats and answers of a task token.
//! - [`secrets`]: reading a database secret.
//! - [`backoff`]: retry policies.

pub mod backoff;
pub mod clients;
pub mod secrets;
pub mod tokens;

pub use backoff::Backoff;
pub use clients::Clients;
pub use tokens::{TokenError, TokenStatus, Tokens};
