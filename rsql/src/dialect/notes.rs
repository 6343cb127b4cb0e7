//! Rules of values that PostgreSQL cannot follow at a fair price: a script is warned of them.

use super::clauses::loud;
use crate::lexer::token::{Kind, Token};

/// A rule that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// What differs, as a sentence without a full stop.
    pub text: &'static str,
    /// The first byte of it in the statement.
    pub start: usize,
}

/// What differs in a statement. `in_transaction` says whether a transaction is open before it.
#[must_use]
pub fn notes(statement: &[Token], in_transaction: bool) -> Vec<Note> {
    let mut found = Vec::new();
    let first = statement.iter().find(|t| !t.is_quiet());
    if let Some(first) = first.filter(|t| in_transaction && t.is("truncate")) {
        found.push(Note {
            text: "TRUNCATE commits the transaction in Amazon Redshift, but not on PostgreSQL",
            start: first.start,
        });
    }
    // The operands' types are seen only where they are written.
    let decimal =
        |t: &Token| (t.kind == Kind::Number && t.text.contains('.')) || t.is("decimal") || t.is("numeric");
    let queries =
        first.is_some_and(|t| ["select", "with", "insert", "create", "update"].iter().any(|w| t.is(w)));
    let slash = statement.iter().position(|t| t.is_symbol("/"));
    if let Some(at) = slash.filter(|at| queries && loud(statement, at + 1).is_some())
        && statement.iter().any(decimal)
    {
        found.push(Note {
            text: "the quotient of two decimals has another number of digits in Amazon Redshift than on PostgreSQL",
            start: statement[at].start,
        });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::notes;
    use crate::lexer::token::tokens;

    #[test]
    fn what_differs() {
        let count = |sql: &str, open: bool| notes(&tokens(sql, false), open).len();
        assert_eq!(count("truncate t;", true), 1);
        assert_eq!(count("truncate t;", false), 0);
        assert_eq!(count("select a / 2 from t;", false), 0);
        assert_eq!(count("select a::decimal(5,2) / 3 from t;", false), 1);
        assert_eq!(count("select 10.0 / 3;", false), 1);
    }
}
