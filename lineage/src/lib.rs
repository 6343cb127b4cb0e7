//! Which tables SQL and RSQL scripts read and write, and the order of jobs that follows.
//!
//! [`of_source`] reads one job: SQL text, an RSQL script, or a shell script with here-documents. [`infer`] compares
//! jobs and returns an edge for each table that one job writes and another reads. Everything works on the tokens of
//! `rsql`'s lexer, at the level of tables; columns are not followed. What cannot be known from the text is a
//! [`Warning`], never a guess.

mod infer;
mod name;
mod options;
mod query;
mod result;
mod routine;
mod session;
mod shell;
mod source;
mod statement;
mod tokens;

pub use infer::{Conflict, Edge, Inference, JobAccess, Reason, infer};
pub use options::{Include, Options};
pub use result::{Access, AccessKind, Lineage, Location, Place, Warning, WarningKind};
pub use source::{of_source, procedures};
