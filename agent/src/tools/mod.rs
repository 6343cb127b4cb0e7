//! Tools for scripts: the client `rsql`, and `get_redshift_creds.sh`.
//!
//! - [`client`]: selects the `rsql` on the `PATH` of scripts.
//! - [`place`]: writes both into a directory.

pub mod client;
pub mod place;

pub use client::{NoClient, RsqlClient};
pub use place::Tools;
