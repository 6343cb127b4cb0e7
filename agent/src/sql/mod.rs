//! Finds the SQL error of a failed script in its output.
//!
//! - [`parse`]: one line.
//! - [`scanner`]: an output of any size in bounded memory, and the message for the operator.

pub mod parse;
pub mod scanner;

pub use scanner::Scanner;
