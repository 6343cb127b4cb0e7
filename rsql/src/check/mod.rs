//! Looking for mistakes in scripts without running them: `rsql check FILE…`.
//!
//! `source` finds the scripts in a file (a shell script's here-documents, or the whole), `flow` looks at
//! `\if`, `\goto` and what cannot be reached, `variables` at what is used and never set, `statements` at what one of
//! Redshift and PostgreSQL does not take. `survey` counts that for whole folders.

mod finding;
mod flow;
mod run;
mod source;
mod statements;
mod survey;
#[cfg(test)]
mod tests;
mod variables;

pub use finding::{Finding, Rule};
pub use run::{Options, check, check_with};
pub(crate) use run::{Request, run};
pub(crate) use source::scripts;
