//! Intrinsic functions, such as `States.Format('…', $.x)`.
//!
//! <https://docs.aws.amazon.com/step-functions/latest/dg/intrinsic-functions.html>

mod arrays;
mod call;
mod function;
mod parse;
mod text;

pub(crate) use call::Call;

#[cfg(test)]
mod tests;
