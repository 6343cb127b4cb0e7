//! The endpoint.

mod agents;
mod clock;
mod deployment;
mod functions;
mod start;

pub use functions::Functions;
pub use start::Endpoint;
