//! The server, seen from the client.
//!
//! `target` says where to connect, `url` and `odbc_ini` read it, `stream` opens the socket (with `tls`),
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
mod url;
mod wire;

pub use cancel::CancelKey;
pub(crate) use cancel::Canceller;
pub use error::ConnectError;
pub(crate) use odbc_ini::{Dsn, OdbcError, find_dsn};
pub use query::Column;
pub(crate) use query::Event;
pub use server_error::ServerError;
pub(crate) use target::REDSHIFT_PORT;
pub use target::{SslMode, Target};
pub use url::UrlError;
pub(crate) use wire::Connection;
pub use wire::WireError;
