//! What the translation of a statement knows about tables: a catalogue, and the names of enclosing queries.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use crate::lexer::token::{Kind, Token, tokens};

/// The columns of a relation in their order, as name and type.
pub type ColumnTypes = Vec<(String, String)>;

/// The columns of tables and views.
pub trait Catalogue {
    /// The columns of a relation; `None` if the catalogue does not know it. The name is as the statement has it, with its schema and quotes.
    fn columns(&self, relation: &str) -> Option<ColumnTypes>;

    /// Whether a name in quotes keeps its case, as after `SET enable_case_sensitive_identifier TO true`.
    fn case_sensitive(&self) -> bool {
        false
    }

    /// A quotient of decimals keeps PostgreSQL's digits, because the types of its operands are not known.
    fn unknown_quotient(&self) {}
}

/// A catalogue without tables, for a translation without a server.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoCatalogue;

impl Catalogue for NoCatalogue {
    fn columns(&self, _: &str) -> Option<ColumnTypes> {
        None
    }
}

/// The columns of a relation; `None` for the type where only the name is known.
pub(super) type Columns = Vec<(String, Option<String>)>;

#[derive(Default)]
struct Scope {
    catalogue: Option<Rc<dyn Catalogue>>,
    /// Columns of common table expressions, innermost last.
    common: Vec<HashMap<String, Option<Columns>>>,
    /// Names of the relations of enclosing queries, innermost last.
    relations: Vec<Vec<String>>,
    /// How many bodies of functions and procedures are around.
    routines: usize,
}

thread_local! {
    // The translation calls itself through expressions, functions and bodies; each would only pass this on.
    static SCOPE: RefCell<Scope> = RefCell::default();
}

/// A catalogue, for as long as the value lives.
pub(super) struct With(());

impl With {
    pub(super) fn catalogue(catalogue: Rc<dyn Catalogue>) -> Self {
        SCOPE.with_borrow_mut(|scope| {
            *scope = Scope { catalogue: Some(catalogue), ..Scope::default() };
        });
        Self(())
    }
}

impl Drop for With {
    fn drop(&mut self) {
        SCOPE.with_borrow_mut(|scope| *scope = Scope::default());
    }
}

/// A level of a query, for as long as the value lives.
pub(super) struct Query(());

impl Query {
    pub(super) fn enter(common: HashMap<String, Option<Columns>>, relations: Vec<String>) -> Self {
        SCOPE.with_borrow_mut(|scope| {
            scope.common.push(common);
            scope.relations.push(relations);
        });
        Self(())
    }
}

impl Drop for Query {
    fn drop(&mut self) {
        SCOPE.with_borrow_mut(|scope| {
            scope.common.pop();
            scope.relations.pop();
        });
    }
}

/// The columns of a table, view or common table expression, if they are known.
pub(super) fn columns(relation: &str) -> Option<Columns> {
    let lower = relation.to_ascii_lowercase();
    let common =
        SCOPE.with_borrow(|scope| scope.common.iter().rev().find_map(|level| level.get(&lower).cloned()));
    if let Some(known) = common {
        return known;
    }
    let catalogue = SCOPE.with_borrow(|scope| scope.catalogue.clone())?;
    let columns = catalogue.columns(relation)?;
    Some(columns.into_iter().map(|(name, kind)| (name, Some(kind))).collect())
}

/// The tokens of a text. Names are folded to lower case in quotes, too, unless the session says otherwise.
/// <https://docs.aws.amazon.com/redshift/latest/dg/r_names.html>
pub(super) fn read(sql: &str) -> Vec<Token> {
    let mut all = tokens(sql, false);
    let sensitive = SCOPE.with_borrow(|scope| scope.catalogue.clone()).is_some_and(|c| c.case_sensitive());
    if !sensitive {
        all.iter_mut().filter(|t| t.kind == Kind::Quoted).for_each(|t| t.text.make_ascii_lowercase());
    }
    all
}

/// Tells the catalogue of a quotient whose digits are not known.
pub(super) fn unknown_quotient() {
    if let Some(catalogue) = SCOPE.with_borrow(|scope| scope.catalogue.clone()) {
        catalogue.unknown_quotient();
    }
}

/// Whether an enclosing query has a relation of this name.
pub(super) fn has_relation(name: &str) -> bool {
    SCOPE.with_borrow(|scope| scope.relations.iter().flatten().any(|r| super::clauses::same(r, name)))
}

/// The body of a function or procedure, for as long as the value lives: a name before a dot may be a record.
pub(super) struct Routine(());

impl Routine {
    pub(super) fn enter() -> Self {
        SCOPE.with_borrow_mut(|scope| scope.routines += 1);
        Self(())
    }
}

impl Drop for Routine {
    fn drop(&mut self) {
        SCOPE.with_borrow_mut(|scope| scope.routines = scope.routines.saturating_sub(1));
    }
}

/// Whether the body of a function or procedure is translated.
pub(super) fn in_routine() -> bool {
    SCOPE.with_borrow(|scope| scope.routines > 0)
}
