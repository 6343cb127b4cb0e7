//! How deep SQL may be nested. Each level takes some of the stack, and a stack that is used up ends the program without
//! a word.

use std::cell::Cell;

use super::DialectError;
use crate::lexer::token::Token;

/// Levels of parentheses, or of bodies within bodies. People write a dozen, programs some hundreds.
pub(crate) const DEEPEST: usize = 1000;

thread_local! {
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

/// Refuses parentheses that are nested too deeply.
///
/// # Errors
/// If they are.
pub(super) fn check(tokens: &[Token]) -> Result<(), DialectError> {
    let mut depth = 0_usize;
    for token in tokens {
        if token.is_symbol("(") {
            depth += 1;
        } else if token.is_symbol(")") {
            depth = depth.saturating_sub(1);
        }
        if depth > DEEPEST {
            return Err(DialectError::TooDeep(DEEPEST));
        }
    }
    Ok(())
}

/// One level, for as long as it lives.
pub(super) struct Level(());

impl Level {
    /// One level down.
    ///
    /// # Errors
    /// If that is too deep.
    pub(super) fn enter() -> Result<Self, DialectError> {
        let depth = DEPTH.get();
        // The statement itself takes two.
        if depth > DEEPEST + 1 {
            return Err(DialectError::TooDeep(DEEPEST));
        }
        DEPTH.set(depth + 1);
        Ok(Self(()))
    }
}

impl Drop for Level {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get().saturating_sub(1));
    }
}
