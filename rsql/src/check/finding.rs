//! What a check finds.

use std::fmt;

/// The kinds of mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// `\if`, `\elseif`, `\else` and `\endif` do not match.
    UnbalancedIf,
    /// A `\goto` to a label that does not come after it.
    UnknownLabel,
    /// A label twice.
    DuplicateLabel,
    /// A meta command that there is not.
    UnknownCommand,
    /// Code that nothing leads to.
    Unreachable,
    /// A variable that nothing sets.
    UnsetVariable,
    /// A test of ERROR whose branch goes on as if nothing had happened.
    ErrorWithoutExit,
    /// Lines end in CR LF.
    CrLf,
    /// Bytes that are not UTF-8.
    Encoding,
    /// A quote or comment that is open at the end.
    OpenQuote,
    /// Parentheses that are nested deeper than [`crate`] translates.
    TooDeep,
    /// What only PostgreSQL has: Redshift refuses it.
    PostgresOnly,
    /// What the dialect cannot translate to PostgreSQL.
    Dialect,
    /// An `\exit` with a status that cannot be, or means something else.
    ExitStatus,
}

impl Rule {
    /// Its name in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::UnbalancedIf => "unbalanced-if",
            Self::UnknownLabel => "unknown-label",
            Self::DuplicateLabel => "duplicate-label",
            Self::UnknownCommand => "unknown-command",
            Self::Unreachable => "unreachable",
            Self::UnsetVariable => "unset-variable",
            Self::ErrorWithoutExit => "error-without-exit",
            Self::CrLf => "crlf",
            Self::Encoding => "encoding",
            Self::OpenQuote => "open-quote",
            Self::TooDeep => "too-deep",
            Self::PostgresOnly => "postgres-only",
            Self::Dialect => "dialect",
            Self::ExitStatus => "exit-status",
        }
    }
}

/// A mistake and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What kind.
    pub rule: Rule,
    /// Line in the file, from 1.
    pub line: usize,
    /// Column in bytes, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {} [{}]", self.line, self.column, self.message, self.rule.name())
    }
}
