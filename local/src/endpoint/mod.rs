//! The endpoint as a whole.

mod agents;
mod deployment;
mod start;

pub use start::Endpoint;
