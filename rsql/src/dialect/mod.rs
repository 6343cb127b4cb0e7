//! Redshift's SQL on PostgreSQL: enough to test real scripts without a cluster.
//!
//! A statement is read as tokens ([`crate::lexer::token`]) and written anew where it says something that
//! PostgreSQL says otherwise; a statement that has nothing of the kind is sent byte for byte as it is.
//! What has no counterpart is an error that names it. `docs/rsql.md` has the table.
//!
//! `statement` decides by the first words; `table` does CREATE TABLE, `routine` the bodies of functions and
//! procedures, `select` TOP and QUALIFY,
//! `expression` and `functions` everything inside; `copy`, `unload`, `load` and `s3` move files. `depth` bounds it all.

mod copy;
mod depth;
mod error;
mod expression;
mod functions;
mod load;
mod routine;
mod s3;
mod select;
mod statement;
mod table;
#[cfg(test)]
mod tests;
mod unload;

pub(crate) use copy::CopyFrom;
pub(crate) use depth::DEEPEST;
pub(crate) use error::DialectError;
pub(crate) use statement::{Step, translate};
pub(crate) use unload::Unload;
