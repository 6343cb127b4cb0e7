//! What the agent gives to scripts beside their environment: the client `rsql`, and `get_redshift_creds.sh`.
//!
//! - [`client`]: which `rsql` a script finds on its `PATH`.
//! - [`place`]: where both lie.

pub mod client;
pub mod place;

pub use client::{NoClient, RsqlClient};
pub use place::Tools;
