//! Programs that read bytes from outside, and bytes to read: the files in `seeds/`, changed at random.
//!
//! [`targets`] has a function for each reader. It fails where the reader panics or breaks what it promises. [`inputs`]
//! makes inputs of seeds, as a strategy of proptest, so that an input that fails is made as small as possible. Each such
//! input becomes a seed, and every seed is an ordinary test (`tests/seeds.rs`). `make fuzz SECONDS=600` goes on for as
//! long as is asked for. A fuzzer that is led by coverage would need a nightly compiler.

pub mod inputs;
pub mod targets;

pub use inputs::{inputs, seeds};
pub use targets::{TARGETS, Target};
