//! The SQL error behind a failing script, taken from its output.
//!
//! - [`parse`]: one line.
//! - [`scanner`]: a whole output in bounded memory, and the message that the operator reads.

pub mod parse;
pub mod scanner;

pub use scanner::Scanner;
