//! The tokens of a statement, without blanks and comments, with matching parentheses.

use rsql_lexer::token::{Token, tokens};

/// The tokens of a text. `line` is the line of the text's first byte.
#[derive(Debug)]
pub(crate) struct Tokens {
    all: Vec<Token>,
    /// For each token: the index of the parenthesis that closes it, or of itself.
    close: Vec<usize>,
    /// For each token, its line.
    lines: Vec<usize>,
}

impl Tokens {
    pub(crate) fn new(sql: &str, line: usize) -> Self {
        let all: Vec<Token> = tokens(sql, false).into_iter().filter(|token| !token.is_quiet()).collect();
        let mut close: Vec<usize> = (0..all.len()).collect();
        let mut open = Vec::new();
        let mut lines = Vec::with_capacity(all.len());
        let (mut at, mut current) = (0, line);
        for (i, token) in all.iter().enumerate() {
            current += sql.get(at..token.start).unwrap_or_default().matches('\n').count();
            at = token.start;
            lines.push(current);
            if token.is_symbol("(") {
                open.push(i);
            } else if token.is_symbol(")")
                && let Some(opened) = open.pop()
            {
                close[opened] = i;
            }
        }
        // What is never closed ends with the text.
        for opened in open {
            close[opened] = all.len();
        }
        Self { all, close, lines }
    }

    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    pub(crate) fn line(&self, at: usize) -> usize {
        self.lines.get(at).or(self.lines.last()).copied().unwrap_or(1)
    }

    /// The index behind the group that the parenthesis at `at` opens is `close(at) + 1`.
    pub(crate) fn close(&self, at: usize) -> usize {
        self.close.get(at).copied().unwrap_or(at)
    }

    pub(crate) fn get(&self, at: usize) -> Option<&Token> {
        self.all.get(at)
    }

    /// Whether the token at `at` is this keyword, in any case.
    pub(crate) fn is(&self, at: usize, word: &str) -> bool {
        self.get(at).is_some_and(|token| token.is(word))
    }

    /// Whether the token at `at` is one of these keywords.
    pub(crate) fn is_any(&self, at: usize, words: &[&str]) -> bool {
        words.iter().any(|word| self.is(at, word))
    }

    pub(crate) fn is_symbol(&self, at: usize, symbol: &str) -> bool {
        self.get(at).is_some_and(|token| token.is_symbol(symbol))
    }

    /// The first index in `from..to` outside of parentheses that satisfies `want`.
    pub(crate) fn find(&self, from: usize, to: usize, want: impl Fn(usize) -> bool) -> Option<usize> {
        let mut at = from;
        while at < to.min(self.len()) {
            if want(at) {
                return Some(at);
            }
            at = if self.is_symbol(at, "(") { self.close(at) + 1 } else { at + 1 };
        }
        None
    }

    /// Whether a query begins at `at`, perhaps within parentheses.
    pub(crate) fn starts_query(&self, mut at: usize) -> bool {
        while self.is_symbol(at, "(") {
            at += 1;
        }
        self.is_any(at, &["select", "with", "values"])
    }

    /// The value of the string at `at`, without quotes; `None` if it is not one.
    pub(crate) fn string(&self, at: usize) -> Option<String> {
        self.get(at)?.string()
    }
}
