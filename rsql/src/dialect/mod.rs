//! Redshift's SQL on PostgreSQL: enough to test real scripts without a cluster.
//!
//! A statement is read as tokens ([`crate::lexer::token`]) and written anew where it says something that
//! PostgreSQL says otherwise; a statement that has nothing of the kind is sent byte for byte as it is.
//! What has no counterpart is an error that names it. `docs/rsql.md` has the table.
//!
//! `statement` decides by the first words; `table` does CREATE TABLE, `routine` the bodies of functions and
//! procedures, `select` TOP and QUALIFY,
//! `expression` and `functions` everything inside; `copy`, `unload`, `load` and `s3` move files. `system` has the system tables.
//! `depth` bounds it all.

mod copy;
mod depth;
mod error;
mod expression;
mod functions;
mod load;
mod postgres;
mod routine;
mod s3;
mod select;
mod statement;
mod system;
mod table;
#[cfg(test)]
mod tests;
mod unload;

pub(crate) use copy::CopyFrom;
pub(crate) use depth::DEEPEST;
pub(crate) use error::DialectError;
pub(crate) use load::{Known, Outcome, Reject, Target};
pub(crate) use postgres::postgres_only;
pub(crate) use statement::{Step, translate};
pub(crate) use system::{SYSTEM_SQL, SYSTEM_VERSION, missing_system_table, needs_system_views};
pub(crate) use unload::{Unload, UnloadColumn};
