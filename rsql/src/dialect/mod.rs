//! Redshift's SQL on PostgreSQL, so that scripts are tested without a cluster and give the same values.
//!
//! Rules that depend on types are functions and operators of the schema `redshift` in the database ([`schema`]). What
//! has another syntax is translated on the tokens ([`crate::lexer::token`]); a statement that has nothing of the kind
//! is sent byte for byte as it is. What has no counterpart is an error that names it. `docs/rsql.md` has the table.
//!
//! `statement` decides by the first words; `table` does CREATE TABLE, `routine` the bodies of functions and
//! procedures, `access` users and permissions. `query` takes a query's `clauses` and changes them one after the other:
//! `semi` (SUPER), `pivot`, `outer` (`(+)`), `lateral` (aliases), `decimals` (quotients) and `qualify`; `select` does
//! TOP, `expression`, `functions` and `window` all that is inside. `scope` knows columns of tables, `names` what is
//! refused. `copy`, `unload`, `load` and `s3` move files, `system` has the system tables, `postgres` knows what only
//! PostgreSQL has, and `notes` which rules differ. `depth` bounds it all.

mod access;
mod clauses;
mod copy;
mod decimals;
mod depth;
mod edit;
mod error;
mod expression;
mod functions;
mod lateral;
mod load;
mod names;
mod notes;
mod outer;
mod pivot;
mod postgres;
mod qualify;
mod query;
mod routine;
mod s3;
pub mod schema;
mod scope;
mod select;
mod semi;
mod setting;
mod statement;
mod system;
mod table;
#[cfg(test)]
mod tests;
mod unload;
mod window;

pub use copy::CopyFrom;
pub(crate) use depth::DEEPEST;
pub use error::DialectError;
pub(crate) use load::{Known, Outcome, Reject, Target};
pub use notes::{Note, QUOTIENT, notes, quotient};
pub(crate) use postgres::postgres_only;
pub use scope::{Catalogue, ColumnTypes, NoCatalogue};
pub(crate) use statement::sets_case_sensitive;
pub use statement::{Step, translate, translate_with};
pub(crate) use system::{SYSTEM_SQL, SYSTEM_VERSION, missing_system_table, needs_system_views};
pub use unload::Unload;
pub(crate) use unload::UnloadColumn;
