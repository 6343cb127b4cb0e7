//! JSONPath in the dialect of Step Functions (that of Jayway JsonPath), and the restricted reference paths.
//!
//! <https://docs.aws.amazon.com/step-functions/latest/dg/amazon-states-language-paths.html>

mod ast;
mod eval;
mod filter;
mod parse;
mod reference;

pub(crate) use ast::{Path, Root};
pub(crate) use eval::Found;
pub(crate) use parse::ParseError;
pub(crate) use reference::ReferencePath;

#[cfg(test)]
mod tests;
