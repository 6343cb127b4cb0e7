//! Changes to tokens at several places at once.

use std::cmp::Reverse;
use std::ops::Range;

use crate::lexer::token::{Token, tokens};

/// Replacements, each of a range of tokens by a text.
#[derive(Debug, Default)]
pub(super) struct Edits(Vec<(Range<usize>, String)>);

impl Edits {
    /// Replaces tokens.
    pub(super) fn replace(&mut self, range: Range<usize>, text: impl Into<String>) {
        self.0.push((range, text.into()));
    }

    /// Puts a text before a token.
    pub(super) fn insert(&mut self, at: usize, text: impl Into<String>) {
        self.replace(at..at, text);
    }

    /// How many changes there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing changes.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text of a part of the tokens with the changes that lie in it.
    pub(super) fn text(&self, all: &[Token], part: Range<usize>) -> String {
        let mut edits: Vec<&(Range<usize>, String)> =
            self.0.iter().filter(|(r, _)| r.start >= part.start && r.end <= part.end).collect();
        // What is put in front comes first, and of two replacements the one that has the other in it.
        edits.sort_by_key(|(range, _)| (range.start, !range.is_empty(), Reverse(range.end)));
        let mut out = String::new();
        let mut at = part.start;
        for (range, text) in edits {
            // What lies in a part that is replaced already is gone with it.
            if range.start < at {
                continue;
            }
            out.extend(all[at..range.start].iter().map(|t| t.text.as_str()));
            out.push_str(text);
            at = range.end;
        }
        out.extend(all[at..part.end].iter().map(|t| t.text.as_str()));
        out
    }

    /// The tokens with the changes.
    pub(super) fn apply(&self, all: &[Token]) -> Vec<Token> {
        tokens(&self.text(all, 0..all.len()), false)
    }
}
