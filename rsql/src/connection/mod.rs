//! The server, seen from the client.
//!
//! `target` says where to connect, `odbc_ini` reads DSNs, `stream` opens the socket (with `tls`),
//! `startup` logs in, `wire` frames messages, `query` runs statements, `cancel` stops them.

mod cancel;
mod error;
mod odbc_ini;
mod query;
mod server_error;
mod startup;
mod stream;
mod target;
mod tls;
mod wire;

pub(crate) use cancel::{CancelKey, Canceller};
pub(crate) use error::ConnectError;
pub(crate) use odbc_ini::{Dsn, OdbcError, find_dsn};
pub(crate) use query::{Column, Event};
pub(crate) use server_error::ServerError;
pub(crate) use target::{REDSHIFT_PORT, SslMode, Target};
pub(crate) use wire::{Connection, WireError};
