//! Looking for mistakes in scripts without running them: `rsql check FILE…`.
//!
//! `source` finds the scripts in a file (a shell script's here-documents, or the whole), `flow` looks at
//! `\if`, `\goto` and what cannot be reached, `variables` at what is used and never set.

mod finding;
mod flow;
mod run;
mod source;
#[cfg(test)]
mod tests;
mod variables;

pub use finding::{Finding, Rule};
pub use run::check;
pub(crate) use run::run;
pub(crate) use source::scripts;
