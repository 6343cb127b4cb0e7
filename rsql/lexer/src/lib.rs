//! Reading scripts: where statements end, where meta commands begin, what variables stand for.
//!
//! [`Scanner`] splits SQL and interpolates, [`SlashLexer`] reads the arguments of a meta command,
//! [`quote`] has the two ways of quoting a value, [`token`] is the stream that the Redshift dialect
//! and the checker work on.

pub mod quote;
mod scanner;
mod slash;
mod split;
#[cfg(test)]
mod tests;
pub mod token;
mod variable;

pub use scanner::{Depth, Lookup, Scanner, Stop};
pub use slash::{Arg, ArgMode, Interpolate, NoInterpolation, SlashError, SlashLexer};
pub use split::{Piece, is_copy_from_stdin, split};
pub use variable::{Reference, Style, is_name, read_reference};
