//! SQL for the Redshift Data API: texts become statements, values are bound, and loads, unloads and checks are
//! compiled. Pure: nothing here speaks to a database.
//!
//! - [`split`]: a text as statements, and what the Data API cannot run.
//! - [`bind`]: `:name` and `{{ name }}` in a statement.
//! - [`name`]: names of tables and columns, validated and quoted.
//! - [`Copy`], [`Unload`]: COPY and UNLOAD from fields.
//! - [`Check`]: assertions on a table, as statements and as a verdict on their results.
//! - [`request`]: what identifies the statement of an attempt to the service.
//! - [`report`]: the log of what ran, with credentials masked.

mod bind;
mod check;
mod copy;
pub mod name;
pub mod report;
pub mod request;
mod split;
mod unload;

pub use bind::{BindProblem, Bound, bind, names};
pub use check::{Check, Finding, Limit, Query, Severity};
pub use copy::{Column, Compression, Copy, CopyFormat, FieldProblem, Load};
pub use split::{MOST_BYTES, MOST_STATEMENTS, SplitProblem, Transaction, split, split_all, warnings};
pub use unload::{Unload, UnloadFormat, UnloadSource};

/// A text as a string literal. Redshift reads a backslash in one as an escape, and no driver takes NUL, so a text
/// with either has none.
///
/// # Errors
/// [`NoLiteral`] for those two.
pub fn literal(text: &str) -> Result<String, NoLiteral> {
    if text.contains('\\') {
        return Err(NoLiteral("a backslash"));
    }
    if text.contains('\0') {
        return Err(NoLiteral("a NUL character"));
    }
    Ok(format!("'{}'", text.replace('\'', "''")))
}

/// A text that no literal may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must not contain {0}")]
pub struct NoLiteral(pub &'static str);

#[cfg(test)]
mod tests;
