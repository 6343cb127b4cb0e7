//! `rsql`, a client for Amazon Redshift RSQL scripts that runs anywhere.
//!
//! [`lexer`] reads scripts, the session runs them, `meta` holds the meta commands, `connection` is the
//! server, `output` prints results, [`dialect`] translates Redshift's SQL for PostgreSQL, [`check`] and
//! [`flow`] look at scripts without running them. [`Client`] runs single statements for other programs. `docs/rsql.md`
//! is the manual.

pub mod check;
mod cli;
mod connection;
pub mod dialect;
pub mod flow;
mod meta;
mod output;
mod session;

pub use cli::main;
pub use connection::{CancelKey, Column, ConnectError, ServerError, SslMode, Target, UrlError, WireError};
pub use rsql_lexer as lexer;
pub use session::{Client, Ended, Origin, Parameter, Rows, parameter_names};
