//! Rules of values that PostgreSQL cannot follow at a fair price: a script is warned of them.

use std::cell::Cell;
use std::rc::Rc;

use super::scope::{Catalogue, ColumnTypes};
use crate::lexer::token::Token;

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
    found
}

/// What a script is warned of whose quotients of decimals keep PostgreSQL's digits.
pub const QUOTIENT: &str =
    "the quotient of two decimals has another number of digits in Amazon Redshift than on PostgreSQL";

/// A quotient of decimals whose digits are not known without the columns of its tables.
#[must_use]
pub fn quotient(statement: &[Token]) -> Option<Note> {
    let slash = statement.iter().find(|t| t.is_symbol("/"))?;
    let unknown = Rc::new(Unknown::default());
    let text: String = statement.iter().map(|t| t.text.as_str()).collect();
    super::translate_with(&text, None, Rc::clone(&unknown) as Rc<dyn Catalogue>).ok()?;
    unknown.0.get().then_some(Note { text: QUOTIENT, start: slash.start })
}

/// A catalogue without tables that keeps what it is told.
#[derive(Default)]
struct Unknown(Cell<bool>);

impl Catalogue for Unknown {
    fn columns(&self, _: &str) -> Option<ColumnTypes> {
        None
    }

    fn unknown_quotient(&self) {
        self.0.set(true);
    }
}

#[cfg(test)]
mod tests {
    use super::{notes, quotient};
    use crate::lexer::token::tokens;

    #[test]
    fn what_differs() {
        let count = |sql: &str, open: bool| notes(&tokens(sql, false), open).len();
        assert_eq!(count("truncate t;", true), 1);
        assert_eq!(count("truncate t;", false), 0);
        let digits = |sql: &str| quotient(&tokens(sql, false)).is_some();
        assert!(!digits("select a / 2 from t;"), "it may well be a whole number");
        assert!(!digits("select a::decimal(5,2) / 3 from t;") && !digits("select 10.0 / 3;"));
        assert!(
            digits("select a::decimal(5,2) / b from t;") && digits("select 1.5 * (select a from t) / 2;")
        );
        assert!(!digits("select a::decimal(5,2) / b::float from t;"));
    }
}
